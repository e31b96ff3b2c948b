/** One item of an index, as searches answer with it. */
import { z } from "zod";
import type { CatalogueItem } from "../../catalogue/catalogue-item.js";
import { isFilterable } from "../../catalogue/item-schema.js";
import { isWellFormed, normalName, normalText, wellFormed } from "../../catalogue/normal-text.js";
import { StoreError, UsageError } from "../../errors.js";
import { sha256Of } from "../../files/sha256.js";
import { tagOf } from "../store/filter.js";
import type { StoredItem } from "../store/vector-store.js";

/** Changes when equal rows must be indexed anew. */
const format = 1;
/** Hexadecimal digits of a hash: of an entry, and of a vector. */
const hashDigits = 32;

/** Earlier versions stored half characters, which no answer may have. */
const text = z.string().overwrite(wellFormed);

const entrySchema = z.strictObject({
  category: text,
  title: text.optional(),
  price: z.number().optional(),
  /** Values by name, in the catalogue's order. */
  attributes: z.record(text, z.array(text)),
  /** Path of the picture below the index's image root; absent where only the thumbnail was kept. */
  image: z.string().optional(),
  /** SHA-256 of the picture's file: names the thumbnail. */
  picture: z.string().regex(/^[0-9a-f]{64}$/),
});

/** What the index knows of an item besides its embedding. */
export type CatalogueEntry = Readonly<z.infer<typeof entrySchema>> & { readonly id: string };

/** An entry from a row of a catalogue. @param picture SHA-256 of the picture's file. */
export function entryOf(item: CatalogueItem, picture: string): CatalogueEntry {
  const { id, category, title, price, attributes, image } = item;
  return {
    id,
    category,
    title,
    price,
    attributes: Object.fromEntries([...attributes].map(([name, values]) => [name, [...values]])),
    image: image.kind === "file" ? image.path : undefined,
    picture,
  };
}

/** A hash of everything in an entry: 32 hexadecimal digits. */
export function entryHash(entry: CatalogueEntry): string {
  return detailsHash(entry.id, detailsOf(entry));
}

/** Of an id and its details as they are stored. */
export function detailsHash(id: string, details: string): string {
  return digits(JSON.stringify([format, id, details]));
}

/** Of a vector's bytes. */
export function vectorHash(vector: Float32Array): string {
  return digits(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength));
}

function digits(content: string | Uint8Array): string {
  return sha256Of(content).slice(0, hashDigits);
}

/** The two halves of a stored row's hash; rows of older versions have no hash of their vector. */
export function hashParts(hash: string): { readonly entry: string; readonly vector: string } {
  return { entry: hash.slice(0, hashDigits), vector: hash.slice(hashDigits) };
}

/**
 * What the store keeps of an entry, with every text in its normal form. @param vector [D], length 1.
 * @throws UsageError for texts with half characters: they would not come back as they went in.
 */
export function storedItem(given: CatalogueEntry, vector: Float32Array): StoredItem {
  const entry = normalEntry(given);
  return {
    id: entry.id,
    hash: entryHash(entry) + vectorHash(vector),
    category: entry.category,
    price: entry.price,
    tags: tagsOf(entry.attributes),
    details: detailsOf(entry),
    vector,
  };
}

/** What filters compare with; long texts are left out. */
export function tagsOf(attributes: CatalogueEntry["attributes"]): readonly string[] {
  return Object.entries(attributes).flatMap(([name, values]) =>
    values.filter(isFilterable).map((value) => tagOf(name, value)),
  );
}

/** Rows of tables and writes over HTTP have this form already; a program may hand in anything. */
function normalEntry(entry: CatalogueEntry): CatalogueEntry {
  const { id, category, title, attributes } = entry;
  const half = [id, category, title ?? "", ...Object.entries(attributes).flat(2)].find(
    (text) => !isWellFormed(text),
  );
  if (half !== undefined) {
    throw new UsageError(
      `item ${JSON.stringify(id)}: texts must have no half characters (surrogates without their other half); got ${JSON.stringify(half)}`,
    );
  }
  const pairs = Object.entries(attributes).map(
    ([name, values]) => [normalName(name), values.map(normalText)] as const,
  );
  return {
    ...entry,
    id: normalText(id),
    category: normalText(category),
    title: title === undefined ? undefined : normalText(title),
    attributes: Object.fromEntries(pairs),
  };
}

/** @throws StoreError for details that this version did not write. */
export function parseEntry(id: string, details: string): CatalogueEntry {
  try {
    return { id, ...entrySchema.parse(JSON.parse(details)) };
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new StoreError(`item ${id}: its stored details cannot be read; got ${reason}; index it again`, {
      cause,
    });
  }
}

/** Fields in one order, so that equal entries are equal texts. */
function detailsOf({ category, title, price, attributes, image, picture }: CatalogueEntry): string {
  return JSON.stringify({ category, title, price, attributes, image, picture });
}
