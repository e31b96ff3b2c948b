/** Tells whether a row of the index is as it was written. */
import { hasUnitLength, type StoredItem, type StoredSummary } from "../store/vector-store.js";
import {
  type CatalogueEntry,
  detailsHash,
  hashParts,
  parseEntry,
  tagsOf,
  vectorHash,
} from "./catalogue-entry.js";

/** Is everything that is shown of a row as it was written? Its vector and what filters compare with are not looked at. */
export function isSummarySound({ id, hash, details }: StoredSummary): boolean {
  return hashParts(hash).entry === detailsHash(id, details);
}

/**
 * Is the whole row as it was written? Of rows of older versions, which have no hash of their vector, the vector's length
 * is looked at.
 */
export function isRowSound(row: StoredItem): boolean {
  if (!isSummarySound(row)) return false;
  const { vector } = hashParts(row.hash);
  if (vector === "" ? !hasUnitLength(row.vector) : vector !== vectorHash(row.vector)) return false;
  const { category, price } = parseEntry(row.id, row.details);
  // All names as they were written: a schema leaves out `__proto__`.
  const { attributes } = JSON.parse(row.details) as Pick<CatalogueEntry, "attributes">;
  const tags = tagsOf(attributes);
  return (
    row.category === asStored(category) &&
    row.price === price &&
    row.tags.length === tags.length &&
    tags.every((tag, i) => row.tags[i] === asStored(tag))
  );
}

/** A text after a column of UTF-8. */
function asStored(text: string): string {
  return Buffer.from(text).toString();
}

/** Was the row written by a version that kept no hash of the vector? */
export function isRowOfOldVersion({ hash }: StoredSummary): boolean {
  return hashParts(hash).vector === "";
}
