import { describe, expect, it } from "vitest";
import { relevantRanks, subsetRanks } from "./answer-ranks.js";
import { unranked } from "./recall.js";

/** Every row of the gallery is an axis, so that a query's numbers are its scores. */
function taskOf(...queries: readonly number[][]) {
  const embedDim = queries[0]?.length ?? 0;
  const gallery = new Float32Array(embedDim * embedDim);
  for (let row = 0; row < embedDim; row += 1) gallery[row * embedDim + row] = 1;
  return { queries: Float32Array.from(queries.flat()), gallery, embedDim };
}

describe("subsetRanks", () => {
  it("ranks the rows of the subset only, ties against the model", () => {
    const task = taskOf([0.9, 0.8, 0.7, 0.6, 0.5], [0.1, 0.5, 0.5, 0.9, 0.5]);
    const subsets = [
      [2, 3, 4],
      [0, 1, 2, 4],
    ];
    expect(subsetRanks(task, subsets, [3, 2])).toEqual([2, 3]);
  });

  it("does not rank a target that is not in the subset, or not in the gallery", () => {
    const task = taskOf([0.9, 0.8, 0.7]);
    expect(subsetRanks(task, [[0, 1]], [2])).toEqual([unranked]);
    expect(subsetRanks(task, [[0, 1]], [undefined])).toEqual([unranked]);
  });
});

describe("relevantRanks", () => {
  it("gives each relevant row its place in the ranking, best first, those of other queries apart", () => {
    const task = taskOf([0.9, 0.8, 0.7, 0.6, 0.5], [0.5, 0.6, 0.7, 0.8, 0.9]);
    expect(relevantRanks(task, [[3, 0, 1], [2]])).toEqual([[1, 2, 4], [3]]);
  });

  it("counts ties with other rows against the model, and none among relevant ones", () => {
    // Rows 1 and 2 are relevant and level with row 0: places 2 and 3. Row 3 ties with row 4: place 5.
    const task = taskOf([0.5, 0.5, 0.5, 0.2, 0.2]);
    expect(relevantRanks(task, [[1, 2, 3]])).toEqual([[2, 3, 5]]);
  });

  it("leaves out masked rows, relevant ones too", () => {
    const task = { ...taskOf([0.9, 0.8, 0.7, 0.6]), masked: [[0, 2]] };
    expect(relevantRanks(task, [[3]])).toEqual([[2]]);
    expect(relevantRanks(task, [[2, 1]])).toEqual([[1, unranked]]);
  });

  it("goes by scores of pairs where a model has them", () => {
    const scores = Float32Array.from([0.1, 0.2, 0.3, 0.3, 0.2, 0.1]);
    const task = { ...taskOf([0.9, 0.8, 0.7], [0.9, 0.8, 0.7]), scores };
    expect(
      relevantRanks(task, [
        [1, 0],
        [1, 2],
      ]),
    ).toEqual([
      [2, 3],
      [2, 3],
    ]);
  });

  it("has none for a query without", () => {
    expect(relevantRanks(taskOf([0.9, 0.8], [0.9, 0.8]), [[], [1]])).toEqual([[], [2]]);
  });
});
