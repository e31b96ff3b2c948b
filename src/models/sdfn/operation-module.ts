/** What every operation module of the fusion network is to its layer (section 2.2). */
import type { Value } from "../../engine/graph/value.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { Module } from "../../nn/module.js";
import type { TextFeatures } from "../text-encoder.js";

/** What a module makes of its input. */
export interface ModuleOutput {
  /** [B, N, D] */
  readonly y: Value;
  /** Where a module attends to words: [B, heads, N, T]. */
  readonly wordAttention?: Value;
}

/** X [B, N, D] regions and a text -> [B, N, D]. */
export abstract class OperationModule extends Module {
  abstract forward(regions: Value, text: TextFeatures, pass: ForwardPass): ModuleOutput;
}
