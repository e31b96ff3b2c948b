/** Values that a JSON schema takes, and values that it refuses, made of the schema itself. */
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly propertyNames?: Schema;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly format?: string;
}

export interface Values {
  readonly taken: fc.Arbitrary<unknown>;
  readonly refused: fc.Arbitrary<unknown>;
}

/** @param document where `$ref` leads to. @param words texts that mean something to whoever takes the values. */
export function valuesOf(schema: Schema, document: object, words: readonly string[]): Values {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(document, "document");
  const isTaken = ajv.compile(absolute(schema));
  const made = new Maker(document, words).value(schema);
  return {
    taken: made.filter((value) => isTaken(value)),
    refused: fc
      .tuple(made, fc.nat(), change)
      .map(([value, place, how]) => changed(value, place, how))
      .filter((value) => value !== undefined && !isTaken(value)),
  };
}

function absolute(schema: Schema): Schema {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/')) as Schema;
}

/** Makes values that mostly fit; what does not is left out by the validator. */
class Maker {
  readonly #document: object;
  readonly #words: readonly string[];

  constructor(document: object, words: readonly string[]) {
    this.#document = document;
    this.#words = words;
  }

  value(given: Schema): fc.Arbitrary<unknown> {
    const schema = given.$ref === undefined ? given : this.#named(given.$ref);
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
    const { anyOf, oneOf, ...rest } = schema;
    const choices = anyOf ?? oneOf;
    if (choices !== undefined) {
      return fc.oneof(...choices.map((choice) => this.value(merged(rest, choice))));
    }
    if (schema.type === "object") return this.#object(schema);
    if (schema.type === "array") return this.#array(schema);
    if (schema.type === "string") return this.#text(schema);
    if (schema.type === "boolean") return fc.boolean();
    if (schema.type === "integer" || schema.type === "number") return numbers(schema);
    return fc.jsonValue({ maxDepth: 2 });
  }

  #named(ref: string): Schema {
    let place: unknown = this.#document;
    for (const name of ref.replace("#/", "").split("/")) place = (place as Record<string, unknown>)[name];
    return place as Schema;
  }

  #object(schema: Schema): fc.Arbitrary<unknown> {
    const {
      properties = {},
      required = [],
      additionalProperties,
      propertyNames = { type: "string" },
    } = schema;
    const known = fc.record(
      Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, this.value(inner)])),
      { requiredKeys: [...required], noNullPrototype: true },
    );
    if (typeof additionalProperties !== "object") return known;
    const names = this.#text({ ...propertyNames, type: "string" });
    const more = fc.dictionary(names, this.value(additionalProperties), {
      maxKeys: 3,
      noNullPrototype: true,
    });
    return fc.tuple(more, known).map(([a, b]) => ({ ...a, ...b }));
  }

  #array({ items = {}, minItems = 0, maxItems = 4 }: Schema): fc.Arbitrary<unknown> {
    return fc.array(this.value(items), { minLength: minItems, maxLength: Math.min(maxItems, minItems + 3) });
  }

  #text({ minLength = 0, maxLength = 100, pattern, allOf = [] }: Schema): fc.Arbitrary<string> {
    const patterns = [pattern, ...allOf.map((part) => part.pattern)].filter((part) => part !== undefined);
    const rules = patterns.map((source) => new RegExp(source, "u"));
    const longest = patterns.flatMap(longestOf);
    const maxShort = Math.max(minLength, Math.min(maxLength, 40));
    const texts = [
      fc.constantFrom(...this.#words),
      fc.string({ unit: "binary", minLength, maxLength: maxShort }),
      fc.string({ unit: "grapheme-ascii", minLength, maxLength: maxShort }),
      fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,20}$/),
      fc.stringMatching(/^[0-9a-f]{64}$/),
      // As long as may be, in one unit of UTF-16 a character and in two.
      fc.constantFrom(
        ...[maxLength, ...longest].flatMap((length) => ["a".repeat(length), "\u{1F457}".repeat(length)]),
        ...longest.map((length) => `\n ${"a".repeat(length)}\t `),
      ),
    ];
    return fc
      .oneof(...texts)
      .filter((text) => rules.every((rule) => rule.test(text)) && [...text].length >= minLength)
      .filter((text) => [...text].length <= maxLength);
  }
}

/** Characters of the longest text, where a pattern bounds what lies between the first and the last one. */
function longestOf(pattern: string): readonly number[] {
  return [...pattern.matchAll(/\{0,(\d+)\}/g)].map(([, between]) => Number(between) + 2);
}

/** A choice within an object: what both ask for. */
function merged(schema: Schema, choice: Schema): Schema {
  const properties = { ...schema.properties };
  for (const [name, inner] of Object.entries(choice.properties ?? {})) {
    properties[name] = { ...properties[name], ...inner };
  }
  const required = [...(schema.required ?? []), ...(choice.required ?? [])];
  return { ...schema, ...choice, properties, required };
}

function numbers({ type, minimum, maximum }: Schema): fc.Arbitrary<number> {
  const bounds = {
    ...(minimum === undefined ? {} : { min: minimum }),
    ...(maximum === undefined ? {} : { max: maximum }),
  };
  if (type === "integer") return fc.integer(smallBounds(bounds));
  return fc.oneof(
    fc.double({ ...bounds, noNaN: true, noDefaultInfinity: true }),
    fc.integer(smallBounds(bounds)),
  );
}

function smallBounds({ min = -100, max = 100 }: { readonly min?: number; readonly max?: number }) {
  return { min: Math.max(min, -1e9), max: Math.min(max, 1e9) };
}

type Change =
  | { readonly kind: "replace"; readonly value: unknown }
  | { readonly kind: "leave out" }
  | { readonly kind: "add"; readonly name: string; readonly value: unknown };

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(null, "", " ", "\u0000", -1, 0, 0.5, 1e13, true, [], {}, "x".repeat(2001)),
  fc.constantFrom("../x", ".x", "a|b", "id", "request", "toString", "\ud800", "\u{1F457}".repeat(257)),
  // One more than a category, an id, a title and a value may have.
  fc.constantFrom(...[101, 201, 5001, 20_001].map((length) => "a".repeat(length))),
);
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant("replace" as const), value: odd }),
  fc.record({ kind: fc.constant("leave out" as const) }),
  fc.record({ kind: fc.constant("add" as const), name: fc.string({ maxLength: 8 }), value: odd }),
);

/** A copy in which one part, somewhere, was changed. */
function changed(value: unknown, place: number, how: Change): unknown {
  const parts: { readonly parent: Record<string, unknown>; readonly name: string }[] = [];
  const root: Record<string, unknown> = { value: JSON.parse(JSON.stringify(value)) };
  const collect = (parent: Record<string, unknown>): void => {
    for (const [name, part] of Object.entries(parent)) {
      parts.push({ parent, name });
      if (typeof part === "object" && part !== null) collect(part as Record<string, unknown>);
    }
  };
  collect(root);
  const { parent, name } = parts[place % parts.length] as (typeof parts)[number];
  if (how.kind === "leave out") delete parent[name];
  else if (how.kind === "replace") parent[name] = how.value;
  else if (typeof parent[name] === "object" && parent[name] !== null) {
    (parent[name] as Record<string, unknown>)[how.name] = how.value;
  }
  return JSON.parse(JSON.stringify(root)).value;
}
