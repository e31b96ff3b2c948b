import { describe, expect, it } from "vitest";
import type { CatalogueItem } from "../../catalogue/catalogue-item.js";
import { StoreError } from "../../errors.js";
import { ContentsCounter } from "./catalogue-contents.js";
import { entryHash, entryOf, hashParts, parseEntry, storedItem } from "./catalogue-entry.js";

const picture = "ab".repeat(32);
const item: CatalogueItem = {
  id: "A1",
  category: "dress",
  title: "Red dress",
  price: 49.5,
  row: 2,
  image: { kind: "file", path: "images/A1.jpg" },
  attributes: new Map([
    ["colour", ["Red", "Dark  blue"]],
    ["fit", ["loose"]],
  ]),
};

describe("entries", () => {
  it("come back from the store as they went in", () => {
    for (const given of [item, { ...item, title: undefined, price: undefined, attributes: new Map() }]) {
      const entry = entryOf(given, picture);
      const stored = storedItem(entry, new Float32Array([1]));
      expect(parseEntry("A1", stored.details)).toEqual(entry);
    }
  });

  it("have tags in lower case, and a hash that changes with everything but the row", () => {
    const entry = entryOf(item, picture);
    const { tags, hash } = storedItem(entry, new Float32Array([1]));
    expect(tags).toEqual(["colour\u001Fred", "colour\u001Fdark blue", "fit\u001Floose"]);
    expect(hashParts(hash).entry).toBe(entryHash(entryOf({ ...item, row: 9 }, picture)));
    const changed = [
      entryOf(item, "cd".repeat(32)),
      ...[
        { ...item, id: "A2" },
        { ...item, category: "shirt" },
        { ...item, title: "Red" },
        { ...item, price: undefined },
        { ...item, image: { kind: "file", path: "A1.jpg" } as const },
        { ...item, attributes: new Map([["colour", ["Red"]]]) },
      ].map((other) => entryOf(other, picture)),
    ].map(entryHash);
    expect(new Set([hashParts(hash).entry, ...changed]).size).toBe(8);
  });

  it("are stored in one form of their texts, without half characters; long texts are in no filter", () => {
    const text = `long ${"x".repeat(300)}`;
    const attributes = { "to\u0308ne\n": ["gru\u0308n", text, "two\nlines"], constructor: ["c"] };
    const entry = {
      id: "\uFEFFMu\u0308tze",
      category: "Mu\u0308tzen ",
      title: "gru\u0308n\r\n.",
      attributes,
      picture,
    };
    const stored = storedItem(entry, new Float32Array([1]));
    expect(stored).toMatchObject({ id: "Mütze", category: "Mützen" });
    expect(stored.tags).toEqual(["töne\u001Fgrün", "constructor\u001Fc"]);
    expect(parseEntry(stored.id, stored.details)).toEqual({
      id: "Mütze",
      category: "Mützen",
      title: "grün\n.",
      picture,
      attributes: { töne: ["grün", text, "two\nlines"], constructor: ["c"] },
    });
    for (const half of [{ id: "\ud83d" }, { title: "\ude00" }, { attributes: { a: ["\ud83d"] } }]) {
      expect(() => storedItem({ ...entry, ...half }, new Float32Array([1]))).toThrow(/half characters/);
    }
    const old = `{"category":"d","title":"x\\ud83d","attributes":{},"picture":"${picture}"}`;
    expect(parseEntry("A1", old).title).toBe("x\uFFFD");
  });

  it("of another program are refused", () => {
    expect(() => parseEntry("A1", "{")).toThrow(StoreError);
    expect(() => parseEntry("A1", '{"category":"dress","attributes":{},"picture":"../../x"}')).toThrow(
      /A1.*picture/s,
    );
  });
});

describe("ContentsCounter", () => {
  it("counts categories, prices and values, most frequent first", () => {
    const counter = new ContentsCounter();
    counter.add(entryOf(item, picture));
    counter.add(entryOf({ ...item, price: 20, attributes: new Map([["colour", ["Red"]]]) }, picture));
    counter.add(entryOf({ ...item, category: "shirt", price: undefined, attributes: new Map() }, picture));
    const long = new Map([["text", ["two\nlines"]]]);
    counter.add(entryOf({ ...item, price: undefined, category: "shirt", attributes: long }, picture));
    expect(counter.contents()).toEqual({
      items: 4,
      categories: [
        { value: "dress", items: 2 },
        { value: "shirt", items: 2 },
      ],
      price: { min: 20, max: 49.5, items: 2 },
      attributes: [
        {
          name: "colour",
          items: 2,
          distinct: 2,
          values: [
            { value: "Red", items: 2 },
            { value: "Dark  blue", items: 1 },
          ],
        },
        { name: "fit", items: 1, distinct: 1, values: [{ value: "loose", items: 1 }] },
      ],
    });
  });
});
