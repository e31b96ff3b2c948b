/** Reads open_clip_config.json: CLIP and SigLIP as open_clip exports them. */
import { join } from "node:path";
import { z } from "zod";
import { WeightsError } from "../../errors.js";
import { checkJson, readJsonSync } from "../../files/read-json.js";
import { clipPictures, maxConfigBytes, refuseConfig, siglipPictures, sizes } from "./hugging-face-config.js";
import type { TextConfig, TowersConfig, towerActivations, VisionConfig } from "./tower-config.js";

export const openClipConfigFile = "open_clip_config.json";

const ratio = z.number().positive().max(64);
const activationOptions = z.strictObject({ approximate: z.enum(["tanh", "none"]) });
const normOptions = z.strictObject({ eps: z.number().positive() });

const visionSchema = z.object({
  image_size: sizes.px,
  // A list is a ResNet's.
  layers: sizes.layers.optional(),
  width: sizes.width.optional(),
  head_width: sizes.width.default(64),
  patch_size: sizes.px.optional(),
  mlp_ratio: ratio.default(4),
  timm_model_name: z.string().optional(),
  timm_pool: z.literal("map").optional(),
  timm_proj: z.literal("none").optional(),
  act_kwargs: activationOptions.optional(),
});
const textSchema = z.object({
  context_length: sizes.tokens.default(77),
  vocab_size: sizes.vocabulary.default(49_408),
  width: sizes.width,
  heads: sizes.heads,
  layers: sizes.layers,
  mlp_ratio: ratio.default(4),
  no_causal_mask: z.boolean().default(false),
  proj_bias: z.boolean().default(false),
  pool_type: z.enum(["argmax", "last"]).default("argmax"),
  norm_kwargs: normOptions.optional(),
  act_kwargs: activationOptions.optional(),
  // A tower of another library.
  hf_model_name: z.undefined().optional(),
});
const modelSchema = z.object({
  embed_dim: sizes.width,
  quick_gelu: z.boolean().default(false),
  vision_cfg: visionSchema,
  text_cfg: textSchema,
});
const schema = z.object({ model_cfg: modelSchema });
type Model = z.infer<typeof modelSchema>;

/** What a file leaves to the name of a model of timm. */
export interface TimmSizes {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly feedForward: number;
  readonly patchPx: number;
}

const timmWidths = {
  base: { width: 768, layers: 12, heads: 12, feedForward: 3072 },
  large: { width: 1024, layers: 24, heads: 16, feedForward: 4096 },
  so400m: { width: 1152, layers: 27, heads: 16, feedForward: 4304 },
} as const;

/** @throws WeightsError when the file is missing or wrong, or describes another kind of tower. */
export function readOpenClipConfig(folder: string): TowersConfig {
  const file = join(folder, openClipConfigFile);
  const value = readJsonSync(file, z.unknown(), (fault) => refuseConfig(file, fault), {
    maxBytes: maxConfigBytes,
  });
  return parseOpenClipConfig(value, file);
}

/** As `readOpenClipConfig`. @param timm the sizes of a trunk whose name is not known here. */
export function parseOpenClipConfig(value: unknown, where: string, timm?: TimmSizes): TowersConfig {
  const { model_cfg: model } = checkJson(value, schema, (fault) => refuseConfig(where, fault));
  const { timm_model_name: name } = model.vision_cfg;
  const isSiglip = name !== undefined;
  return {
    family: isSiglip ? "siglip" : "clip",
    vision: isSiglip ? siglipVision(model, timm ?? timmSizes(name, where)) : clipVision(model, where),
    text: textOf(model, isSiglip),
    hasScale: true,
    hasBias: isSiglip,
  };
}

function timmSizes(name: string, where: string): TimmSizes {
  const [, size = "", patch = ""] = /^vit_(base|large|so400m)_patch(\d+)_siglip_\d+$/.exec(name) ?? [];
  if (!(size in timmWidths)) {
    throw new WeightsError(
      `${where}: timm_model_name must be a SigLIP tower, such as vit_base_patch16_siglip_224; got ${JSON.stringify(name)}; ` +
        "another tower can be used as an ONNX file",
    );
  }
  return { ...timmWidths[size as keyof typeof timmWidths], patchPx: Number(patch) };
}

/** Exact gelu unless the file says otherwise: timm's towers and open_clip's own have it. */
function activationOf(
  { quick_gelu: isQuick }: Model,
  options: z.infer<typeof activationOptions> | undefined,
): (typeof towerActivations)[number] {
  if (isQuick) return "quick_gelu";
  return options?.approximate === "tanh" ? "gelu_pytorch_tanh" : "gelu";
}

const plainBlock = { hasLayerScale: false, hasAttentionBias: true } as const;

function clipVision(model: Model, where: string): VisionConfig {
  const { width, layers, patch_size: patchPx, head_width: headWidth, ...tower } = model.vision_cfg;
  if (width === undefined || layers === undefined || patchPx === undefined || width % headWidth !== 0) {
    throw new WeightsError(
      `${where}: vision_cfg must state layers, patch_size and a width that head_width divides; ` +
        `got ${JSON.stringify(model.vision_cfg)}`,
    );
  }
  return {
    ...plainBlock,
    ...clipPictures,
    width,
    layers,
    heads: width / headWidth,
    feedForward: Math.trunc(width * tower.mlp_ratio),
    activation: activationOf(model, tower.act_kwargs),
    epsilon: 1e-5,
    imagePx: tower.image_size,
    patchPx,
    projectionDim: model.embed_dim,
  };
}

function siglipVision(model: Model, timm: TimmSizes): VisionConfig {
  return {
    ...plainBlock,
    ...siglipPictures,
    ...timm,
    activation: activationOf(model, model.vision_cfg.act_kwargs),
    epsilon: 1e-6,
    imagePx: model.vision_cfg.image_size,
  };
}

function textOf(model: Model, isSiglip: boolean): TextConfig {
  const text = model.text_cfg;
  return {
    ...plainBlock,
    width: text.width,
    layers: text.layers,
    heads: text.heads,
    feedForward: Math.trunc(text.width * text.mlp_ratio),
    activation: activationOf(model, text.act_kwargs),
    epsilon: text.norm_kwargs?.eps ?? (isSiglip ? 1e-6 : 1e-5),
    maxTokens: text.context_length,
    vocabularySize: text.vocab_size,
    isCausal: !text.no_causal_mask,
    pooling: text.pool_type === "last" ? "last" : "end",
    projectionDim: model.embed_dim,
    hasProjectionBias: text.proj_bias,
  };
}
