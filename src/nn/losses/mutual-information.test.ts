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
    const own = (softplus(-1) + softplus(-5) + softplus(-9)) / 3;
    const others = (softplus(2) + softplus(3) + softplus(4) + softplus(6) + softplus(7) + softplus(8)) / 6;
    expect(await lossOf(3, [1, 2, 3, 4, 5, 6, 7, 8, 9])).toBeCloseTo(own + others, 5);
    expect(await lossOf(2, [40, -40, -40, 40])).toBeCloseTo(0, 6);
  });

  it("averages over several vectors of each example, example by example", async () => {
    const own = (softplus(-1) + softplus(-2) + softplus(-8) + softplus(-20)) / 4;
    const others = (softplus(5) + softplus(6) + softplus(3) + softplus(4)) / 4;
    expect(await lossOf(2, [1, 2, 5, 6, 3, 4, 8, 20])).toBeCloseTo(own + others, 5);
  });

  it("has no second term for a batch of one", async () => {
    expect(await lossOf(1, [1, 3])).toBeCloseTo((softplus(-1) + softplus(-3)) / 2, 6);
  });
});
