import { describe, expect, it } from "vitest";
import { numbersOf } from "../../../tests/fixtures/drawn-features.js";
import { constant } from "../../engine/ops/constant.js";
import { float32 } from "../../engine/tensor/tensor.js";
import { mutualInformationLoss } from "./mutual-information.js";

const softplus = (z: number) => Math.log(1 + Math.exp(z));

async function lossOf(rows: number, scores: readonly number[]): Promise<number> {
  const [loss = Number.NaN] = await numbersOf(
    mutualInformationLoss(constant(float32([rows, scores.length / rows], scores))),
  );
  return loss;
}

describe("mutualInformationLoss", () => {
  it("wants a vector's own score high and others' low", async () => {
    const expected = (softplus(-1) + softplus(-4)) / 2 + (softplus(2) + softplus(3)) / 2;
    expect(await lossOf(2, [1, 2, 3, 4])).toBeCloseTo(expected, 5);
    expect(await lossOf(2, [40, -40, -40, 40])).toBeCloseTo(0, 6);
  });

  it("averages over several vectors of each example, example by example", async () => {
    const [first, second] = [
      [1, 2, 5, 6],
      [3, 4, 7, 8],
    ] as const;
    const own = [first[0], first[1], second[2], second[3]].map((t) => softplus(-t));
    const others = [first[2], first[3], second[0], second[1]].map(softplus);
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;
    expect(await lossOf(2, [...first, ...second])).toBeCloseTo(mean(own) + mean(others), 5);
  });

  it("has no second term for a batch of one", async () => {
    expect(await lossOf(1, [1, 3])).toBeCloseTo((softplus(-1) + softplus(-3)) / 2, 6);
  });
});
