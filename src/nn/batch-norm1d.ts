/** Batch normalisation of vectors. */
import type { Value } from "../engine/graph/value.js";
import { reshape } from "../engine/ops/shape.js";
import { BatchNorm2d } from "./batch-norm2d.js";
import type { ForwardPass } from "./forward-pass.js";

/**
 * As BatchNorm2d on maps of one position: x [B, C] -> y [B, C]. Names and semantics are torch.nn.BatchNorm1d's.
 * @example
 * import { BatchNorm1d, ForwardPass, Input } from "sdfn/models";
 * const layer = new BatchNorm1d(3);
 * const x = new Input("x", "float32", [2, 3]);
 * console.log(layer.forward(x, ForwardPass.training()).shape); // [ 2, 3 ]
 */
export class BatchNorm1d extends BatchNorm2d {
  override forward(x: Value, pass: ForwardPass): Value {
    const [batch = 0] = x.shape;
    return reshape(super.forward(reshape(x, [batch, x.dim(1), 1, 1]), pass), x.shape);
  }
}
