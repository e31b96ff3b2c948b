/** The fusion network: L layers of operation modules between which routers choose (sections 2.2, 2.3). */
import type { Value } from "../../engine/graph/value.js";
import { add } from "../../engine/ops/arithmetic.js";
import { mean } from "../../engine/ops/reduce.js";
import type { Random } from "../../engine/tensor/random.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import type { RouterLogits } from "../../nn/losses/routes.js";
import { Module } from "../../nn/module.js";
import type { TextFeatures } from "../text-encoder.js";
import type { SdfnConfig } from "./config.js";
import { FusionLayer, type FusionLayerOutput } from "./fusion-layer.js";

/** What the network makes of a reference and a text. */
export interface Fused {
  /** The last layer's single destination: [B, N, D]. */
  readonly map: Value;
  /** Mean over the regions of the map, not normalised: [B, D]. */
  readonly q: Value;
  /** Sum over the last layer's module inputs of their mean over regions, not normalised (eq. 5): [B, D]. */
  readonly u: Value;
  /** Route weights by layer, each [B, M, J]. */
  readonly routes: readonly Value[];
  /** Router logits by layer; empty without routers. */
  readonly logits: readonly RouterLogits[];
  /** CAM's attention to words by layer, each [B, heads, N, T]; undefined in layers without CAM. */
  readonly wordAttention: readonly (Value | undefined)[];
}

/**
 * X[0, i] = X for every module i; X[l + 1, j] = sum over i of p[l, i -> j] · module_i(X[l, i]) (eq. 3).
 * Each layer feeds the M modules of the next; the last has one destination, the fused map.
 */
export class FusionNetwork extends Module {
  readonly layers: readonly FusionLayer[];
  readonly #moduleCount: number;

  constructor(config: SdfnConfig, random: Random) {
    super();
    this.#moduleCount = config.modules.length;
    this.layers = Array.from({ length: config.layers }, (_, l) => {
      const isLast = l === config.layers - 1;
      return new FusionLayer(config, isLast ? 1 : config.modules.length, random);
    });
  }

  /**
   * regions X [B, N, D] of the reference.
   * @param given route weights by layer in place of the routers', each [B, M, J].
   */
  forward(regions: Value, text: TextFeatures, pass: ForwardPass, given: readonly Value[] = []): Fused {
    const first: readonly Value[] = Array.from({ length: this.#moduleCount }, () => regions);
    const outputs: FusionLayerOutput[] = [];
    for (const [l, layer] of this.layers.entries()) {
      outputs.push(layer.forward(outputs.at(-1)?.next ?? first, text, pass, { routes: given[l] }));
    }
    const lastInputs = outputs.at(-2)?.next ?? first;
    const [map = regions] = outputs.at(-1)?.next ?? [];
    return {
      map,
      q: mean(map, { axes: [1] }),
      u: lastInputs.map((x) => mean(x, { axes: [1] })).reduce((total, pooled) => add(total, pooled)),
      routes: outputs.map(({ routes }) => routes),
      logits: outputs.map(({ logits }) => logits),
      wordAttention: outputs.map(
        ({ moduleOutputs }) => moduleOutputs.find(({ wordAttention }) => wordAttention)?.wordAttention,
      ),
    };
  }
}
