/**
 * Golden file of FiLM as nashory/rtic-gcn-pytorch 75c3a6d has it: x [B, N, D], N a square, s [B, D] -> q [B, D]. Its 1x1
 * convolution is padded by 1, so that the map grows by a ring of ReLU(bias) a block: a slip that the project's model does not
 * have. What is compared here are the layers that it does have, put together that way.
 */
import { z } from "zod";
import { add, multiply } from "../../engine/ops/arithmetic.js";
import { relu } from "../../engine/ops/elementwise.js";
import { mean } from "../../engine/ops/reduce.js";
import { pad } from "../../engine/ops/shape.js";
import type { Random } from "../../engine/tensor/random.js";
import { channelsOf } from "../../models/baselines/film.js";
import { type Composition, CompositionModel } from "../../models/composition-model.js";
import type { EncoderConfig } from "../../models/encoder-config.js";
import type { ImageFeatures } from "../../models/image-encoder.js";
import { defineModel } from "../../models/model-definition.js";
import { mapOfRegions, type Regions, regionsOfMap } from "../../models/region-map.js";
import type { TextFeatures } from "../../models/text-encoder.js";
import { BatchNorm2d } from "../../nn/batch-norm2d.js";
import { Conv2d } from "../../nn/conv2d.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { Linear } from "../../nn/linear.js";
import { Module } from "../../nn/module.js";
import { imageOf, methodCase } from "../method-case.js";
import { blockCount } from "./block-count.js";

class PaddedBlock extends Module {
  readonly project: Linear;
  readonly conv: Conv2d;
  readonly norm: BatchNorm2d;

  constructor(width: number, random: Random) {
    super();
    this.project = new Linear(width, width, random);
    this.conv = new Conv2d(width, width, random, { kernel: 3, padding: 1, bias: false });
    this.norm = new BatchNorm2d(width, { affine: false });
  }

  /** [B, h · w, D] -> [B, (h + 2) · (w + 2), D] */
  grown(x: Regions): Regions {
    const wide = pad(mapOfRegions(x), { axis: 3, before: 1, after: 1 });
    const padded = regionsOfMap(pad(wide, { axis: 2, before: 1, after: 1 }));
    return { ...padded, regions: relu(this.project.forward(padded.regions)) };
  }
}

/** gamma has no 1 added, and there are no coordinates. */
class FilmRtic extends CompositionModel {
  readonly film: Linear;
  readonly blocks: readonly PaddedBlock[];

  constructor(config: EncoderConfig & { readonly blocks: number }, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random);
    const { embedDim, blocks } = config;
    this.film = new Linear(embedDim, 2 * embedDim * blocks, random);
    this.blocks = Array.from({ length: blocks }, () => new PaddedBlock(embedDim, random));
  }

  compose(reference: ImageFeatures, { sentence }: TextFeatures, pass: ForwardPass): Composition {
    const modulation = this.film.forward(sentence);
    let x: Regions = reference;
    for (const [layer, block] of this.blocks.entries()) {
      const [gamma, beta] = channelsOf(modulation, { layer, width: x.regions.dim(2) });
      const y = block.grown(x);
      const normed = regionsOfMap(block.norm.forward(block.conv.forward(mapOfRegions(y)), pass));
      x = { ...y, regions: add(y.regions, relu(add(multiply(normed.regions, gamma), beta))) };
    }
    return { q: mean(x.regions, { axes: [1] }) };
  }
}

export const filmRticCase = methodCase<FilmRtic>({
  model: defineModel({ name: "film-rtic", fields: { blocks: z.int() }, modelClass: FilmRtic }),
  fields: (comparison) => ({
    embedDim: comparison.dim("input/x", 2),
    blocks: blockCount(comparison, "blocks"),
  }),
  outputs: (model, inputs, pass) => ({
    q: model.compose(imageOf(inputs.value("x")), inputs.text(), pass).q,
  }),
});
