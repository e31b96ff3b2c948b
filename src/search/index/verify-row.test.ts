import { describe, expect, it } from "vitest";
import type { StoredItem } from "../store/vector-store.js";
import { entryHash, entryOf, storedItem } from "./catalogue-entry.js";
import { isRowOfOldVersion, isRowSound, isSummarySound } from "./verify-row.js";

const entry = entryOf(
  {
    id: "A1",
    category: "dress",
    title: "Red dress",
    price: 49.5,
    row: 2,
    image: { kind: "file", path: "images/A1.jpg" },
    attributes: new Map([["colour", ["Red", "Dark  blue"]]]),
  },
  "ab".repeat(32),
);
const row = storedItem(entry, new Float32Array([0.6, 0.8, 0]));
const ofOldVersion = { ...row, hash: entryHash(entry) };

describe("a row", () => {
  it("is sound as it was written, by this version and by older ones", () => {
    expect([row, ofOldVersion].map(isRowSound)).toEqual([true, true]);
    expect([row, ofOldVersion].map(isRowOfOldVersion)).toEqual([false, true]);
  });

  it("is not sound when anything in it is another", () => {
    const changes: readonly Partial<StoredItem>[] = [
      { id: "A2" },
      { category: "drest" },
      { price: 49 },
      { price: undefined },
      { tags: ["colour\u001Fred"] },
      { tags: ["colour\u001Fred", "colour\u001Fdark blud"] },
      { details: row.details.replace("Red dress", "Rad dress") },
      { hash: row.hash.replace(/^./, "x") },
      { hash: row.hash.replace(/.$/, "x") },
      { vector: new Float32Array([0.6, 0.8, 1e-38]) },
    ];
    for (const change of changes)
      expect(isRowSound({ ...row, ...change }), JSON.stringify(change)).toBe(false);
  });

  it("of an older version is not sound when its vector has lost its length", () => {
    expect(isRowSound({ ...ofOldVersion, vector: new Float32Array([0.6, 0.8, 0.5]) })).toBe(false);
    expect(isRowSound({ ...ofOldVersion, vector: new Float32Array([Number.NaN, 0.8, 0]) })).toBe(false);
  });

  it("without its vector shows whether what is shown of it is right", () => {
    expect(isSummarySound(row)).toBe(true);
    expect(isSummarySound({ ...row, id: "A2" })).toBe(false);
    expect(isSummarySound({ ...row, details: row.details.replace("49.5", "9.5") })).toBe(false);
  });
});
