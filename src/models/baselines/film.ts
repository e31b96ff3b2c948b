/** Baseline: FiLM. */
import { z } from "zod";
import type { Value } from "../../engine/graph/value.js";
import { add, multiply } from "../../engine/ops/arithmetic.js";
import { constant } from "../../engine/ops/constant.js";
import { relu } from "../../engine/ops/elementwise.js";
import { linear } from "../../engine/ops/linear.js";
import { mean } from "../../engine/ops/reduce.js";
import { expandDims, slice } from "../../engine/ops/shape.js";
import type { Random } from "../../engine/tensor/random.js";
import { float32 } from "../../engine/tensor/tensor.js";
import { BatchNorm2d } from "../../nn/batch-norm2d.js";
import { Conv2d } from "../../nn/conv2d.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { Linear } from "../../nn/linear.js";
import { Module } from "../../nn/module.js";
import { type Composition, CompositionModel } from "../composition-model.js";
import { encoderFields } from "../encoder-config.js";
import type { ImageFeatures } from "../image-encoder.js";
import { mapOfRegions, type Regions, regionsOfMap } from "../region-map.js";
import type { TextFeatures } from "../text-encoder.js";
import type { Grid } from "../window-mean.js";

export const filmSchema = z.strictObject({
  ...encoderFields,
  /** Residual blocks; the authors have 4. */
  blocks: z.int().min(1).max(16).default(4),
});

/** A complete configuration. */
export type FilmConfig = z.output<typeof filmSchema>;

/** What the text makes of a block's channels, each [B, 1, D]. */
interface Modulation {
  readonly gamma: Value;
  readonly beta: Value;
}

/** y = ReLU(project([X ; coordinates])), out = y + ReLU(gamma * BN(conv(y)) + beta). X [B, N, D] -> [B, N, D]. */
class FilmBlock extends Module {
  readonly project: Linear;
  readonly conv: Conv2d;
  readonly norm: BatchNorm2d;

  constructor(width: number, random: Random) {
    super();
    this.project = new Linear(width + 2, width, random);
    this.conv = new Conv2d(width, width, random, { kernel: 3, padding: 1 });
    this.norm = new BatchNorm2d(width, { affine: false });
  }

  forward(x: Regions, { gamma, beta }: Modulation, pass: ForwardPass): Regions {
    const y = { ...x, regions: relu(this.#projected(x)) };
    const normed = this.norm.forward(this.conv.forward(mapOfRegions(y)), pass); // [B, D, h, w]
    const modulated = add(multiply(regionsOfMap(normed).regions, gamma), beta); // [B, N, D]
    return { ...x, regions: add(y.regions, relu(modulated)) };
  }

  /** Coordinates are the same for every picture, so that their share is computed once for all of them. */
  #projected(x: Regions): Value {
    const { weight } = this.project;
    const width = x.regions.dim(2);
    const ofRegions = linear(x.regions, slice(weight, { axis: 1, start: 0, end: width }));
    const ofPlaces = linear(coordinates(x), slice(weight, { axis: 1, start: width, end: width + 2 }));
    return add(ofRegions, this.project.bias ? add(ofPlaces, this.project.bias) : ofPlaces);
  }
}

/**
 * Feature-wise linear modulation (Perez et al., AAAI 2018), residual blocks on the map of regions:
 *
 *   [gamma_l - 1 ; beta_l] for every block l = W · s + b
 *   Y = ReLU(P_l · [X_l ; column, row]),   X_(l+1) = Y + ReLU(gamma_l * BN(K_l ∗ Y) + beta_l)
 *   q = mean over regions of the last X
 *
 * X_0 [B, N, D], s [B, D] -> q [B, D]. K_l is a 3x3 convolution, BN has no parameters, coordinates run from -1 to 1. The block
 * is that of the authors' code (ethanjperez/film fe43ddf, their recipe for CLEVR); their stem, their
 * classifier and their optional dropout of channels are left out.
 * Choice: the mean over regions, as in the code for image retrieval (nashory/rtic-gcn-pytorch 75c3a6d).
 */
export class Film extends CompositionModel {
  readonly film: Linear;
  readonly blocks: readonly FilmBlock[];

  constructor(config: FilmConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random);
    const { embedDim, blocks } = config;
    this.film = new Linear(embedDim, 2 * embedDim * blocks, random);
    this.blocks = Array.from({ length: blocks }, () => new FilmBlock(embedDim, random));
  }

  compose(reference: ImageFeatures, { sentence }: TextFeatures, pass: ForwardPass): Composition {
    const { regions, rows, columns } = reference;
    const modulation = this.film.forward(sentence); // [B, 2DL]
    const last = this.blocks.reduce<Regions>(
      (x, block, l) => {
        const [raw, beta] = channelsOf(modulation, { layer: l, width: regions.dim(2) });
        return block.forward(x, { gamma: add(raw, 1), beta }, pass);
      },
      { regions, rows, columns },
    );
    return { q: mean(last.regions, { axes: [1] }) };
  }
}

/** Of all blocks' channels [B, 2DL], the two vectors of one block, each [B, 1, D]: by block gamma, then beta. */
export function channelsOf(
  modulation: Value,
  { layer, width }: { readonly layer: number; readonly width: number },
): readonly [gamma: Value, beta: Value] {
  const part = (index: number) =>
    expandDims(slice(modulation, { axis: 1, start: index * width, end: (index + 1) * width }), 1);
  return [part(2 * layer), part(2 * layer + 1)];
}

/** Column and row of every region, from -1 to 1 (a single one is at -1, as torch.linspace has it): [1, N, 2]. */
function coordinates({ rows, columns }: Grid): Value {
  const along = (index: number, count: number) => -1 + (2 * index) / Math.max(count - 1, 1);
  const places = Array.from({ length: rows * columns }, (_, n) => [
    along(n % columns, columns),
    along(Math.floor(n / columns), rows),
  ]);
  return constant(float32([1, rows * columns, 2], places.flat()));
}
