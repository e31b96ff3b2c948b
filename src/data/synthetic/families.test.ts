import { describe, expect, it } from "vitest";
import { Random } from "../../engine/tensor/random.js";
import { changedAttributes, designKey, isValid } from "./attributes.js";
import { designFamily, samplePairs } from "./families.js";

describe("designFamily", () => {
  it("gives exactly as many different valid designs as asked, none of them taken", () => {
    const first = designFamily("dress", 101, new Set(), new Random(1));
    const taken = new Set(first.map(designKey));
    const second = designFamily("dress", 101, taken, new Random(1));
    const keys = [...first, ...second].map(designKey);
    expect(new Set(keys).size).toBe(202);
    expect([...first, ...second].every(isValid)).toBe(true);
  });

  it("puts about ten near misses beside every design of a large family", () => {
    for (const category of ["dress", "shirt", "toptee"] as const) {
      const family = designFamily(category, 500, new Set(), new Random(3));
      const near = family.map(
        (design) => family.filter((other) => changedAttributes(design, other).length === 1).length,
      );
      expect(near.reduce((sum, count) => sum + count, 0) / near.length).toBeGreaterThan(7);
      expect(Math.min(...near)).toBeGreaterThan(2);
    }
  });

  it("says so when the vocabulary is exhausted", () => {
    expect(() => designFamily("shirt", 10_000_000, new Set(), new Random(1))).toThrow(
      "no 10000000 different designs",
    );
  });
});

describe("samplePairs", () => {
  const family = designFamily("toptee", 97, new Set(), new Random(8));

  it("pairs designs that differ in one to three attributes, never the same pair twice", () => {
    const pairs = samplePairs(family, 150, new Random(2));
    expect(pairs).toHaveLength(150);
    expect(new Set(pairs.map(({ reference, target }) => `${reference} ${target}`)).size).toBe(150);
    const counts = [0, 0, 0, 0];
    for (const { reference, target } of pairs) {
      const [from, to] = [family[reference], family[target]];
      if (from && to)
        counts[changedAttributes(from, to).length] = (counts[changedAttributes(from, to).length] ?? 0) + 1;
    }
    expect(counts[0]).toBe(0);
    expect(counts.slice(1).every((count) => count > 5)).toBe(true);
    expect(counts.slice(1).reduce((sum, count) => sum + count, 0)).toBe(150);
  });

  it("uses every picture at least once when there are pairs enough", () => {
    const used = new Set(
      samplePairs(family, 55, new Random(5)).flatMap(({ reference, target }) => [reference, target]),
    );
    expect(used.size).toBe(97);
  });

  it("gives no pair for one design or for pictures of the same design", () => {
    const [design] = family;
    expect(samplePairs(design ? [design] : [], 5, new Random(1))).toEqual([]);
    expect(samplePairs(design ? [design, design] : [], 5, new Random(1))).toEqual([]);
  });
});
