/** The learned residual around JRM and CAM, a field beyond the paper. */
import type { Parameter, Value } from "../../engine/graph/value.js";
import { add, multiply } from "../../engine/ops/arithmetic.js";
import { filled, parameter } from "../../nn/initial-values.js";
import type { SdfnConfig } from "./config.js";

/** `a` [], started at the configuration's `residual`; none where that is null. */
export function residualStrength({ residual }: SdfnConfig): Parameter | undefined {
  return residual === null ? undefined : parameter([], filled(residual));
}

/** x + a · y; y itself without `a`. */
export function addResidual(x: Value, y: Value, a: Parameter | undefined): Value {
  return a ? add(x, multiply(y, a)) : y;
}
