import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "../../engine/tensor/random.js";
import { splitNames } from "../triplet.js";
import { parseCaptionTemplates } from "./caption-templates.js";
import { changedSets } from "./changed-sets.js";
import type { ItemTable } from "./item-table.js";
import { makeTriplets, shareOut } from "./make-triplets.js";
import type { SplitShares } from "./split-items.js";
import type { MadeTriplet } from "./triplet-statistics.js";

const attributes = ["colour", "sleeves", "fit"] as const;
const templates = parseCaptionTemplates(
  { any: { phrases: ["{attribute} {to}"], present: ["{attribute} yes"], absent: ["{attribute} no"] } },
  "test",
);

/** A table of items with these values ("" is unknown); every item has its own picture. */
function tableOfRows(
  rows: readonly { readonly category: string; readonly values: readonly string[] }[],
): ItemTable {
  const values = attributes.map((_, a) => ["", ...new Set(rows.map((row) => row.values[a] ?? ""))]);
  const lists = values.map((list) => [...new Set(list)]);
  return {
    attributes,
    items: rows.map(({ category }, i) => ({
      id: `I${i}`,
      image: { kind: "file", path: `${i}.jpg` },
      category,
      title: undefined,
    })),
    codes: Int32Array.from(
      rows.flatMap((row) => row.values.map((value, a) => lists[a]?.indexOf(value) ?? 0)),
    ),
    values: lists,
    repeatedPictures: 0,
  };
}

function make(
  table: ItemTable,
  options: { pairs?: number; maxChanges?: number; shares?: SplitShares; seed?: number } = {},
) {
  const { pairs, maxChanges = 2, shares = { train: 0.6, val: 0.2, test: 0.2 }, seed = 1 } = options;
  return makeTriplets(table, { templates, pairs, maxChanges, shares, random: new Random(seed) });
}

const allTrain: SplitShares = { train: 1, val: 0, test: 0 };

/** Attributes in which two rows differ and both are known, or undefined where one is known and the other not. */
function difference(table: ItemTable, one: number, other: number): number[] | undefined {
  const changed: number[] = [];
  for (const a of attributes.keys()) {
    const [x, y] = [table.codes[one * 3 + a], table.codes[other * 3 + a]];
    if (x === y) continue;
    if (x === 0 || y === 0) return undefined;
    changed.push(a);
  }
  return changed;
}

const rows = fc.array(
  fc.record({
    category: fc.constantFrom("dress", "hat"),
    values: fc.tuple(
      fc.constantFrom("", "red", "blue", "green", "blue|red"),
      fc.constantFrom("", "long", "short"),
      fc.constantFrom("", "yes", "no"),
    ),
  }),
  { minLength: 1, maxLength: 40 },
);

describe("makeTriplets", () => {
  it("makes pairs of one category and split that differ in 1 to max known attributes, and agree in the others", async () => {
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.integer({ min: 1, max: 3 }),
        fc.nat(1000),
        async (given, maxChanges, seed) => {
          const table = tableOfRows(given);
          const { triplets, splits } = await make(table, { maxChanges, seed, pairs: 200 });
          for (const { reference, target, changed, category, split } of triplets) {
            expect(difference(table, reference, target)).toEqual([...changed]);
            expect(changed.length).toBeGreaterThanOrEqual(1);
            expect(changed.length).toBeLessThanOrEqual(maxChanges);
            for (const row of [reference, target]) expect(splits[split].get(category)).toContain(row);
            expect(given[reference]?.category).toBe(category);
          }
          const pairs = triplets.map(({ reference, target }) => `${reference} ${target}`);
          expect(new Set(pairs).size).toBe(pairs.length);
        },
      ),
      { numRuns: 60, seed: 7 },
    );
  });

  it("puts every item in exactly one split", async () => {
    await fc.assert(
      fc.asyncProperty(rows, fc.nat(1000), async (given, seed) => {
        const { splits } = await make(tableOfRows(given), { seed });
        const placed = splitNames.flatMap((name) => [...splits[name].values()].flat());
        expect(placed.sort((a, b) => a - b)).toEqual([...given.keys()]);
      }),
      { numRuns: 40, seed: 7 },
    );
  });

  it("names every new value in its captions and no attribute that stays", async () => {
    await fc.assert(
      fc.asyncProperty(rows, fc.nat(1000), async (given, seed) => {
        const table = tableOfRows(given);
        for (const { target, changed, captions } of (await make(table, { seed })).triplets) {
          const text = captions.join(" and ");
          for (const [a, attribute] of attributes.entries()) {
            const value = (given[target]?.values[a] ?? "").replace("|", " and ");
            if (changed.includes(a)) expect(text).toContain(`${attribute} ${value}`);
            else expect(text).not.toContain(attribute);
          }
          for (const caption of captions) expect(caption).not.toBe("");
        }
      }),
      { numRuns: 40, seed: 7 },
    );
  });

  it("finds every pair there is when items are few", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          rows.map((list) => list[0]),
          { minLength: 2, maxLength: 8 },
        ),
        async (given) => {
          const table = tableOfRows(given.flatMap((row) => (row ? [row] : [])));
          const { triplets, statistics } = await make(table, { shares: allTrain, pairs: 1000 });
          const found = new Set(triplets.map(({ reference, target }) => `${reference} ${target}`));
          let designPairs = 0;
          for (const target of table.items.keys()) {
            // Each target meets each design it can be reached from once.
            const designs = new Set<string>();
            for (const reference of table.items.keys()) {
              const changed = difference(table, reference, target);
              const isPair = changed !== undefined && changed.length >= 1 && changed.length <= 2;
              if (isPair && table.items[reference]?.category === table.items[target]?.category) {
                designs.add(table.codes.subarray(reference * 3, reference * 3 + 3).join());
              }
            }
            designPairs += designs.size;
          }
          expect(found.size).toBe(designPairs);
          expect(statistics.splits.train.possible).toBe(designPairs);
        },
      ),
      { numRuns: 60, seed: 7 },
    );
  });

  it("is balanced over attributes and over the values of the target, though the items are not", async () => {
    const random = new Random(3);
    const skewed = (values: readonly string[]) =>
      values[Math.floor(values.length * random.uniform() ** 3)] ?? "";
    const given = Array.from({ length: 600 }, () => ({
      category: "dress",
      values: [skewed(["black", "red", "blue", "green"]), skewed(["long", "short"]), skewed(["a", "b", "c"])],
    }));
    const { statistics } = await make(tableOfRows(given), { shares: allTrain, pairs: 900 });
    const counts = Object.values(statistics.attributes).map(({ triplets }) => triplets);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2);
    expect(statistics.changes["1"]).toBeGreaterThan(400);
    for (const { values } of Object.values(statistics.attributes)) {
      const wanted = Object.values(values).map((value) => value.wanted);
      const items = Object.values(values).map((value) => value.items);
      expect(Math.max(...items) / Math.min(...items)).toBeGreaterThan(2);
      expect(Math.max(...wanted) / Math.min(...wanted)).toBeLessThan(1.35);
    }
  });

  it("spreads over the items that are alike, instead of asking for one of them all the time", async () => {
    const given = Array.from({ length: 40 }, (_, i) => ({
      category: "hat",
      values: [i % 2 ? "red" : "blue", "long", "yes"],
    }));
    const { triplets } = await make(tableOfRows(given), { shares: allTrain, pairs: 40 });
    expect(new Set(triplets.map(({ target }) => target)).size).toBe(40);
    expect(new Set(triplets.map(({ reference }) => reference)).size).toBeGreaterThan(20);
  });

  it("gives the same for the same seed and other triplets for another", async () => {
    const given = Array.from({ length: 60 }, (_, i) => ({
      category: "hat",
      values: [`c${i % 5}`, `s${i % 3}`, `f${i % 2}`],
    }));
    const table = tableOfRows(given);
    const [one, same, other] = [await make(table), await make(table), await make(table, { seed: 2 })];
    const key = ({ triplets }: { readonly triplets: readonly MadeTriplet[] }) => JSON.stringify(triplets);
    expect(key(same)).toBe(key(one));
    expect(key(other)).not.toBe(key(one));
  });

  it("says why items are in no triplet, and numbers items that are alike", async () => {
    const row = (colour: string, sleeves: string, fit: string, category = "hat") => ({
      category,
      values: [colour, sleeves, fit],
    });
    const table = tableOfRows([
      row("red", "long", "yes"),
      row("blue", "long", "yes"),
      row("red", "long", "yes"),
      row("red", "long", "yes", "dress"), // alone in its category
      row("", "", ""),
    ]);
    const { alike, statistics } = await make(table, { shares: allTrain, pairs: 2 });
    expect([...alike]).toEqual([0, 1, 0, 2, 3]);
    expect(statistics.unused).toEqual({
      repeatedPicture: 0,
      nothingKnown: 1,
      noPartner: 1,
      notDrawn: statistics.unused.notDrawn,
    });
    expect(statistics.attributes.colour).toMatchObject({
      triplets: 2,
      unknown: 1,
      values: { red: { items: 3, wanted: 1 }, blue: { items: 1, wanted: 1 } },
    });
  });

  it("stops when it is asked to", async () => {
    const abort = new AbortController();
    abort.abort();
    const given = Array.from({ length: 9 }, (_, i) => ({ category: "hat", values: [`c${i}`, "", ""] }));
    const stopped = makeTriplets(tableOfRows(given), {
      templates,
      maxChanges: 1,
      shares: allTrain,
      random: new Random(1),
      signal: abort.signal,
    });
    await expect(stopped).rejects.toBe(abort.signal.reason);
  });
});

describe("changedSets", () => {
  it("lists sets of one, then of two, and no more than there are attributes", () => {
    expect(changedSets(3, 2)).toEqual([[0], [1], [2], [0, 1], [0, 2], [1, 2]]);
    expect(changedSets(1, 1)).toEqual([[0]]);
  });
});

describe("shareOut", () => {
  it("shares by weight and gives what one cannot take to the others", () => {
    const part = (weight: number, capacity: number) => ({ weight, capacity });
    expect(shareOut(10, [part(1, 100), part(1, 100)])).toEqual([5, 5]);
    expect(shareOut(10, [part(1, 2), part(1, 100)])).toEqual([2, 8]);
    expect(shareOut(10, [part(1, 2), part(3, 3)])).toEqual([2, 3]);
    expect(shareOut(0, [part(1, 2)])).toEqual([0]);
    expect(shareOut(5, [])).toEqual([]);
  });
});
