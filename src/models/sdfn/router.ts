/** The router on pooled features: as image router and as shared router (section 2.3). */
import type { Value } from "../../engine/graph/value.js";
import { relu } from "../../engine/ops/elementwise.js";
import type { Random } from "../../engine/tensor/random.js";
import { Linear } from "../../nn/linear.js";
import { Module } from "../../nn/module.js";

/** Widths of a router: of its input, of its hidden layer R, and its number of destinations J. */
export interface RouterSizes {
  readonly inWidth: number;
  readonly hiddenWidth: number;
  readonly destinationCount: number;
}

/**
 * logits = Linear(ReLU(Linear(pooled))): pooled [B, D] -> [B, J]; pooled is the mean over the regions of the module's
 * own input. The shared router is the same on [mean X ; s], of width 2D.
 */
export class Router extends Module {
  readonly fc1: Linear;
  readonly fc2: Linear;

  constructor({ inWidth, hiddenWidth, destinationCount }: RouterSizes, random: Random) {
    super();
    this.fc1 = new Linear(inWidth, hiddenWidth, random);
    this.fc2 = new Linear(hiddenWidth, destinationCount, random);
  }

  forward(pooled: Value): Value {
    return this.fc2.forward(relu(this.fc1.forward(pooled)));
  }
}
