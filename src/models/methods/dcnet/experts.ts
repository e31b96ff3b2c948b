/** DCNet's experts: what each looks at in a picture, and reads in a text. */
import type { Parameter, Value } from "../../../engine/graph/value.js";
import { leakyRelu } from "../../../engine/ops/activations.js";
import { multiply } from "../../../engine/ops/arithmetic.js";
import { cast } from "../../../engine/ops/constant.js";
import { relu } from "../../../engine/ops/elementwise.js";
import { matmul } from "../../../engine/ops/matmul.js";
import { l2Normalise } from "../../../engine/ops/normalisation.js";
import { mean } from "../../../engine/ops/reduce.js";
import { concat, expandDims, reshape, slice, transposeLast } from "../../../engine/ops/shape.js";
import { softmax } from "../../../engine/ops/softmax.js";
import type { Random } from "../../../engine/tensor/random.js";
import { Conv1d } from "../../../nn/conv1d.js";
import type { ForwardPass } from "../../../nn/forward-pass.js";
import { parameter, uniform } from "../../../nn/initial-values.js";
import { Linear } from "../../../nn/linear.js";
import { Module } from "../../../nn/module.js";
import type { LevelFeatures } from "../../image-encoder.js";

/** Means of a stage's map, and single cells of the last stage's. */
export const expertNames = [
  "layer4",
  "layer3",
  "layer2",
  "spatial0",
  "spatial1",
  "spatial2",
  "spatial3",
  "spatial4",
] as const;
export type ExpertName = (typeof expertNames)[number];

/** Row and column of the authors' 7x7 map. */
const cells: Partial<Record<ExpertName, readonly [row: number, column: number]>> = {
  spatial0: [1, 3],
  spatial1: [3, 1],
  spatial2: [3, 3],
  spatial3: [3, 5],
  spatial4: [5, 3],
};
const cellGrid = 7;

/** The stage whose map an expert looks at. */
export function levelOf(expert: ExpertName): string {
  return expert in cells ? "layer4" : expert;
}

/**
 * p_e [B, C_e]: the mean over a map's positions, or one of its cells. Choice: at other sizes than 7x7 the cell is the one
 * that the middle of the authors' falls into, row floor((r + 1/2) · h / 7), columns likewise.
 */
export function pooled(expert: ExpertName, { regions, rows, columns }: LevelFeatures): Value {
  const cell = cells[expert];
  if (!cell) return mean(regions, { axes: [1] });
  const [row, column] = cell;
  const at = (place: number, count: number) => Math.floor(((place + 0.5) * count) / cellGrid);
  const start = at(row, rows) * columns + at(column, columns);
  const [batch = 0] = regions.shape;
  return reshape(slice(regions, { axis: 1, start, end: start + 1 }), [batch, regions.dim(2)]);
}

/** scale · unit(ReLU(x)), x [..., D] -> of length `scale`, or 0. */
export function scaledUnit(x: Value, scale: Value): Value {
  return multiply(l2Normalise(relu(x), { axis: x.rank - 1 }), scale);
}

const leak = 0.01;

/**
 * What every text expert reads with an attention of its own, v_0 = 0:
 *
 *   c_l = LReLU(K_0 v_l-1 + K_1 v_l + k),  f_l = LReLU(M [c_l ; v_l] + m), 0 at padding; dropout after both
 *   α_el = softmax over the words l of (w_2 · ReLU(W_1 (m_e * f_l) + b_1) + b_2),  read_e = sum over l of α_el · f_l
 *
 * v [B, T, d] -> E times [B, D]; m_e learned.
 */
export class TextReader extends Module {
  readonly conv: Conv1d;
  readonly fc: Linear;
  readonly expert_vectors: Parameter; // m [E, D]
  readonly att1: Linear;
  readonly att2: Linear;
  readonly #dropout: number;

  constructor(
    { inWidth, width, expertCount }: { inWidth: number; width: number; expertCount: number },
    random: Random,
    { dropout }: { readonly dropout: number },
  ) {
    super();
    this.conv = new Conv1d(inWidth, width, random, { kernel: 2, before: 1 });
    this.fc = new Linear(width + inWidth, width, random);
    const bound = Math.sqrt(6 / ((expertCount + 1) * width));
    this.expert_vectors = parameter([expertCount, width], uniform(random, bound));
    this.att1 = new Linear(width, width, random);
    this.att2 = new Linear(width, 1, random);
    this.#dropout = dropout;
  }

  /** mask bool [B, T] */
  forward(v: Value, mask: Value, pass: ForwardPass): readonly Value[] {
    const isWord = expandDims(mask, 2); // [B, T, 1]
    const c = pass.dropout(leakyRelu(this.conv.forward(v), leak), this.#dropout);
    const read = pass.dropout(leakyRelu(this.fc.forward(concat([c, v], { axis: 2 })), leak), this.#dropout);
    const f = multiply(read, cast(isWord, read.dtype)); // [B, T, D]
    const [expertCount = 0, width = 0] = this.expert_vectors.shape;
    return Array.from({ length: expertCount }, (_, e) => {
      const m = slice(this.expert_vectors, { axis: 0, start: e, end: e + 1 }); // [1, D]
      const scores = this.att2.forward(relu(this.att1.forward(multiply(f, m)))); // [B, T, 1]
      const attention = softmax(scores, { axis: 1, mask: isWord });
      return reshape(matmul(transposeLast(attention), f), [f.shape[0] ?? 0, width]);
    });
  }
}
