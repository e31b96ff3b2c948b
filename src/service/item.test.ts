/** Rows of a table and writes over HTTP follow the same rules. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { idSchema } from "../catalogue/item-schema.js";
import { readCatalogue, type WrongRow } from "../catalogue/read-catalogue.js";
import { RequestError } from "../errors.js";
import { itemWriteSchema } from "./api.js";
import { parsed } from "./form.js";
import { writtenEntry } from "./item.js";

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "sdfn-item-"));
});
afterAll(() => rmSync(root, { recursive: true }));

/** The item that a row of JSON makes, and what is wrong with it. */
async function asRow(id: string, fields: Readonly<Record<string, unknown>>) {
  const { attributes, ...others } = fields as { readonly attributes: object };
  const file = join(root, "catalogue.jsonl");
  // Own fields one by one: an object literal has no place for `__proto__`.
  const cells = Object.entries({ id, image: "a.jpg", ...others }).concat(Object.entries(attributes));
  const line = cells.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join();
  writeFileSync(file, `{${line}}\n`);
  const wrong: WrongRow[] = [];
  for await (const item of readCatalogue(file, { onWrongRow: (row) => wrong.push(row) })) {
    const { category, title, price } = item;
    return { wrong, entry: { category, title, price, attributes: Object.fromEntries(item.attributes) } };
  }
  return { wrong, entry: undefined };
}

function asWrite(id: string, fields: unknown) {
  try {
    parsed("id", idSchema, id);
    return writtenEntry(parsed("item", itemWriteSchema, fields), fields);
  } catch (error) {
    expect(error).toBeInstanceOf(RequestError);
    return undefined;
  }
}

const usable = ["a", "red", "ü", "u\u0308", "\u212B", "\u00C5", "😀", " ", "\uFEFF", "constructor"];
const unusable = [
  "\uFFFD",
  "\ud83d",
  "\u0007",
  "|",
  "__proto__",
  "id",
  "Title",
  "x".repeat(257),
  "y".repeat(19_999),
];
const lines = ["\n", "\r\n", "\t"];
const part = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...usable) },
  { weight: 1, arbitrary: fc.constantFrom(...unusable, ...lines) },
);
const text = fc.array(part, { maxLength: 3 }).map((parts) => parts.join(""));
const item = fc.record({
  category: text,
  title: text,
  price: fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.double({ min: 0, max: 100, noNaN: true }),
  ),
  attributes: fc
    .array(fc.tuple(text, fc.array(text, { maxLength: 3 })), { maxLength: 3 })
    .map((pairs) =>
      JSON.parse(`{${pairs.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join()}}`),
    ),
});

it("what a table takes a write takes, as the same item; what it refuses, a write refuses", async () => {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(text, item, async (id, fields) => {
      const { wrong, entry } = await asRow(id, fields);
      const written = asWrite(id, fields);
      if (wrong.length > 0) expect(written).toBeUndefined();
      else {
        taken += 1;
        expect({ title: undefined, price: undefined, ...written }).toEqual(entry);
      }
    }),
    { numRuns: 400, seed: 20_261_128 },
  );
  expect(taken).toBeGreaterThan(50);
});
