/** Golden files of single layers and of the text encoder. */

import { not } from "../engine/ops/comparison.js";
import { Random } from "../engine/tensor/random.js";
import { encoderSchema } from "../models/encoder-config.js";
import { LstmTextEncoder } from "../models/text-encoders/lstm.js";
import { LayerNorm } from "../nn/layer-norm.js";
import { MultiHeadAttention } from "../nn/multi-head-attention.js";
import type { GoldenComparison } from "./golden-comparison.js";
import { runModuleCase } from "./module-case.js";

/** Initial values, which the file's then replace. */
export const anyRandom = () => new Random(1);

/** x [..., D] -> y. */
export function layerNormCase(comparison: GoldenComparison): Promise<void> {
  const module = new LayerNorm(comparison.dim("param/weight", 0));
  return runModuleCase(comparison, {
    module,
    forward: (inputs) => ({ "output/y": module.forward(inputs.value("x")) }),
  });
}

/** query [B, N, D], key and value [B, T, D], pad_mask -> y [B, N, D]. */
export function attentionCase(comparison: GoldenComparison): Promise<void> {
  const width = comparison.dim("param/in_proj_weight", 1);
  const module = new MultiHeadAttention(width, comparison.number("heads"), anyRandom());
  return runModuleCase(comparison, {
    module,
    forward(inputs) {
      const [query, key, value] = [inputs.value("query"), inputs.value("key"), inputs.value("value")];
      const options = inputs.has("pad_mask") ? { keyMask: inputs.text().mask } : {};
      return { "output/y": module.forward({ query, key, value }, options).y };
    },
  });
}

/** tokens, lengths -> words [B, T, D], sentence [B, D], and the padding that `pad_mask` states. */
export function textEncoderCase(comparison: GoldenComparison): Promise<void> {
  const config = encoderSchema.parse({
    wordDim: comparison.dim("param/embedding.weight", 1),
    embedDim: comparison.dim("param/lstm.weight_hh_l0", 1),
  });
  const module = new LstmTextEncoder(config, comparison.dim("param/embedding.weight", 0), anyRandom());
  return runModuleCase(comparison, {
    module,
    forward(inputs) {
      const { words, sentence, mask } = module.forward(inputs.value("tokens"), inputs.value("lengths"));
      return { "output/words": words, "output/sentence": sentence, "input/pad_mask": not(mask) };
    },
  });
}
