/** Configuration that every model shares: the two encoders and the similarity's scale. */
import { z } from "zod";
import { backboneNames } from "./backbones/registry.js";

/** Names of all text encoders. */
const textEncoderNames = ["lstm"] as const;

/**
 * Fields and defaults of the encoders. Those marked "choice" are this project's decision where the paper is silent
 * (docs/model.md); the defaults of the others are the paper's text.
 */
export const encoderFields = {
  /** Choice. Network whose last feature map gives the regions. */
  backbone: z.enum(backboneNames).default("resnet50"),
  /** Choice. Multiplies the channels of every stage of the backbone; 64 · width must be an integer. */
  backboneWidth: z
    .number()
    .min(1 / 64)
    .max(4)
    .refine((width) => Number.isInteger(width * 64), "64 · backboneWidth must be an integer")
    .default(1),
  /**
   * Batch norm of the backbone in training: "batch" normalises by the batch and moves the running statistics,
   * "frozen" keeps and uses the running ones, as is best where the backbone is pretrained.
   */
  backboneStatistics: z.enum(["batch", "frozen"]).default("batch"),
  /** Choice. How references and targets go through the image encoder: as one batch of 2B, or one after the other. */
  imagePasses: z.enum(["joint", "separate"]).default("joint"),
  /** D, width of regions, words and embeddings. */
  embedDim: z.int().min(1).max(8192).default(1024),
  /** Network that reads the texts. */
  textEncoder: z.enum(textEncoderNames).default("lstm"),
  /** Width of a word vector. */
  wordDim: z.int().min(1).max(8192).default(300),
  /** Beyond the paper: "batch" puts a batch norm after the image projection, for references and targets alike. */
  imageNorm: z.enum(["none", "batch"]).default("none"),
  /** Beyond the paper: "layer" puts a layer norm on the LSTM's words, before the maximum. */
  textNorm: z.enum(["none", "layer"]).default("none"),
  /** Choice. Where the learned scale of the similarity starts; it is stored raw, not as a logarithm. */
  initialScale: z.number().positive().max(1000).default(10),
} as const;

const encoderSchema = z.strictObject(encoderFields);

/** A complete configuration of the encoders. */
export type EncoderConfig = z.output<typeof encoderSchema>;

export { encoderSchema };
