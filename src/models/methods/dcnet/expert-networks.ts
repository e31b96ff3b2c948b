/** DCNet's two networks of one expert: composition of a query, correction of a pair. */
import type { Parameter, Value } from "../../../engine/graph/value.js";
import { add, multiply, subtract } from "../../../engine/ops/arithmetic.js";
import { relu, sigmoid } from "../../../engine/ops/elementwise.js";
import { linear } from "../../../engine/ops/linear.js";
import { concat, slice } from "../../../engine/ops/shape.js";
import type { Random } from "../../../engine/tensor/random.js";
import { BatchNorm1d } from "../../../nn/batch-norm1d.js";
import type { ForwardPass } from "../../../nn/forward-pass.js";
import { parameter } from "../../../nn/initial-values.js";
import { Linear } from "../../../nn/linear.js";
import { Module } from "../../../nn/module.js";

/**
 * TIRG's gate and residual with the product added:
 *
 *   z = [x ; t ; x * t],  g = σ(G · ReLU(BN z)),  r = R2 · ReLU(R1 · ReLU(BN' z)),  c = a_0 · g * x + a_1 · r
 *
 * x, t [B, D] -> [B, D], before its length; a learned, from 1 and 10.
 */
export class CompositionNetwork extends Module {
  readonly bn_gate: BatchNorm1d;
  readonly gate: Linear;
  readonly bn_res: BatchNorm1d;
  readonly res1: Linear;
  readonly res2: Linear;
  readonly a: Parameter; // [2]

  constructor(width: number, random: Random) {
    super();
    this.bn_gate = new BatchNorm1d(3 * width);
    this.gate = new Linear(3 * width, width, random);
    this.bn_res = new BatchNorm1d(3 * width);
    this.res1 = new Linear(3 * width, 2 * width, random);
    this.res2 = new Linear(2 * width, width, random);
    this.a = parameter([2], () => Float32Array.of(1, 10));
  }

  forward(x: Value, t: Value, pass: ForwardPass): Value {
    const z = concat([x, t, multiply(x, t)], { axis: 1 }); // [B, 3D]
    const g = sigmoid(this.gate.forward(relu(this.bn_gate.forward(z, pass))));
    const r = this.res2.forward(relu(this.res1.forward(relu(this.bn_res.forward(z, pass)))));
    const share = (i: number) => slice(this.a, { axis: 0, start: i, end: i + 1 });
    return add(multiply(multiply(g, x), share(0)), multiply(r, share(1)));
  }
}

/**
 * What a text must say for a reference x to become a target y:
 *
 *   V [x ; ReLU(Q [x * y ; y]) - ReLU(P [x * y ; x]) ; y]        P = `ref`, Q = `trg`, V = `diff`, with biases
 *
 * x and y broadcast: [B, D] each, or [Q, 1, D] and [1, M, D] for all pairs. The products with x alone and y alone are done
 * once for each of them, so that a pair costs three D x D products of seven.
 */
export class CorrectionNetwork extends Module {
  readonly ref: Linear;
  readonly trg: Linear;
  readonly diff: Linear;

  constructor(width: number, random: Random) {
    super();
    this.ref = new Linear(2 * width, width, random);
    this.trg = new Linear(2 * width, width, random);
    this.diff = new Linear(3 * width, width, random);
  }

  forward(x: Value, y: Value): Value {
    const xy = multiply(x, y);
    const ofTarget = relu(sumOf([part(this.trg, 0, xy), part(this.trg, 1, y)], this.trg));
    const ofReference = relu(sumOf([part(this.ref, 0, xy), part(this.ref, 1, x)], this.ref));
    const difference = part(this.diff, 1, subtract(ofTarget, ofReference));
    return sumOf([add(part(this.diff, 0, x), part(this.diff, 2, y)), difference], this.diff);
  }
}

/** x times the layer's columns of the `index`-th of the vectors that it takes side by side. */
function part({ weight }: Linear, index: number, x: Value): Value {
  const width = x.dim(-1);
  return linear(x, slice(weight, { axis: 1, start: index * width, end: (index + 1) * width }));
}

function sumOf(parts: readonly Value[], { bias }: Linear): Value {
  return [...parts, ...(bias ? [bias] : [])].reduce((total, value) => add(total, value));
}
