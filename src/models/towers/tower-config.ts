/** What a pretrained tower is made of, whichever file said so. */
import { WeightsError } from "../../errors.js";

export type TowerFamily = "clip" | "siglip" | "dinov2";

/** Names of activations as configurations have them; they differ, and are never swapped. */
export const towerActivations = ["quick_gelu", "gelu", "gelu_pytorch_tanh"] as const;
export type TowerActivation = (typeof towerActivations)[number];

/** What the blocks of a tower share. */
export interface BlockConfig {
  /** C */
  readonly width: number;
  readonly heads: number;
  /** Width between the two layers of a block's MLP; of a SwiGLU, of each half. */
  readonly feedForward: number;
  /** "swiglu": silu(first half) · second half. */
  readonly activation: TowerActivation | "swiglu";
  readonly epsilon: number;
  /** A learned factor for each channel of both branches. */
  readonly hasLayerScale: boolean;
  readonly hasAttentionBias: boolean;
}

export interface VisionConfig extends BlockConfig {
  readonly layers: number;
  /** The picture's side that the table of positions was made for. */
  readonly imagePx: number;
  readonly patchPx: number;
  readonly hasPatchBias: boolean;
  readonly hasClassToken: boolean;
  readonly registerCount: number;
  /** A norm before the first block. */
  readonly hasPreNorm: boolean;
  /** Is the last norm part of `last_hidden_state`? CLIP has it on the class token only. */
  readonly areTokensNormed: boolean;
  /** How the picture's vector comes about: the class token, or a learned query over all patches. */
  readonly pooling: "class" | "attention";
  /** How the table of positions is resized. */
  readonly positions: "bicubic" | "antialiased";
  /** Width of the joint space; undefined where the pooled vector is the picture's. */
  readonly projectionDim: number | undefined;
}

export interface TextConfig extends BlockConfig {
  readonly layers: number;
  /** Rows of the table of positions. */
  readonly maxTokens: number;
  readonly vocabularySize: number;
  /** Place i sees places 0 to i. */
  readonly isCausal: boolean;
  /** Which place says what the whole text says: the end token's, or the last one, padding or not. */
  readonly pooling: "end" | "last";
  /** Width of the joint space; undefined where the pooled vector is the text's. */
  readonly projectionDim: number | undefined;
  readonly hasProjectionBias: boolean;
}

/** A model of one tower or two. */
export interface TowersConfig {
  readonly family: TowerFamily;
  readonly vision?: VisionConfig | undefined;
  readonly text?: TextConfig | undefined;
  /** Whether the similarity of the two has a learned scale, and a learned bias. */
  readonly hasScale: boolean;
  readonly hasBias: boolean;
}

/** Positions along one side of a picture; what lies beyond the last whole patch is dropped. */
export function patchesAlong({ patchPx }: Pick<VisionConfig, "patchPx">, px: number): number {
  return Math.floor(px / patchPx);
}

/** The image tower. @throws WeightsError where there is none. */
export function requireVision({ vision, family }: TowersConfig, where: string): VisionConfig {
  if (vision) return vision;
  throw new WeightsError(
    `${where}: has no image tower; got the text tower of ${family} alone; give a folder with both towers, ` +
      "or one whose model_type ends in vision_model",
  );
}

/** The text tower. @throws WeightsError where there is none. */
export function requireText({ text, family }: TowersConfig, where: string): TextConfig {
  if (text) return text;
  const nextStep =
    family === "dinov2"
      ? "DINOv2 reads no text: pair it with another text encoder"
      : "give a folder with both towers, or one whose model_type ends in text_model";
  throw new WeightsError(`${where}: has no text tower; got the image tower of ${family} alone; ${nextStep}`);
}

/**
 * The size that the tower was made for always fits, whole patches or not (384 px of 14 are published).
 * @throws WeightsError for another side that is no multiple of the patch.
 */
export function requirePictureSize(vision: VisionConfig, px: number, where: string): void {
  const { imagePx, patchPx } = vision;
  if (px === imagePx || (px > 0 && px % patchPx === 0)) return;
  const [below, above] = [patchesAlong(vision, px) * patchPx, (patchesAlong(vision, px) + 1) * patchPx];
  const nearest = below > 0 ? `${below} or ${above}` : `${above}`;
  throw new WeightsError(
    `${where}: a picture's side must be a multiple of the patch, ${patchPx} px; got ${px}; ` +
      `use ${nearest}, or ${imagePx}, which the tower was made for`,
  );
}
