/** Dropout with the noise given from outside. */
import { ShapeError } from "../../errors.js";
import type { Value } from "../graph/value.js";
import { multiply } from "./arithmetic.js";
import { cast } from "./constant.js";

/**
 * y = x · keepMask / keepProbability: elements whose mask is 0 are dropped, the others scaled up, so that the
 * expected value is kept. keepMask is uint8 of x's shape, 1 with probability keepProbability.
 */
export function dropout(x: Value, keepMask: Value, keepProbability: number): Value {
  if (!(keepProbability > 0 && keepProbability <= 1)) {
    throw new ShapeError("dropout", "keepProbability must be in (0, 1]", { keepProbability });
  }
  return multiply(x, multiply(cast(keepMask, x.dtype), 1 / keepProbability));
}
