/** The editable file that says how changes are put into words. */
import { z } from "zod";
import { ConfigError } from "../../errors.js";

/** Ways to say that one attribute changed. `{to}`, `{from}` and `{attribute}` stand for its words. */
export interface AttributeTemplates {
  /** What the attribute is called in sentences. */
  readonly name: string;
  /** Name the new value; each contains {to}. */
  readonly phrases: readonly string[];
  /** For a value that means yes. */
  readonly present: readonly string[];
  /** For a value that means no. */
  readonly absent: readonly string[];
  /** Whole phrases for one new value. */
  readonly become: ReadonlyMap<string, readonly string[]>;
  /** Words for a value, where its own is not good enough. */
  readonly words: ReadonlyMap<string, readonly string[]>;
  /** Values from least to most; empty where they have no order. */
  readonly order: readonly string[];
  readonly more: readonly string[];
  readonly less: readonly string[];
}

export interface CaptionTemplates {
  /** Begin a caption; "" among them. */
  readonly openers: readonly string[];
  /** Templates of an attribute, by its column's name. */
  of(attribute: string): AttributeTemplates;
}

const placeholders = /\{[^{}]*\}/g;
const allowed = ["{to}", "{from}", "{attribute}"];
const line = z.string("must be a text").max(200, "must have at most 200 characters");
const phrase = line
  .min(1, "must not be empty")
  .refine((text) => (text.match(placeholders) ?? []).every((name) => allowed.includes(name)), {
    message: `may only have the placeholders ${allowed.join(", ")}`,
  });
const naming = phrase.refine((text) => text.includes("{to}"), "must contain {to}");
const list = <T extends z.ZodType>(element: T) =>
  z.array(element, "must be a list of texts").min(1, "must not be empty");
const byValue = (element: typeof phrase) =>
  z.record(line, list(element), "must be an object of values and lists of texts");
const word = line.refine((text) => text !== "" && !/[{}]/.test(text), "must be words without placeholders");

const attributeSchema = z.strictObject({
  name: line.min(1, "must not be empty").optional(),
  phrases: list(naming).optional(),
  present: list(phrase).optional(),
  absent: list(phrase).optional(),
  become: byValue(phrase).optional(),
  words: byValue(word).optional(),
  order: list(line).optional(),
  more: list(phrase).optional(),
  less: list(phrase).optional(),
});

const schema = z.strictObject(
  {
    openers: list(line).default([""]),
    any: z.strictObject({ phrases: list(naming), present: list(phrase), absent: list(phrase) }),
    attributes: z.record(z.string(), attributeSchema).default({}),
    sameAs: z.record(z.string(), z.string()).default({}),
  },
  "must be a JSON object",
);

/**
 * Checks the content of a templates file. Names of attributes and values are compared in lower case.
 * @throws ConfigError that lists everything wrong.
 */
export function parseCaptionTemplates(content: unknown, file: string): CaptionTemplates {
  const result = schema.safeParse(content);
  if (!result.success) {
    const problems = result.error.issues.map(
      ({ path, message }) => `\n  - ${path.join(".") || "file"}: ${message}`,
    );
    throw new ConfigError(
      `${file}: the caption templates cannot be used:${problems.join("")}\nsee docs/data.md, or start from configs/caption-templates.json`,
    );
  }
  const { openers, any, attributes, sameAs } = result.data;
  const entries = lowerCaseKeys(attributes);
  const aliases = lowerCaseKeys(sameAs);
  return {
    openers,
    of(attribute) {
      const key = attribute.toLowerCase();
      const entry = entries.get((aliases.get(key) ?? key).toLowerCase()) ?? {};
      return {
        name: entry.name ?? spoken(attribute),
        phrases: entry.phrases ?? any.phrases,
        present: entry.present ?? any.present,
        absent: entry.absent ?? any.absent,
        become: lowerCaseKeys(entry.become ?? {}),
        words: lowerCaseKeys(entry.words ?? {}),
        order: (entry.order ?? []).map((value) => value.toLowerCase()),
        more: entry.more ?? [],
        less: entry.less ?? [],
      };
    },
  };
}

function lowerCaseKeys<T>(record: Readonly<Record<string, T>>): ReadonlyMap<string, T> {
  return new Map(Object.entries(record).map(([key, value]) => [key.toLowerCase(), value]));
}

/** A column's name as words: "heelHeight_cm" -> "heel height cm". */
function spoken(column: string): string {
  return column
    .replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
    .replace(/[_\s-]+/g, " ")
    .trim()
    .toLowerCase();
}
