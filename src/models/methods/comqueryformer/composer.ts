/** The composition of ComqueryFormer, of any number of levels of any width. */
import type { Parameter, Value } from "../../../engine/graph/value.js";
import { add, multiply } from "../../../engine/ops/arithmetic.js";
import { tanh } from "../../../engine/ops/elementwise.js";
import { matmul } from "../../../engine/ops/matmul.js";
import { l2Normalise } from "../../../engine/ops/normalisation.js";
import { mean } from "../../../engine/ops/reduce.js";
import { reshape, slice } from "../../../engine/ops/shape.js";
import type { Random } from "../../../engine/tensor/random.js";
import { Conv2d } from "../../../nn/conv2d.js";
import { Embedding } from "../../../nn/embedding.js";
import type { ForwardPass } from "../../../nn/forward-pass.js";
import { filled, normal, parameter } from "../../../nn/initial-values.js";
import { Linear } from "../../../nn/linear.js";
import { Module } from "../../../nn/module.js";
import { mapOfRegions, type Regions } from "../../region-map.js";
import { CrossModalLayer, type LayerOptions, type Tokens } from "./layer.js";

/** Deviation of the matrices' and token types' initial values, BERT's. */
const initialDeviation = 0.02;
/** Where the learned lengths of all parts start. */
const initialLength = 4;

/** What a query or a picture has at one level. */
export interface LevelParts {
  /** [B, H] */
  readonly global: Value;
  /** [B, R, H] */
  readonly local: Value;
}

/** Widths C_l of the tokens of each level. */
export interface LevelWidths {
  readonly image: readonly number[];
  readonly text: readonly number[];
}

export interface ComposerOptions extends LayerOptions {
  /** K */
  readonly layers: number;
  /** R */
  readonly regionCount: number;
}

/** m = conv(v) of R channels,  y_r = length · unit(mean_n m_rn · v_n). v [B, N, H] -> y [B, R, H]. */
class RegionPool extends Module {
  readonly conv: Conv2d;
  readonly region_scale: Parameter; // [1]

  constructor({ width, regionCount }: ComposerOptions, random: Random) {
    super();
    this.conv = new Conv2d(width, regionCount, random, { kernel: 3, padding: 1 });
    this.region_scale = parameter([1], filled(initialLength));
  }

  forward(v: Regions): Value {
    const [batch = 0, count = 0] = v.regions.shape;
    const maps = this.conv.forward(mapOfRegions(v)); // [B, R, h, w]
    const weights = multiply(reshape(maps, [batch, maps.dim(1), count]), 1 / v.regions.dim(1));
    return multiply(l2Normalise(matmul(weights, v.regions), { axis: 2 }), this.region_scale);
  }
}

/**
 * For each level l, image tokens I [B, N_l, C_l], text tokens Q [B, T, C'_l], mask of words:
 *
 *   v = A_l I + τ_1,   w = A'_l Q + τ_0,   then K layers on both sides, which all levels share
 *   global = s · unit(tanh(Π · mean v + π))            s, Π shared by levels, queries and targets
 *   local_r = s_l · unit(mean_n m_rn · v_n)            m from a convolution; own for levels, queries and targets
 *
 * A target has v = A_l I, no type and no layers. The text side of the last layer is not used.
 */
export class ComqueryComposer extends Module {
  readonly token_type: Embedding; // τ [2, H]: text, image
  readonly text_in: readonly Linear[];
  readonly image_in: readonly Linear[];
  readonly text_layers: readonly CrossModalLayer[];
  readonly image_layers: readonly CrossModalLayer[];
  readonly pool: Linear;
  readonly global_scale: Parameter; // [1]
  readonly regions_query: readonly RegionPool[];
  readonly regions_target: readonly RegionPool[];

  constructor(widths: LevelWidths, options: ComposerOptions, random: Random) {
    super();
    const { width, layers } = options;
    const inputs = (of: readonly number[]) => of.map((from) => new Linear(from, width, random));
    const stack = () => Array.from({ length: layers }, () => new CrossModalLayer(options, random));
    const pools = () => widths.image.map(() => new RegionPool(options, random));
    this.token_type = new Embedding(2, width, random);
    this.text_in = inputs(widths.text);
    this.image_in = inputs(widths.image);
    this.text_layers = stack();
    this.image_layers = stack();
    this.pool = new Linear(width, width, random);
    this.global_scale = parameter([1], filled(initialLength));
    this.regions_query = pools();
    this.regions_target = pools();
    const initial = normal(random, initialDeviation);
    for (const [name, value] of this.state()) {
      if (value.rank === 2)
        value.data = initial(value.shape); // matrices and token types
      else if (name.endsWith(".bias") && !name.endsWith(".conv.bias")) value.data.fill(0);
    }
  }

  /** Levels of a reference, and the tokens of the text for each. */
  query(images: readonly Regions[], texts: readonly Value[], mask: Value, pass: ForwardPass): LevelParts[] {
    return images.map((level, l) => {
      const from = texts[l] as Value;
      let text: Tokens = { tokens: add(this.#project(this.text_in, l, from), this.#type(0)), mask };
      let image: Tokens = { tokens: add(this.#project(this.image_in, l, level.regions), this.#type(1)) };
      for (const [k, layer] of this.image_layers.entries()) {
        const isLast = k === this.image_layers.length - 1;
        const next = isLast ? text : this.text_layers[k]?.forward(text, image, pass);
        image = layer.forward(image, text, pass);
        text = next ?? text;
      }
      return this.#parts({ ...level, regions: image.tokens }, this.regions_query[l]);
    });
  }

  /** Levels of a picture that is looked for. */
  target(images: readonly Regions[]): LevelParts[] {
    return images.map((level, l) =>
      this.#parts(
        { ...level, regions: this.#project(this.image_in, l, level.regions) },
        this.regions_target[l],
      ),
    );
  }

  #project(layers: readonly Linear[], level: number, tokens: Value): Value {
    return (layers[level] as Linear).forward(tokens);
  }

  /** τ_i [H] */
  #type(i: 0 | 1): Value {
    const row = slice(this.token_type.weight, { axis: 0, start: i, end: i + 1 });
    return reshape(row, [this.token_type.weight.dim(1)]);
  }

  #parts(v: Regions, regions: RegionPool | undefined): LevelParts {
    const pooled = tanh(this.pool.forward(mean(v.regions, { axes: [1] })));
    const global = multiply(l2Normalise(pooled, { axis: 1 }), this.global_scale);
    return { global, local: (regions as RegionPool).forward(v) };
  }
}
