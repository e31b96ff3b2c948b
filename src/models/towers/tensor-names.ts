/** Names of a tower's tensors in published files: Hugging Face's, DINOv2's, open_clip's, for each name of ours. */

import type { TowersConfig } from "./tower-config.js";

/** Who wrote a file. */
export type NameForm = "huggingFace" | "dinov2" | "openClip" | "openClipCustomText" | "openClipTimm";

/** Where the values of a parameter of ours are. */
export interface TensorPlace {
  /** The tensor's name in the file. */
  readonly name: string;
  /** The file has the matrix turned: x · W instead of x · Wᵀ. */
  readonly isTransposed: boolean;
  /** The file has `count` of ours in one tensor, one below the other. */
  readonly part?: { readonly index: number; readonly count: number } | undefined;
}

interface Rule {
  /** Of our name. */
  readonly pattern: RegExp;
  /** The file's name, as a replacement of the match. */
  readonly to: string;
  readonly isTransposed?: boolean;
  readonly part?: TensorPlace["part"];
}

/** Three layers that a file keeps as one. */
function packed(pattern: string, to: string, names: readonly string[]): Rule[] {
  return names.map((name, index) => ({
    pattern: new RegExp(`${pattern}\\.${name}\\.(weight|bias)$`),
    to,
    part: { index, count: names.length },
  }));
}

const rule = (pattern: RegExp, to: string): Rule => ({ pattern, to });
const attention = ["query", "key", "value"] as const;
const scales = [rule(/^logit_(scale|bias)$/, "logit_$1")];

const huggingFace: readonly Rule[] = [
  rule(/^(vision|text)\.blocks\.(\d+)\.norm(\d)\./, "$1_model.encoder.layers.$2.layer_norm$3."),
  ...attention.map((name) =>
    rule(
      new RegExp(`^(vision|text)\\.blocks\\.(\\d+)\\.attention\\.${name}\\.`),
      `$1_model.encoder.layers.$2.self_attn.${name.charAt(0)}_proj.`,
    ),
  ),
  rule(/^(vision|text)\.blocks\.(\d+)\.attention\.out\./, "$1_model.encoder.layers.$2.self_attn.out_proj."),
  rule(/^(vision|text)\.blocks\.(\d+)\.mlp\./, "$1_model.encoder.layers.$2.mlp."),
  rule(/^(vision|text)\.position_embedding$/, "$1_model.embeddings.position_embedding.weight"),
  rule(/^text\.token_embedding$/, "text_model.embeddings.token_embedding.weight"),
  rule(/^vision\.(patch|class)_embedding/, "vision_model.embeddings.$1_embedding"),
  rule(/^vision\.pre_norm\./, "vision_model.pre_layrnorm."),
  rule(/^vision\.norm\./, "vision_model.post_layernorm."),
  rule(/^text\.norm\./, "text_model.final_layer_norm."),
  ...packed("^vision\\.head\\.attention", "vision_model.head.attention.in_proj_$1", attention),
  rule(/^vision\.head\.attention\.out\./, "vision_model.head.attention.out_proj."),
  rule(/^vision\.head\.norm\./, "vision_model.head.layernorm."),
  rule(/^vision\.head\./, "vision_model.head."),
  rule(/^vision\.projection\./, "visual_projection."),
  ...scales,
];

const dinov2: readonly Rule[] = [
  rule(/^vision\.blocks\.(\d+)\.norm(\d)\./, "encoder.layer.$1.norm$2."),
  rule(/^vision\.blocks\.(\d+)\.attention\.out\./, "encoder.layer.$1.attention.output.dense."),
  rule(/^vision\.blocks\.(\d+)\.attention\./, "encoder.layer.$1.attention.attention."),
  rule(/^vision\.blocks\.(\d+)\.scale(\d)$/, "encoder.layer.$1.layer_scale$2.lambda1"),
  rule(/^vision\.blocks\.(\d+)\.mlp\./, "encoder.layer.$1.mlp."),
  rule(/^vision\.patch_embedding\./, "embeddings.patch_embeddings.projection."),
  rule(/^vision\.class_embedding$/, "embeddings.cls_token"),
  rule(/^vision\.position_embedding$/, "embeddings.position_embeddings"),
  rule(/^vision\.register_tokens$/, "embeddings.register_tokens"),
  rule(/^vision\.norm\./, "layernorm."),
];

/** open_clip's own transformer. @param from of our names, @param to of the file's. */
function openClipBlocks(from: string, to: string): Rule[] {
  const block = `^${from}\\.blocks\\.(\\d+)`;
  return [
    { pattern: new RegExp(`${block}\\.norm(\\d)\\.`), to: `${to}transformer.resblocks.$1.ln_$2.` },
    ...attention.map((name, index) => ({
      pattern: new RegExp(`${block}\\.attention\\.${name}\\.(weight|bias)$`),
      to: `${to}transformer.resblocks.$1.attn.in_proj_$2`,
      part: { index, count: attention.length },
    })),
    {
      pattern: new RegExp(`${block}\\.attention\\.out\\.`),
      to: `${to}transformer.resblocks.$1.attn.out_proj.`,
    },
    { pattern: new RegExp(`${block}\\.mlp\\.fc1\\.`), to: `${to}transformer.resblocks.$1.mlp.c_fc.` },
    { pattern: new RegExp(`${block}\\.mlp\\.fc2\\.`), to: `${to}transformer.resblocks.$1.mlp.c_proj.` },
  ];
}

/** @param at where the text tower's names begin: "" or "text.". */
function openClipText(at: string): Rule[] {
  return [
    ...openClipBlocks("text", at),
    rule(/^text\.token_embedding$/, `${at}token_embedding.weight`),
    rule(/^text\.position_embedding$/, `${at}positional_embedding`),
    rule(/^text\.norm\./, `${at}ln_final.`),
  ];
}

const openClipPictures: readonly Rule[] = [
  ...openClipBlocks("vision", "visual."),
  rule(/^vision\.patch_embedding\./, "visual.conv1."),
  rule(/^vision\.class_embedding$/, "visual.class_embedding"),
  rule(/^vision\.position_embedding$/, "visual.positional_embedding"),
  rule(/^vision\.pre_norm\./, "visual.ln_pre."),
  rule(/^vision\.norm\./, "visual.ln_post."),
  { pattern: /^vision\.projection\.weight$/, to: "visual.proj", isTransposed: true },
];

const turnedTextProjection = (at: string): Rule => ({
  pattern: /^text\.projection\.weight$/,
  to: `${at}text_projection`,
  isTransposed: true,
});

const timmPictures: readonly Rule[] = [
  rule(/^vision\.blocks\.(\d+)\.norm(\d)\./, "visual.trunk.blocks.$1.norm$2."),
  ...attention.map((name, index) => ({
    pattern: new RegExp(`^vision\\.blocks\\.(\\d+)\\.attention\\.${name}\\.(weight|bias)$`),
    to: "visual.trunk.blocks.$1.attn.qkv.$2",
    part: { index, count: attention.length },
  })),
  rule(/^vision\.blocks\.(\d+)\.attention\.out\./, "visual.trunk.blocks.$1.attn.proj."),
  rule(/^vision\.blocks\.(\d+)\.mlp\./, "visual.trunk.blocks.$1.mlp."),
  rule(/^vision\.patch_embedding\./, "visual.trunk.patch_embed.proj."),
  rule(/^vision\.position_embedding$/, "visual.trunk.pos_embed"),
  rule(/^vision\.norm\./, "visual.trunk.norm."),
  rule(/^vision\.head\.probe$/, "visual.trunk.attn_pool.latent"),
  rule(/^vision\.head\.attention\.query\./, "visual.trunk.attn_pool.q."),
  ...packed("^vision\\.head\\.attention", "visual.trunk.attn_pool.kv.$1", ["key", "value"]),
  rule(/^vision\.head\.attention\.out\./, "visual.trunk.attn_pool.proj."),
  rule(/^vision\.head\./, "visual.trunk.attn_pool."),
];

const rules: Readonly<Record<NameForm, readonly Rule[]>> = {
  huggingFace,
  dinov2,
  openClip: [...openClipPictures, ...openClipText(""), turnedTextProjection(""), ...scales],
  openClipCustomText: [
    ...openClipPictures,
    ...openClipText("text."),
    turnedTextProjection("text."),
    ...scales,
  ],
  openClipTimm: [
    ...timmPictures,
    ...openClipText("text."),
    rule(/^text\.projection\./, "text.text_projection."),
    ...scales,
  ],
};

/** What stands before all names in a file of a wrapper. */
const wrapper = /^(?:model|dinov2)\./;

/** A file's name without what a wrapper put before it. */
export function withoutWrapper(name: string): string {
  return name.replace(wrapper, "");
}

/** Who wrote these names. */
export function nameFormOf(names: Iterable<string>): NameForm {
  const bare = [...names].map(withoutWrapper);
  if (bare.some((name) => name.startsWith("visual.trunk."))) return "openClipTimm";
  if (bare.some((name) => name.startsWith("visual."))) {
    return bare.some((name) => name.startsWith("text.")) ? "openClipCustomText" : "openClip";
  }
  return bare.some((name) => name.startsWith("embeddings.cls_token")) ? "dinov2" : "huggingFace";
}

/** What a file calls otherwise in one family than in another. */
function ownRules({ family, vision }: TowersConfig, form: NameForm): readonly Rule[] {
  if (form === "dinov2" && vision?.activation === "swiglu") return gatedLayers;
  if (form !== "huggingFace") return [];
  return [rule(/^text\.projection\./, family === "siglip" ? "text_model.head." : "text_projection.")];
}

const gatedLayers: readonly Rule[] = [
  rule(/^vision\.blocks\.(\d+)\.mlp\.fc1\./, "encoder.layer.$1.mlp.weights_in."),
  rule(/^vision\.blocks\.(\d+)\.mlp\.fc2\./, "encoder.layer.$1.mlp.weights_out."),
];

/** Where a parameter of ours is in a file of this form. */
export function placeOf(own: string, form: NameForm, config: TowersConfig): TensorPlace {
  const found = [...ownRules(config, form), ...rules[form]].find(({ pattern }) => pattern.test(own));
  if (!found) return { name: own, isTransposed: false };
  const name = own.replace(found.pattern, found.to);
  return { name, isTransposed: found.isTransposed ?? false, part: found.part };
}

/** Tensors that towers do not need: counters of old files, DINOv2's mask of training and its classifier. */
const ignored = /(?:^|\.)position_ids$|^embeddings\.mask_token$|^classifier\./;

export function isIgnored(name: string): boolean {
  return ignored.test(name);
}

/** Which tower a file's tensor belongs to; undefined for what belongs to both: scale and bias. */
export function towerOf(name: string, form: NameForm): "vision" | "text" | undefined {
  if (/^logit_(scale|bias)$/.test(name)) return undefined;
  if (form === "dinov2") return "vision";
  return /^(vision_model|visual_projection|visual)\b/.test(name) ? "vision" : "text";
}
