/** The files of a folder of plain triplets: what a line of each may hold, and how they are read. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { DatasetError } from "../../errors.js";
import { isErrno } from "../../files/errno.js";
import { readJsonSync } from "../../files/read-json.js";
import { splitNames } from "../triplet.js";
import { answerKinds } from "./dataset-kind.js";

export const tripletsFiles = {
  manifest: "dataset.json",
  /** Optional: every image of every split. */
  items: "items.jsonl",
  /** Triplets of all splits in one file. */
  together: "triplets.jsonl",
  ofSplit: (split: string) => `triplets.${split}.jsonl`,
} as const;

const nextStep = "see docs/data.md, Plain triplets";
const mustBeImage = "must be an image: an id, or a path with slashes that stays below the image folder";
/** An id or a relative path: it must not lead out of the image folder. */
const imageRef = z
  .string(mustBeImage)
  .max(2000, mustBeImage)
  .regex(/^(?!\/)[^\p{Cc}\\]+$/u, mustBeImage)
  .refine((text) => text.split("/").every((part) => part !== "" && !part.startsWith(".")), mustBeImage);
const category = z
  .string("must be a text")
  .regex(/^\P{Cc}{1,100}$/u, "must be 1 to 100 characters on one line");
const split = z.enum(splitNames, `must be one of ${splitNames.join(", ")}`);
const mustBeText = "must be a text or a list of texts";
const caption = z.string("must be a text").max(10_000, "must have at most 10000 characters");
const captions = z.union([caption, z.array(caption).min(1, mustBeText)], mustBeText);

/** A line of triplets*.jsonl. */
export const tripletLine = z.object(
  {
    reference: imageRef,
    target: imageRef,
    text: captions,
    /** The same change in other words, each like `text`. */
    paraphrases: z.array(captions, "must be a list of such texts").optional(),
    category: category.default("all"),
    /** Every image that counts as found; the target always does. */
    hits: z.array(imageRef, "must be a list of images").optional(),
    split: split.optional(),
  },
  "must be an object",
);
export type TripletLine = z.output<typeof tripletLine>;

/** A line of items.jsonl. */
export const itemLine = z.object(
  {
    id: imageRef,
    /** File below the image root; where absent, `images/{id}` with any ending. */
    image: imageRef.optional(),
    category: category.default("all"),
    split,
    /** Equal numbers: alike in every attribute. */
    alike: z.int("must be a whole number").optional(),
  },
  "must be an object",
);
export type ItemLine = z.output<typeof itemLine>;

/** dataset.json; fields of whoever made the folder may stand beside these. */
export const manifestSchema = z.object(
  {
    format: z.literal(1, "must be 1"),
    /** Made from a catalogue by `sdfn triplets`, or by hand. */
    kind: z.enum(["catalogue", "triplets"], "must be catalogue or triplets").default("triplets"),
    /** Folder of the pictures, relative to this file; the file's own folder by default. */
    imageRoot: z.string("must be a path").min(1, "must not be empty").default("."),
    answers: z.enum(answerKinds, `must be one of ${answerKinds.join(", ")}`).default("target"),
  },
  "must be a JSON object",
);
export type TripletsManifest = z.output<typeof manifestSchema>;

/** Problems listed in one message; the others are counted. */
const listedProblemCount = 20;

/**
 * The checked lines of a JSON lines file; empty lines are left out.
 * @throws DatasetError that names file and lines when the file is missing or a line is wrong.
 */
export function readJsonLines<T>(file: string, schema: z.ZodType<T>): T[] {
  const values: T[] = [];
  const problems: string[] = [];
  let problemCount = 0;
  for (const [index, line] of readText(file).split("\n").entries()) {
    if (line.trim() === "") continue;
    const found = checkedLine(line, schema);
    if ("value" in found) {
      values.push(found.value);
      continue;
    }
    problemCount += found.problems.length;
    for (const problem of found.problems) {
      if (problems.length < listedProblemCount) problems.push(`line ${index + 1}: ${problem}`);
    }
  }
  if (problemCount === 0) return values;
  if (problemCount > problems.length) problems.push(`and ${problemCount - problems.length} more`);
  throw new DatasetError(`${file}:${problems.map((text) => `\n  - ${text}`).join("")}\n${nextStep}`);
}

type Checked<T> = { readonly value: T } | { readonly problems: readonly string[] };

function checkedLine<T>(line: string, schema: z.ZodType<T>): Checked<T> {
  let content: unknown;
  try {
    content = JSON.parse(line);
  } catch (cause) {
    return { problems: [`is not JSON; got ${cause instanceof Error ? cause.message : cause}`] };
  }
  return checked(content, schema);
}

function checked<T>(content: unknown, schema: z.ZodType<T>): Checked<T> {
  const result = schema.safeParse(content);
  if (result.success) return { value: result.data };
  return { problems: result.error.issues.map((issue) => describe(issue, content)) };
}

/** The manifest, or undefined where there is none. @throws DatasetError when it is wrong. */
export function readManifest(file: string): TripletsManifest | undefined {
  const content = readJsonSync(file, z.unknown(), ({ kind, got, cause }) => {
    if (kind === "missing") return undefined;
    const reason = kind === "unreadable" ? "cannot be read" : "is not JSON";
    throw new DatasetError(`${file}: ${reason}; got ${got}; ${nextStep}`, { cause });
  });
  if (content === undefined) return undefined;
  const found = checked(content, manifestSchema);
  if ("value" in found) return found.value;
  throw new DatasetError(`${file}: ${found.problems.join("; ")}; ${nextStep}`);
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8").replace(/^\uFEFF/, "");
  } catch (cause) {
    const reason = isErrno(cause, "ENOENT", "ENOTDIR") ? "file is missing" : `cannot be read; got ${cause}`;
    throw new DatasetError(`${file}: ${reason}; ${nextStep}`, { cause });
  }
}

/** `"text" must be a text or a list of texts; got 5`. */
function describe({ path, message }: z.core.$ZodIssue, root: unknown): string {
  const value = path.reduce<unknown>(
    (parent, key) => (typeof parent === "object" && parent !== null ? Reflect.get(parent, key) : undefined),
    root,
  );
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  const field = path.length > 0 ? `"${path.join(".")}" ` : "";
  return `${field}${message}; got ${text.length > 80 ? `${text.slice(0, 77)}...` : text}`;
}
