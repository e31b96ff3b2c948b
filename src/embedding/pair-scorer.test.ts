import { describe, expect, it } from "vitest";
import { Input } from "../engine/graph/value.js";
import { add, multiply } from "../engine/ops/arithmetic.js";
import { linear } from "../engine/ops/linear.js";
import { sum } from "../engine/ops/reduce.js";
import { GraphSession } from "../engine/runtime/session.js";
import { Random } from "../engine/tensor/random.js";
import { float32 } from "../engine/tensor/tensor.js";
import { createModel } from "../models/registry.js";
import { PairScorer } from "./pair-scorer.js";

const random = new Random(3);
const width = 257;

/** ARTEMIS' graph, which scores rows of 4 · width numbers with rows of `width`. */
async function artemisGraph(): Promise<GraphSession<string>> {
  const config = { backbone: "resnet18", backboneWidth: 1 / 64, embedDim: width, wordDim: 1 };
  const model = createModel("artemis", config, { vocabularySize: 3, random, imagePx: 64 });
  const queries = new Input("queries", "float32", ["batch", 4 * width]);
  const scores = model.pairScoring?.score(queries, new Input("gallery", "float32", ["rows", width]));
  if (!scores) throw new Error("scores no pairs");
  return GraphSession.compile<string>({ scores });
}

const positive = (count: number) =>
  Float32Array.from({ length: count }, () => 0.01 + Math.abs(random.normal()));

describe("PairScorer", () => {
  it("gives equal rows equal scores to the last bit, wherever they stand", async () => {
    const session = await artemisGraph();
    const [one, other] = [positive(width), positive(width)];
    const gallery = new Float32Array(131 * width);
    for (let row = 0; row < 131; row += 1) gallery.set(row % 3 === 1 ? other : one, row * width);
    for (const count of [1, 5, 18]) {
      const scores = await new PairScorer(session, gallery).score(positive(count * 4 * width));
      const unequal = scores.filter((score, i) => {
        const [query, row] = [Math.floor(i / 131), i % 131];
        return score !== scores[query * 131 + (row % 3 === 1 ? 1 : 0)];
      });
      expect(unequal.length).toBe(0);
    }
    await session.release();
  });

  it("scores every query with every row, as the graph does all at once", async () => {
    const session = await artemisGraph();
    const [queries, gallery] = [positive(19 * 4 * width), positive(150 * width)];
    const scores = await new PairScorer(session, gallery).score(queries);
    const { scores: whole } = await session.run({
      queries: float32([19, 4 * width], [...queries]),
      gallery: float32([150, width], [...gallery]),
    });
    expect(scores.length).toBe(19 * 150);
    for (const [i, score] of scores.entries()) expect(score).toBeCloseTo(Number(whole?.data[i]), 4);
    expect(await new PairScorer(session, new Float32Array()).score(queries)).toEqual(new Float32Array());
    await session.release();
  });

  it("never shows the graph more than a tile", async () => {
    // A graph that gives every pair the number of pairs it sees.
    const queries = new Input("queries", "float32", ["batch", 1]);
    const gallery = new Input("gallery", "float32", ["rows", 1]);
    const pairs = sum(linear(queries, gallery)); // rows of ones
    const scores = add(multiply(linear(queries, gallery), 0), pairs);
    const session = await GraphSession.compile<string>({ scores });
    // Rows differ in their last bits alone, so that none stands for another.
    const rows = Float32Array.from({ length: 5000 }, (_, i) => 1 + i * 2 ** -22);
    const found = await new PairScorer(session, rows).score(new Float32Array(70).fill(1));
    expect(found.every((pairs) => pairs > 0 && pairs < 4110)).toBe(true);
    await session.release();
  });
});
