/** DCNet's own parameters, and what they make of maps and words. */
import type { Parameter, Value } from "../../../engine/graph/value.js";
import { add, multiply } from "../../../engine/ops/arithmetic.js";
import { linear } from "../../../engine/ops/linear.js";
import { l2Normalise } from "../../../engine/ops/normalisation.js";
import { sum } from "../../../engine/ops/reduce.js";
import { expandDims } from "../../../engine/ops/shape.js";
import type { Random } from "../../../engine/tensor/random.js";
import type { ForwardPass } from "../../../nn/forward-pass.js";
import { filled, parameter } from "../../../nn/initial-values.js";
import { Linear } from "../../../nn/linear.js";
import { Module } from "../../../nn/module.js";
import type { LevelFeatures } from "../../image-encoder.js";
import { CompositionNetwork, CorrectionNetwork } from "./expert-networks.js";
import { type ExpertName, levelOf, pooled, scaledUnit, TextReader } from "./experts.js";

/** One value for each expert, in their order. */
export type ByExpert = readonly Value[];

export interface DcnetSizes {
  readonly experts: readonly ExpertName[];
  /** Channels of the stages' maps, by their names. */
  readonly channels: Readonly<Record<string, number>>;
  /** d, width of a word as the experts read it. */
  readonly wordWidth: number;
  /** D */
  readonly width: number;
}

/** Where both lengths start. */
const scaleStart = 5;

/**
 * E experts, each with layers of its own:
 *
 *   image        x_e = s_img · unit(ReLU(A_e p_e + a_e))                         p_e see `pooled`, with dropout
 *   text         t_e = s_txt · unit(ReLU(B_e read_e + b_e))                      read_e see `TextReader`
 *   composition  c_e = s_img · unit(...)                                         see `CompositionNetwork`
 *   correction   d_e = s_txt · unit(ReLU(...))                                   see `CorrectionNetwork`
 *
 * s_img and s_txt are learned, each shared by all experts.
 */
export class DcnetComposer extends Module {
  readonly image_experts: Readonly<Record<string, Linear>>;
  readonly text: TextReader;
  readonly text_experts: Readonly<Record<string, Linear>>;
  readonly composition: Readonly<Record<string, CompositionNetwork>>;
  readonly correction: Readonly<Record<string, CorrectionNetwork>>;
  readonly image_scale: Parameter; // s_img [1]
  readonly text_scale: Parameter; // s_txt [1]
  readonly #experts: readonly ExpertName[];
  readonly #dropout: number;

  constructor(sizes: DcnetSizes, random: Random, { dropout }: { readonly dropout: number }) {
    super();
    const { experts, channels, wordWidth: inWidth, width } = sizes;
    const each = <Network>(build: (expert: ExpertName) => Network) =>
      Object.fromEntries(experts.map((expert) => [expert, build(expert)]));
    this.image_experts = each((expert) => new Linear(channels[levelOf(expert)] ?? 0, width, random));
    this.text = new TextReader({ inWidth, width, expertCount: experts.length }, random, { dropout });
    this.text_experts = each(() => new Linear(width, width, random));
    this.composition = each(() => new CompositionNetwork(width, random));
    this.correction = each(() => new CorrectionNetwork(width, random));
    this.image_scale = parameter([1], filled(scaleStart));
    this.text_scale = parameter([1], filled(scaleStart));
    this.#experts = experts;
    this.#dropout = dropout;
  }

  /** x, of references and targets: E times [B, D]. */
  image(levels: readonly LevelFeatures[], pass: ForwardPass): ByExpert {
    return this.#experts.map((expert) => {
      const level = levels.find(({ name }) => name === levelOf(expert)) as LevelFeatures;
      const p = pass.dropout(pooled(expert, level), this.#dropout);
      return scaledUnit(of(this.image_experts, expert).forward(p), this.image_scale);
    });
  }

  /** t, of words v [B, T, d] with mask bool [B, T]: E times [B, D]. */
  sentence(v: Value, mask: Value, pass: ForwardPass): ByExpert {
    const read = this.text.forward(v, mask, pass);
    return this.#experts.map((expert, e) =>
      scaledUnit(of(this.text_experts, expert).forward(read[e] as Value), this.text_scale),
    );
  }

  /** c: E times [B, D]. */
  compose(x: ByExpert, t: ByExpert, pass: ForwardPass): ByExpert {
    return this.#experts.map((expert, e) => {
      const c = of(this.composition, expert).forward(x[e] as Value, t[e] as Value, pass);
      return multiply(l2Normalise(c, { axis: 1 }), this.image_scale);
    });
  }

  /** d of rows that belong together, x and y [B, D]: E times [B, D]. */
  correct(x: ByExpert, y: ByExpert): ByExpert {
    return this.#experts.map((expert, e) => this.#corrected(expert, x[e] as Value, y[e] as Value));
  }

  /** d of every reference with every target, x [Q, D], y [M, D]: E times [Q, M, D]. */
  correctPairs(x: ByExpert, y: ByExpert): ByExpert {
    return this.correct(
      x.map((own) => expandDims(own, 1)),
      y.map((own) => expandDims(own, 0)),
    );
  }

  #corrected(expert: ExpertName, x: Value, y: Value): Value {
    return scaledUnit(of(this.correction, expert).forward(x, y), this.text_scale);
  }
}

/** S_r[i, j] = sum over e of c_e(i) · y_e(j): each [Q, D] and [M, D] -> [Q, M]. */
export function compositionScore(c: ByExpert, y: ByExpert): Value {
  return c.map((own, e) => linear(own, y[e] as Value)).reduce((total, score) => add(total, score));
}

/** S_c[i, j] = sum over e of d_e(i, j) · t_e(i): each [Q, M, D] and [Q, D] -> [Q, M]. */
export function correctionScore(d: ByExpert, t: ByExpert): Value {
  return d
    .map((own, e) => sum(multiply(own, expandDims(t[e] as Value, 1)), { axes: [2] }))
    .reduce((total, score) => add(total, score));
}

function of<Network>(networks: Readonly<Record<string, Network>>, expert: ExpertName): Network {
  return networks[expert] as Network;
}
