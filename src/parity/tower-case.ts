/** Golden files of pretrained towers, under the names of whoever published them. */
import { gradients } from "../engine/autodiff/gradients.js";
import type { Value } from "../engine/graph/value.js";
import { add, multiply, subtract } from "../engine/ops/arithmetic.js";
import { equal, less, where } from "../engine/ops/comparison.js";
import { cast, full, positions } from "../engine/ops/constant.js";
import { exp } from "../engine/ops/elementwise.js";
import { matmul } from "../engine/ops/matmul.js";
import { l2Normalise } from "../engine/ops/normalisation.js";
import { max } from "../engine/ops/reduce.js";
import { expandDims, transposeLast } from "../engine/ops/shape.js";
import { elementCount } from "../engine/tensor/shape.js";
import { float32, type Tensor } from "../engine/tensor/tensor.js";
import { parseHuggingFaceConfig } from "../models/towers/hugging-face-config.js";
import { parseOpenClipConfig } from "../models/towers/open-clip-config.js";
import { isIgnored, nameFormOf, placeOf, type TensorPlace, towerOf } from "../models/towers/tensor-names.js";
import type { TowerTexts } from "../models/towers/text-tower.js";
import type { TowersConfig } from "../models/towers/tower-config.js";
import { Towers, withoutAbsentProjection } from "../models/towers/towers.js";
import type { TowerPictures } from "../models/towers/vision-tower.js";
import { ForwardPass } from "../nn/forward-pass.js";
import type { GoldenComparison } from "./golden-comparison.js";
import { anyRandom } from "./layer-cases.js";
import { cotangentLoss, GraphInputs, summandNorm } from "./module-case.js";

/** The gradient of a key's bias is zero but for rounding, of about one unit of the largest gradient: 6e-8, here 1e-6 may be. */
const leastShareOfKeyBias = 1e-2;

/** Which place of a text is its end. */
type EndRule = { readonly kind: "largest" } | { readonly kind: "first"; readonly token: number };

/**
 * pixel_values and input_ids -> states, last_hidden_state, pooled and projected vectors, logits; and all gradients, each
 * compared under the file's name, in the file's layout. The metadata's `config` says what the towers are made of.
 */
export async function towerCase(comparison: GoldenComparison): Promise<void> {
  const parameters = comparison.parameters();
  const towers = new Towers(configOf(comparison, [...parameters.keys()]), anyRandom());
  towers.loadWeights(parameters, "param");

  const inputs = new GraphInputs(comparison, { hasSymbolicBatch: false });
  const outputs = outputsOf(towers, inputs, comparison, ForwardPass.training());
  const loss = cotangentLoss(comparison, outputs, inputs);
  const own = [...towers.state()].map(([name, value]) => ({
    place: placeOf(name, nameFormOf(parameters.keys()), towers.config),
    value,
  }));
  const pixels = inputs.has("pixel_values") ? [inputs.value("pixel_values")] : [];
  const found = gradients(loss, [...own.map(({ value }) => value), ...pixels]);
  const named = Object.fromEntries(found.map((value, i) => [`gradient ${i}`, value]));
  const values = await inputs.run({ ...outputs, ...named, loss }, "fed");
  compareOutputs(comparison, values);
  const ofParameter = (i: number) => values[`gradient ${i}`] ?? float32([0], []);
  compareGradients(
    comparison,
    own.map(({ place }, i) => ({ place, gradient: ofParameter(i) })),
  );
  if (pixels.length > 0)
    comparison.compare("grad/pixel_values", ofParameter(own.length), { family: "gradients" });
  if (values.loss) {
    const size = { summandNorm: summandNorm(comparison, "output/") };
    comparison.compare("output/loss", values.loss, { family: "towerOutputs", ...size });
  }

  const servingInputs = new GraphInputs(comparison, { hasSymbolicBatch: true });
  const serving = outputsOf(towers, servingInputs, comparison, ForwardPass.inference());
  compareOutputs(comparison, await servingInputs.run(serving, "baked"));
}

function configOf(comparison: GoldenComparison, names: readonly string[]): TowersConfig {
  const value: unknown = JSON.parse(comparison.text("config"));
  const isOpenClip = typeof value === "object" && value !== null && "model_cfg" in value;
  const whole = isOpenClip
    ? parseOpenClipConfig(value, "config", timmSizes(comparison))
    : parseHuggingFaceConfig(value, "config");
  const form = nameFormOf(names);
  const has = (tower: "vision" | "text") => names.some((name) => towerOf(name, form) === tower);
  const present = {
    ...whole,
    vision: has("vision") ? whole.vision : undefined,
    text: has("text") ? whole.text : undefined,
  };
  return withoutAbsentProjection(present, names);
}

/** Of a trunk whose name timm does not know. */
function timmSizes(comparison: GoldenComparison) {
  const stated = comparison.textOr("vision", undefined);
  if (stated === undefined) return undefined;
  const { width, layers, heads, patch_size: patchPx } = JSON.parse(stated) as Record<string, number>;
  const feedForward = comparison.dim("param/visual.trunk.blocks.0.mlp.fc1.weight", 0);
  return { width: width ?? 0, layers: layers ?? 0, heads: heads ?? 0, feedForward, patchPx: patchPx ?? 0 };
}

function outputsOf(
  { vision, text, config, logit_scale: scale, logit_bias: bias }: Towers,
  inputs: GraphInputs,
  comparison: GoldenComparison,
  pass: ForwardPass,
): Record<string, Value> {
  const pictures = vision?.forward(inputs.value("pixel_values"), pass);
  const lengths = () => textLengths(inputs.value("input_ids"), endRuleOf(comparison));
  const tokens = text && { tokens: inputs.value("input_ids"), lengths: lengths() };
  const texts = tokens && text.forward(tokens, pass);
  const masked =
    tokens && comparison.has("output/aux.last_hidden_state_masked")
      ? text.forward({ ...tokens, keyMask: attentionMask(inputs.value("attention_mask")) }, pass)
      : undefined;
  if (inputs.has("attention_mask")) comparison.use("input/attention_mask");
  const outputs: Record<string, Value> = {
    ...(pictures ? pictureOutputs(pictures, texts !== undefined) : {}),
    ...(texts ? textOutputs(texts, pictures !== undefined, config) : {}),
  };
  if (masked) {
    outputs["aux.last_hidden_state_masked"] = masked.words;
    outputs["aux.pooler_output_masked"] = masked.pooled;
  }
  if (pictures && texts && scale) {
    const [a, b] = [pictures.embedding, texts.embedding].map((x) => l2Normalise(x, { axis: 1 }));
    if (a && b) {
      const logits = multiply(matmul(a, transposeLast(b)), exp(scale));
      outputs.logits_per_image = bias ? add(logits, bias) : logits;
    }
  }
  return Object.fromEntries(
    Object.entries(outputs)
      .filter(([name]) => comparison.has(`output/${name}`))
      .map(([name, value]) => [`output/${name}`, value]),
  );
}

/** @param isUnit whether `image_embeds` are of unit length: in files of both towers. */
function pictureOutputs(
  { states, tokens, pooled, embedding }: TowerPictures,
  isUnit: boolean,
): Record<string, Value> {
  return {
    ...stateOutputs(states),
    last_hidden_state: tokens,
    pooler_output: pooled,
    image_features: embedding,
    "aux.image_features": embedding,
    image_embeds: isUnit ? l2Normalise(embedding, { axis: 1 }) : embedding,
  };
}

/** SigLIP's authors call the projected vector the pooled one. */
function textOutputs(
  { states, words, pooled, embedding }: TowerTexts,
  isUnit: boolean,
  { family }: TowersConfig,
): Record<string, Value> {
  return {
    ...stateOutputs(states),
    last_hidden_state: words,
    pooler_output: family === "siglip" ? embedding : pooled,
    text_features: embedding,
    "aux.text_features": embedding,
    text_embeds: isUnit ? l2Normalise(embedding, { axis: 1 }) : embedding,
  };
}

function stateOutputs(states: readonly Value[]): Record<string, Value> {
  return Object.fromEntries(states.map((state, i) => [`aux.hidden_states.${i}`, state]));
}

function attentionMask(mask: Value): Value {
  return less(full([], 0, "int64"), mask);
}

function endRuleOf(comparison: GoldenComparison): EndRule {
  const { text_config: text } = JSON.parse(comparison.text("config")) as {
    readonly text_config?: { readonly eos_token_id?: number | null };
  };
  if (text === undefined) return { kind: "largest" }; // open_clip's "argmax"
  const token = text.eos_token_id ?? 49_407;
  // Configurations of before mid-2023 state 2, which is an ordinary word.
  return token === 2 ? { kind: "largest" } : { kind: "first", token };
}

/** Places up to the first end token, that one included. tokens int64 [B, T] -> int64 [B]. */
function textLengths(tokens: Value, rule: EndRule): Value {
  const ids = cast(tokens, "float32");
  const isEnd =
    rule.kind === "largest"
      ? equal(ids, max(ids, { axes: [1], keepDims: true }))
      : equal(ids, full([], rule.token, "float32"));
  const T = tokens.dim(1);
  const toEnd = subtract(T, expandDims(cast(positions(tokens, 1), "float32"), 0)); // T, T - 1, ..., 1
  const first = max(where(isEnd, toEnd, full([], 0, "float32")), { axes: [1] });
  return cast(subtract(T + 1, first), "int64");
}

function compareOutputs(comparison: GoldenComparison, values: Readonly<Record<string, Tensor>>): void {
  for (const [key, value] of Object.entries(values)) {
    if (key.startsWith("output/")) comparison.compare(key, value, { family: "towerOutputs" });
  }
}

interface OwnGradient {
  readonly place: TensorPlace;
  readonly gradient: Tensor;
}

/** Puts ours together as the file has them. */
function compareGradients(comparison: GoldenComparison, own: readonly OwnGradient[]): void {
  for (const name of comparison.namesAfter("param/")) {
    const key = `grad/${name}`;
    const { shape } = comparison.peek(key);
    const parts = own
      .filter(({ place }) => place.name === name)
      .toSorted((a, b) => (a.place.part?.index ?? 0) - (b.place.part?.index ?? 0));
    if (parts.length === 0 && !isIgnored(name)) continue;
    const values = parts.flatMap(({ place, gradient }) => [...inFileOrder(place, gradient)]);
    const filled = parts.length === 0 ? new Float32Array(elementCount(shape)) : values;
    const leastShare = /\b(k_proj|key)\.bias$/.test(name) ? leastShareOfKeyBias : 0;
    comparison.compare(key, float32(shape, filled), { family: "gradients", leastShare });
  }
}

function inFileOrder({ isTransposed }: TensorPlace, { shape, data }: Tensor): Iterable<number> {
  const values = data as Float32Array;
  if (!isTransposed) return values;
  const [rows = 0, columns = 0] = shape;
  return Array.from(
    { length: values.length },
    (_, i) => values[(i % rows) * columns + Math.floor(i / rows)] ?? 0,
  );
}
