import { describe, expect, it } from "vitest";
import { topK } from "../embedding/top-k.js";
import { Random } from "../engine/tensor/random.js";
import { DivergenceError, ShapeError } from "../errors.js";
import { recallAtK, targetRanks, unranked } from "./recall.js";

/** Query (1, 0) scores a row by its first number. */
function rowsScoring(...scores: number[]): Float32Array {
  return Float32Array.from(scores.flatMap((score) => [score, 0.5]));
}
const query = Float32Array.of(1, 0);
const one = { queries: query, embedDim: 2 };

describe("targetRanks", () => {
  it("counts the rows that score higher", () => {
    const gallery = rowsScoring(0.5, 0.25, 0.75, 1);
    expect(targetRanks({ ...one, gallery, hits: [[0]] })).toEqual([3]);
    expect(targetRanks({ ...one, gallery, hits: [[3]] })).toEqual([1]);
    expect(targetRanks({ ...one, gallery, hits: [[1]] })).toEqual([4]);
  });

  it("counts ties against the model, before and behind the target", () => {
    const gallery = rowsScoring(0.5, 0.5, 0.25, 0.5);
    expect(targetRanks({ ...one, gallery, hits: [[0]] })).toEqual([3]);
    expect(targetRanks({ ...one, gallery, hits: [[1]] })).toEqual([3]);
    expect(targetRanks({ ...one, gallery, hits: [[3]] })).toEqual([3]);
  });

  it("puts a model that embeds everything alike last", () => {
    const random = new Random(7);
    for (const embedDim of [3, 7, 64]) {
      const row = Array.from({ length: embedDim }, () => random.normal());
      for (const galleryCount of [1, 2, 5, 131]) {
        const gallery = Float32Array.from(Array.from({ length: galleryCount }, () => row).flat());
        const hits = Array.from({ length: galleryCount }, (_, i) => [i]);
        expect(targetRanks({ queries: gallery, gallery, embedDim, hits })).toEqual(
          Array.from({ length: galleryCount }, () => galleryCount),
        );
      }
    }
  });

  it("leaves masked rows out", () => {
    const gallery = rowsScoring(0.5, 0.75, 1, 0.25);
    expect(targetRanks({ ...one, gallery, hits: [[0]], masked: [[2]] })).toEqual([2]);
    expect(targetRanks({ ...one, gallery, hits: [[0]], masked: [[2, 1, 3]] })).toEqual([1]);
    expect(targetRanks({ ...one, gallery, hits: [[0]], masked: [[3]] })).toEqual([3]);
  });

  it("takes the best of several hits, which do not stand in each other's way", () => {
    const gallery = rowsScoring(0.5, 0.75, 1, 0.75, 0.25);
    expect(targetRanks({ ...one, gallery, hits: [[0, 1, 3]] })).toEqual([2]);
    expect(targetRanks({ ...one, gallery, hits: [[0, 1]] })).toEqual([3]);
    expect(targetRanks({ ...one, gallery, hits: [[0, 2]] })).toEqual([1]);
    expect(targetRanks({ ...one, gallery, hits: [[0, 1, 3]], masked: [[1]] })).toEqual([2]);
  });

  it("never finds a target that is masked or absent", () => {
    const gallery = rowsScoring(0.5, 0.75);
    expect(targetRanks({ ...one, gallery, hits: [[0]], masked: [[0]] })).toEqual([unranked]);
    expect(targetRanks({ ...one, gallery, hits: [[]] })).toEqual([unranked]);
  });

  it("agrees with sorting every score, at sizes that fill no block", () => {
    const random = new Random(11);
    const [queryCount, galleryCount, embedDim] = [13, 271, 5];
    const draw = (length: number) => Float32Array.from({ length }, () => Math.round(random.between(-3, 3)));
    const queries = draw(queryCount * embedDim);
    const gallery = draw(galleryCount * embedDim);
    const hits = Array.from({ length: queryCount }, () => [random.integer(galleryCount)]);
    const masked = Array.from({ length: queryCount }, () => [
      random.integer(galleryCount),
      random.integer(9),
    ]);
    const expected = hits.map(([hit = 0], i) => {
      const row = queries.subarray(i * embedDim, (i + 1) * embedDim);
      const ranking = topK(row, gallery, { k: galleryCount, masked: masked[i] ?? [] });
      const own = ranking.find((neighbour) => neighbour.row === hit);
      return own ? ranking.filter(({ score }) => score >= own.score).length : unranked;
    });
    expect(targetRanks({ queries, gallery, embedDim, hits, masked })).toEqual(expected);
    expect(new Set(expected).size).toBeGreaterThan(8);
  });

  it("refuses embeddings that are not finite, and sizes that do not fit", () => {
    const gallery = rowsScoring(0.5, Number.NaN);
    expect(() => targetRanks({ ...one, gallery, hits: [[0]] })).toThrow(DivergenceError);
    expect(() => targetRanks({ ...one, gallery, hits: [[0]] })).toThrow(
      /gallery: embedding 1 is not finite; got NaN/,
    );
    const queries = Float32Array.of(Number.POSITIVE_INFINITY, 0);
    expect(() => targetRanks({ ...one, queries, gallery: rowsScoring(1), hits: [[0]] })).toThrow(
      /queries: embedding 0/,
    );
    expect(() => targetRanks({ ...one, gallery: new Float32Array(3), hits: [[0]] })).toThrow(ShapeError);
    expect(() => targetRanks({ ...one, gallery: rowsScoring(1), hits: [] })).toThrow(ShapeError);
    expect(() => targetRanks({ ...one, gallery: rowsScoring(1), hits: [[1]] })).toThrow(/below 1; got row 1/);
  });
});

describe("recallAtK", () => {
  it("is the percentage of ranks within K", () => {
    const ranks = [1, 10, 11, unranked, 2, 50, 51, 3];
    expect(recallAtK(ranks, 1)).toBe(12.5);
    expect(recallAtK(ranks, 10)).toBe(50);
    expect(recallAtK(ranks, 50)).toBe(75);
    expect(() => recallAtK([], 10)).toThrow(RangeError);
  });
});

describe("topK", () => {
  it("gives the best rows first, equal ones by row, without masked ones", () => {
    const gallery = rowsScoring(0.5, 0.75, 0.5, 1, 0.25);
    expect(topK(query, gallery, { k: 3, masked: [3] })).toEqual([
      { row: 1, score: 0.75 },
      { row: 0, score: 0.5 },
      { row: 2, score: 0.5 },
    ]);
    expect(topK(query, gallery, { k: 9 }).map(({ row }) => row)).toEqual([3, 1, 0, 2, 4]);
    expect(topK(query, new Float32Array(), { k: 3 })).toEqual([]);
  });

  it("refuses embeddings that are not finite", () => {
    expect(() => topK(Float32Array.of(Number.NaN, 0), rowsScoring(1), { k: 1 })).toThrow(
      /query: embedding 0/,
    );
  });
});
