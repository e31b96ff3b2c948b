/** Tables of positions for pictures of another size than a tower was made for. */
import type { Value } from "../../engine/graph/value.js";
import { constant } from "../../engine/ops/constant.js";
import { matmul } from "../../engine/ops/matmul.js";
import { float32 } from "../../engine/tensor/tensor.js";
import { cubic } from "../../images/resample.js";
import type { VisionConfig } from "./tower-config.js";

export interface Grid {
  readonly rows: number;
  readonly columns: number;
}

/**
 * The table as a picture of `from` places, made one of `to`: table [from.rows · from.columns, C] ->
 * [to.rows · to.columns, C]. Linear in the table: a product with a constant, so that gradients flow.
 */
export function resizePositions(
  table: Value,
  { from, to, kind }: { readonly from: Grid; readonly to: Grid; readonly kind: VisionConfig["positions"] },
): Value {
  if (from.rows === to.rows && from.columns === to.columns) return table;
  const weights = kind === "antialiased" ? antialiasedWeights : bicubicWeights;
  const [down, across] = [weights(from.rows, to.rows), weights(from.columns, to.columns)];
  const size = from.rows * from.columns;
  const matrix = new Float32Array(to.rows * to.columns * size);
  let at = 0;
  for (const ofRow of down) {
    for (const ofColumn of across) {
      for (const [row, a] of ofRow.entries()) {
        for (const [column, b] of ofColumn.entries()) matrix[at + row * from.columns + column] = a * b;
      }
      at += size;
    }
  }
  return matmul(constant(float32([to.rows * to.columns, size], matrix)), table);
}

/** For each of `to` places, what each of `from` adds to it. */
type Weights = readonly Float64Array[];

/** Four taps around the place, a = -0.75, edges repeated: torch's interpolate without antialias. */
function bicubicWeights(from: number, to: number): Weights {
  return Array.from({ length: to }, (_, i) => {
    const weights = new Float64Array(from);
    const position = ((i + 0.5) * from) / to - 0.5;
    const floor = Math.floor(position);
    for (let k = floor - 1; k <= floor + 2; k += 1) {
      const inside = Math.min(Math.max(k, 0), from - 1);
      weights[inside] = (weights[inside] ?? 0) + cubic(Math.abs(position - k), -0.75);
    }
    return weights;
  });
}

/** The filter is widened where the axis shrinks, a = -0.5, taps beyond the edge left out: as Pillow, without its rounding. */
function antialiasedWeights(from: number, to: number): Weights {
  const scale = Math.max(from / to, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = ((i + 0.5) * from) / to;
    const weights = Float64Array.from({ length: from }, (_unused, k) =>
      cubic(Math.abs((k - centre + 0.5) / scale), -0.5),
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / total);
  });
}
