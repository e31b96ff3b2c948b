/** Reads a Hugging Face config.json of CLIP, SigLIP and DINOv2. Files leave out what has its default. */
import { join } from "node:path";
import { z } from "zod";
import { WeightsError } from "../../errors.js";
import { checkJson, type JsonFault, readJsonSync } from "../../files/read-json.js";
import { type TextConfig, type TowersConfig, towerActivations, type VisionConfig } from "./tower-config.js";

export const configFile = "config.json";
export const maxConfigBytes = 2 ** 20;

/** Sizes far above any published tower's, far below what would not fit in memory by accident. */
export const sizes = {
  width: z.number().int().positive().max(16_384),
  layers: z.number().int().positive().max(256),
  heads: z.number().int().positive().max(256),
  px: z.number().int().positive().max(4096),
  tokens: z.number().int().positive().max(8192),
  vocabulary: z
    .number()
    .int()
    .positive()
    .max(2 ** 21),
} as const;

const activation = z.enum(towerActivations);
const epsilon = z.number().positive();

/** null is as good as absent. */
const towerSchema = z.object({
  hidden_size: sizes.width.nullish(),
  intermediate_size: sizes.width.nullish(),
  num_hidden_layers: sizes.layers.nullish(),
  num_attention_heads: sizes.heads.nullish(),
  hidden_act: activation.nullish(),
  layer_norm_eps: epsilon.nullish(),
  image_size: sizes.px.nullish(),
  patch_size: sizes.px.nullish(),
  num_channels: z.literal(3).nullish(),
  vision_use_head: z.boolean().nullish(),
  max_position_embeddings: sizes.tokens.nullish(),
  vocab_size: sizes.vocabulary.nullish(),
  projection_size: sizes.width.nullish(),
  projection_dim: sizes.width.nullish(),
  mlp_ratio: z.number().positive().max(64).nullish(),
  qkv_bias: z.boolean().nullish(),
  use_swiglu_ffn: z.boolean().nullish(),
  num_register_tokens: z.number().int().positive().max(1024).nullish(),
});
type Tower = z.infer<typeof towerSchema>;

const modelTypes = [
  "clip",
  "clip_vision_model",
  "clip_text_model",
  "siglip",
  "siglip_vision_model",
  "siglip_text_model",
  "dinov2",
  "dinov2_with_registers",
] as const;

const schema = towerSchema.extend({
  model_type: z.enum(modelTypes),
  vision_config: towerSchema.nullish(),
  text_config: towerSchema.nullish(),
  vision_config_dict: towerSchema.nullish(),
  text_config_dict: towerSchema.nullish(),
});
type Config = z.infer<typeof schema>;

/** What is refused before anything else is looked at. */
const outerSchema = z.object({
  model_type: z.string().nullish(),
  quantization_config: z.looseObject({ quant_method: z.string().nullish() }).nullish(),
});

/** @throws WeightsError when the file is missing or wrong, or is of a family that is not read. */
export function readHuggingFaceConfig(folder: string): TowersConfig {
  const file = join(folder, configFile);
  const value = readJsonSync(file, z.unknown(), (fault) => refuseConfig(file, fault), {
    maxBytes: maxConfigBytes,
  });
  return parseHuggingFaceConfig(value, file);
}

/** As `readHuggingFaceConfig`, of a value that was parsed before. @param where names it in errors. */
export function parseHuggingFaceConfig(value: unknown, where: string): TowersConfig {
  const outer = checkJson(value, outerSchema, (fault) => refuseConfig(where, fault));
  refuseFamily(outer, where);
  const config = checkJson(value, schema, (fault) => refuseConfig(where, fault));
  const towers = towersOf(config);
  for (const tower of [towers.vision, towers.text]) {
    if (tower && tower.width % tower.heads !== 0) {
      throw new WeightsError(
        `${where}: the attention heads must divide the width; got ${tower.heads} heads, width ${tower.width}`,
      );
    }
  }
  return towers;
}

/** What every wrong configuration is answered with. */
export function refuseConfig(where: string, { kind, got, cause }: JsonFault): never {
  const reason = kind === "missing" ? "there is no such file" : `cannot be used; got ${got}`;
  throw new WeightsError(
    `${where}: ${reason}; give the folder of a CLIP, SigLIP or DINOv2 model as it is downloaded`,
    { cause },
  );
}

function refuseFamily(
  { model_type: type, quantization_config: quantised }: z.infer<typeof outerSchema>,
  where: string,
): void {
  if (quantised) {
    throw new WeightsError(
      `${where}: quantised weights are not read; got ${quantised.quant_method ?? "an unnamed method"}; ` +
        "give the model in float32, float16 or bfloat16",
    );
  }
  if (type === "siglip2" || type === "siglip2_vision_model" || type === "siglip2_text_model") {
    throw new WeightsError(
      `${where}: SigLIP 2 of any picture size (NaFlex) is not read; got model_type ${JSON.stringify(type)}; ` +
        "give one of a fixed size: its name ends in the patch and the size, such as patch16-224",
    );
  }
  if (!modelTypes.some((known) => known === type)) {
    throw new WeightsError(
      `${where}: model_type must be one of ${modelTypes.join(", ")}; got ${JSON.stringify(type ?? null)}; ` +
        "an encoder of another family can be used as an ONNX file",
    );
  }
}

function towersOf(config: Config): TowersConfig {
  const { model_type: type } = config;
  // Old files state both towers twice, and the second statement, with its own defaults, is what counts.
  const vision = config.vision_config_dict ?? config.vision_config ?? {};
  const text = config.text_config_dict ?? config.text_config ?? {};
  const one = { hasScale: false, hasBias: false } as const;
  if (type === "clip") {
    const joint = config.projection_dim ?? 512;
    const towers = { vision: clipVision(vision, joint), text: clipText(text, joint) };
    return { family: "clip", ...towers, hasScale: true, hasBias: false };
  }
  if (type === "siglip")
    return {
      family: "siglip",
      vision: siglipVision(vision),
      text: siglipText(text),
      hasScale: true,
      hasBias: true,
    };
  const joint = config.projection_dim ?? 512;
  if (type === "clip_vision_model") return { family: "clip", vision: clipVision(config, joint), ...one };
  if (type === "clip_text_model") return { family: "clip", text: clipText(config, joint), ...one };
  if (type === "siglip_vision_model") return { family: "siglip", vision: siglipVision(config), ...one };
  if (type === "siglip_text_model") return { family: "siglip", text: siglipText(config), ...one };
  const registers = type === "dinov2" ? 0 : (config.num_register_tokens ?? 4);
  return { family: "dinov2", vision: dinoVision(config, registers), ...one };
}

const plainBlock = { hasLayerScale: false, hasAttentionBias: true } as const;

function clipVision(tower: Tower, projectionDim: number): VisionConfig {
  return {
    ...plainBlock,
    width: tower.hidden_size ?? 768,
    feedForward: tower.intermediate_size ?? 3072,
    layers: tower.num_hidden_layers ?? 12,
    heads: tower.num_attention_heads ?? 12,
    activation: tower.hidden_act ?? "quick_gelu",
    epsilon: tower.layer_norm_eps ?? 1e-5,
    imagePx: tower.image_size ?? 224,
    patchPx: tower.patch_size ?? 32,
    ...clipPictures,
    projectionDim,
  };
}

/** What every image tower of CLIP has. */
export const clipPictures = {
  hasPatchBias: false,
  hasClassToken: true,
  registerCount: 0,
  hasPreNorm: true,
  areTokensNormed: false,
  pooling: "class",
  positions: "bicubic",
} as const;

function clipText(tower: Tower, projectionDim: number): TextConfig {
  return {
    ...plainBlock,
    width: tower.hidden_size ?? 512,
    feedForward: tower.intermediate_size ?? 2048,
    layers: tower.num_hidden_layers ?? 12,
    heads: tower.num_attention_heads ?? 8,
    activation: tower.hidden_act ?? "quick_gelu",
    epsilon: tower.layer_norm_eps ?? 1e-5,
    maxTokens: tower.max_position_embeddings ?? 77,
    vocabularySize: tower.vocab_size ?? 49_408,
    isCausal: true,
    pooling: "end",
    projectionDim,
    hasProjectionBias: false,
  };
}

function siglipVision(tower: Tower): VisionConfig {
  return {
    ...plainBlock,
    width: tower.hidden_size ?? 768,
    feedForward: tower.intermediate_size ?? 3072,
    layers: tower.num_hidden_layers ?? 12,
    heads: tower.num_attention_heads ?? 12,
    activation: tower.hidden_act ?? "gelu_pytorch_tanh",
    epsilon: tower.layer_norm_eps ?? 1e-6,
    imagePx: tower.image_size ?? 224,
    patchPx: tower.patch_size ?? 16,
    ...siglipPictures,
  };
}

/** What every image tower of SigLIP has. */
export const siglipPictures = {
  hasPatchBias: true,
  hasClassToken: false,
  registerCount: 0,
  hasPreNorm: false,
  areTokensNormed: true,
  pooling: "attention",
  positions: "bicubic",
  projectionDim: undefined,
} as const;

function siglipText(tower: Tower): TextConfig {
  const width = tower.hidden_size ?? 768;
  return {
    ...plainBlock,
    width,
    feedForward: tower.intermediate_size ?? 3072,
    layers: tower.num_hidden_layers ?? 12,
    heads: tower.num_attention_heads ?? 12,
    activation: tower.hidden_act ?? "gelu_pytorch_tanh",
    epsilon: tower.layer_norm_eps ?? 1e-6,
    maxTokens: tower.max_position_embeddings ?? 64,
    vocabularySize: tower.vocab_size ?? 32_000,
    isCausal: false,
    pooling: "last",
    projectionDim: tower.projection_size ?? width,
    hasProjectionBias: true,
  };
}

function dinoVision(tower: Tower, registerCount: number): VisionConfig {
  const width = tower.hidden_size ?? 768;
  const inner = Math.trunc(width * (tower.mlp_ratio ?? 4));
  const isGated = tower.use_swiglu_ffn ?? false;
  return {
    hasLayerScale: true,
    hasAttentionBias: tower.qkv_bias ?? true,
    width,
    // A gated layer has two halves; their width is a multiple of 8.
    feedForward: isGated ? Math.ceil(Math.trunc((inner * 2) / 3) / 8) * 8 : inner,
    layers: tower.num_hidden_layers ?? 12,
    heads: tower.num_attention_heads ?? 12,
    activation: isGated ? "swiglu" : (tower.hidden_act ?? "gelu"),
    epsilon: tower.layer_norm_eps ?? 1e-6,
    imagePx: tower.image_size ?? 224,
    patchPx: tower.patch_size ?? 14,
    hasPatchBias: true,
    hasClassToken: true,
    registerCount,
    hasPreNorm: false,
    areTokensNormed: true,
    pooling: "class",
    positions: registerCount > 0 ? "antialiased" : "bicubic",
    projectionDim: undefined,
  };
}
