/** Batch normalisation of vectors. */
import type { Value } from "../engine/graph/value.js";
import { reshape, transpose } from "../engine/ops/shape.js";
import { ShapeError } from "../errors.js";
import { BatchNorm2d } from "./batch-norm2d.js";
import type { ForwardPass } from "./forward-pass.js";

/**
 * As BatchNorm2d, the features last: x [B, C] -> y [B, C], or x [B, N, C] -> y [B, N, C] with statistics over B and N.
 * Names and semantics are torch.nn.BatchNorm1d's, which has sequences as [B, C, N].
 * @example
 * import { BatchNorm1d, ForwardPass, Input } from "sdfn/models";
 * const layer = new BatchNorm1d(3);
 * const x = new Input("x", "float32", [2, 3]);
 * console.log(layer.forward(x, ForwardPass.training()).shape); // [ 2, 3 ]
 */
export class BatchNorm1d extends BatchNorm2d {
  /** @throws ShapeError for anything but two or three axes. */
  override forward(x: Value, pass: ForwardPass): Value {
    const [batch = 0] = x.shape;
    if (x.rank === 2) return reshape(super.forward(reshape(x, [batch, x.dim(1), 1, 1]), pass), x.shape);
    if (x.rank !== 3) throw new ShapeError("BatchNorm1d", "needs x [B, C] or [B, N, C]", { x });
    const [, length = 0] = x.shape;
    const map = reshape(transpose(x, [0, 2, 1]), [batch, x.dim(2), length, 1]);
    return transpose(reshape(super.forward(map, pass), [batch, x.dim(2), length]), [0, 2, 1]);
  }
}
