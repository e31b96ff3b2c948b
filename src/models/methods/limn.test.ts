import { describe, expect, it } from "vitest";
import {
  imageFeatures,
  modelOf,
  normalTensor,
  numbersOf,
  padded,
  textFeatures,
} from "../../../tests/fixtures/drawn-features.js";
import { constant, full } from "../../engine/ops/constant.js";
import { Random } from "../../engine/tensor/random.js";
import { float32 } from "../../engine/tensor/tensor.js";
import { ForwardPass } from "../../nn/forward-pass.js";
import { type Limn, limnLosses } from "./limn.js";

const random = new Random(1);
const pass = ForwardPass.inference();
const [batch, width, count] = [2, 6, 3];
const model = modelOf<Limn>("limn", { embedDim: width, heads: 2, factors: count });
const regions = normalTensor(random, [batch, 4, width]);
const words = normalTensor(random, [batch, 3, width]);

describe("LIMN", () => {
  it("gives the same query and factors whatever padding follows the words", async () => {
    const of = (text: typeof words) =>
      model.compose(imageFeatures(regions), textFeatures(text, [3, 1]), pass);
    const [short, long] = [of(words), of(padded(words, 2))];
    expect(short.parts?.factors?.shape).toEqual([batch, count, width]);
    const pairs = [
      [short.q, long.q],
      [short.parts?.factors, long.parts?.factors],
    ] as const;
    for (const [a, b] of pairs) {
      const expected = a ? await numbersOf(a) : [];
      const found = b ? await numbersOf(b) : [];
      expect(found).toHaveLength(expected.length);
      for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 4);
    }
  });

  it("wants the factors of a query or a target apart from each other", async () => {
    const side = (...factors: number[]) => ({
      match: constant(float32([1, 2], [1, 0])),
      factors: constant(float32([1, 2, 2], factors)),
    });
    const scale = full([], 10, "float32");
    const same = limnLosses({ query: side(3, 0, 3, 0), target: side(0, 1, 0, 5), scale });
    expect((await numbersOf(same.orthogonal))[0]).toBeCloseTo(4, 5); // two of 1 beside the diagonal, for both sides
    const apart = limnLosses({ query: side(3, 0, 0, 7), target: side(1, 1, -1, 1), scale });
    expect((await numbersOf(apart.orthogonal))[0]).toBeCloseTo(0, 5);
  });

  it("averages the classification over the factors", async () => {
    const match = constant(float32([2, 2], [1, 0, 0, 1]));
    // The first factor tells the two examples apart, the second does not.
    const factors = constant(float32([2, 2, 2], [1, 0, 1, 0, 0, 1, 1, 0]));
    const sides = { match, factors };
    const losses = limnLosses({ query: sides, target: sides, scale: full([], 10, "float32") });
    const sure = Math.log(1 + Math.exp(-10));
    expect((await numbersOf(losses.match))[0]).toBeCloseTo(sure, 6);
    expect((await numbersOf(losses.factor))[0]).toBeCloseTo((sure + Math.LN2) / 2, 6);
  });
});
