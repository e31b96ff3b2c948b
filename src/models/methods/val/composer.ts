/** The composition of VAL, of any number of levels of any width. */
import type { Value } from "../../../engine/graph/value.js";
import type { Random } from "../../../engine/tensor/random.js";
import { BatchNorm1d } from "../../../nn/batch-norm1d.js";
import type { ForwardPass } from "../../../nn/forward-pass.js";
import { Linear } from "../../../nn/linear.js";
import { Module } from "../../../nn/module.js";
import { ValLevel, type ValLevelSize, type ValOptions } from "./level.js";

export interface ValWidths {
  /** Of the sentence. */
  readonly sentence: number;
  /** E, of the text as the levels see it. */
  readonly text: number;
}

/**
 * e = BN(W_t · dropout(s)), shared by the levels; each level has its own `ValLevel`.
 * Maps x_l [B, N_l, C_l], s [B, D] -> y_l [B, N_l, C_l]; e [B, E].
 */
export class ValComposer extends Module {
  readonly text: Linear;
  readonly text_norm: BatchNorm1d;
  readonly levels: readonly ValLevel[];
  readonly #dropout: number;

  constructor(widths: ValWidths, sizes: readonly ValLevelSize[], random: Random, options: ValOptions) {
    super();
    this.text = new Linear(widths.sentence, widths.text, random, { bias: false });
    this.text_norm = new BatchNorm1d(widths.text);
    this.levels = sizes.map((size) => new ValLevel(size, widths.text, random, options));
    this.#dropout = options.dropout;
  }

  /** One map a level, in the order of the levels. */
  forward(maps: readonly Value[], sentence: Value, pass: ForwardPass): readonly Value[] {
    const dropped = pass.dropout(sentence, this.#dropout);
    const e = this.text_norm.forward(this.text.forward(dropped), pass); // [B, E]
    return this.levels.map((level, i) => level.forward(maps[i] as Value, e, pass));
  }
}
