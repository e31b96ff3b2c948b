import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { manyItems, randomUnit } from "../../../tests/fixtures/retrieval-items.js";
import type { EncodedQuery, Encoder } from "../../embedding/encoder.js";
import { Random } from "../../engine/tensor/random.js";
import { ExactStore } from "../store/exact-store.js";
import { type Filter, predicateOf } from "../store/filter.js";
import { rankedByPairs } from "./pair-ranking.js";

const embedDim = 700;
const items = manyItems(4000, { embedDim });
const random = new Random(8);
let store: ExactStore;
beforeAll(async () => {
  store = await ExactStore.create(embedDim);
  await store.upsert(items);
});
afterAll(() => store.close());

const product = (a: ArrayLike<number>, b: Float32Array) =>
  b.reduce((sum, value, d) => sum + value * (a[d] ?? 0), 0);

/** A pair's score is the square of pairRow · vector; tells of how many rows it was asked at a time. */
class Squares implements Encoder {
  readonly modelId = "squares";
  readonly model = "squares";
  readonly embedDim = embedDim;
  readonly asked: number[] = [];

  constructor(readonly pairCandidates: number | "all") {}

  async scorePairs(pairRows: readonly Float32Array[], gallery: Float32Array) {
    const count = gallery.length / embedDim;
    this.asked.push(count);
    return pairRows.map((row) =>
      Float32Array.from(
        { length: count },
        (_, i) => product(row, gallery.subarray(i * embedDim, (i + 1) * embedDim)) ** 2,
      ),
    );
  }

  async embedPictures() {
    return [];
  }

  async embedQueries() {
    return [];
  }

  async close() {
    // It holds nothing.
  }
}

const query = (hasRow: boolean): EncodedQuery => {
  const embedding = randomUnit(random, embedDim);
  return { embedding, routes: [], unknownWords: [], ...(hasRow ? { pairRow: embedding } : {}) };
};

/** By hand, over all that fit. */
function expectedIds(encoded: readonly EncodedQuery[], weights: readonly number[], filter?: Filter) {
  const scoreOf = (vector: Float32Array) =>
    encoded.reduce((sum, { embedding, pairRow }, i) => {
      const cosine = product(embedding, vector);
      return sum + (weights[i] ?? 0) * (pairRow ? cosine ** 2 : cosine);
    }, 0);
  return items
    .filter(filter ? predicateOf(filter) : () => true)
    .map(({ id, vector }) => ({ id, score: scoreOf(vector) }))
    .sort((a, b) => b.score - a.score)
    .map(({ id }) => id);
}

describe("items ranked by scores of pairs", () => {
  const filter: Filter = { kind: "not", filter: { kind: "id", anyOf: [items[3]?.id ?? ""] } };

  it("are all that fit for a model that scores all, a part in memory at a time", async () => {
    const encoder = new Squares("all");
    const [encoded, weights] = [
      [query(true), query(false), query(true)],
      [1, 0.5, -0.25],
    ];
    const expected = expectedIds(encoded, weights, filter);
    const queries = { encoded, weights };
    const vector = encoded[0]?.embedding ?? new Float32Array();
    for (const [offset, limit] of [
      [0, 20],
      [100, 7],
    ] as const) {
      const asked = { vector, limit, offset, filter };
      const answer = await rankedByPairs(store, { encoder, queries }, asked);
      expect(answer).toMatchObject({ fitting: 3999, scoredPairs: 3999, plan: "exact" });
      expect(answer?.hits.map(({ id }) => id)).toEqual(expected.slice(offset, offset + limit));
    }
    expect(Math.max(...encoder.asked) * embedDim * 2).toBeLessThanOrEqual(2 ** 20); // two queries have rows
    expect(encoder.asked.reduce((sum, count) => sum + count)).toBe(2 * 3999);
  });

  it("are the best of a search for a model that scores some, all where exact", async () => {
    const encoder = new Squares(50);
    const encoded = [query(true)];
    const queries = { encoded, weights: [1] };
    const vector = encoded[0]?.embedding ?? new Float32Array();
    const near = (await store.query({ vector, limit: 50, filter })).hits.map(({ id }) => id);
    const expected = expectedIds(encoded, [1], filter);
    const asked = { vector, limit: 10, offset: 5, filter };
    const some = await rankedByPairs(store, { encoder, queries }, asked);
    expect(some).toMatchObject({ fitting: 3999, scoredPairs: 50 });
    expect(some?.hits.map(({ id }) => id)).toEqual(expected.filter((id) => near.includes(id)).slice(5, 15));
    const exact = await rankedByPairs(store, { encoder, queries }, { ...asked, isExact: true });
    expect(exact?.scoredPairs).toBe(3999);
    expect(exact?.hits.map(({ id }) => id)).toEqual(expected.slice(5, 15));
    // A page beyond the candidates has all of its items scored.
    const far = await rankedByPairs(store, { encoder, queries }, { ...asked, offset: 60 });
    expect(far).toMatchObject({ scoredPairs: 70 });
    expect(far?.hits).toHaveLength(10);
  });

  it("are none where no query has a text, or nothing fits", async () => {
    const encoder = new Squares("all");
    const vector = randomUnit(random, embedDim);
    const asked = { vector, limit: 3, offset: 0 };
    const wordless = { encoded: [query(false)], weights: [1] };
    expect(await rankedByPairs(store, { encoder, queries: wordless }, asked)).toBeUndefined();
    const worded = { encoded: [query(true)], weights: [1] };
    const nothing = { ...asked, filter: { kind: "id", anyOf: ["missing"] } as const };
    expect(await rankedByPairs(store, { encoder, queries: worded }, nothing)).toMatchObject({
      hits: [],
      scoredPairs: 0,
      fitting: 0,
    });
  });
});
