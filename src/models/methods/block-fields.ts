/** Configuration fields of models that are made of attention blocks. */
import { z } from "zod";
import type { AttentionBlockOptions } from "../../nn/attention-block.js";

export const blockFields = {
  /** Choice. Attention heads; embedDim must be a multiple. */
  heads: z.int().min(1).max(64).default(8),
  /** Choice. Width F of the feed-forward networks; null is 2 · embedDim. */
  ffnWidth: z.int().min(1).max(65536).nullable().default(null),
  /** Choice. Dropout after attention and after the feed-forward network. */
  dropout: z.number().min(0).lt(1).default(0.1),
} as const;

/** The same as `AttentionBlock` takes them. */
export function blockOptions({
  heads,
  ffnWidth,
  dropout,
}: z.output<z.ZodObject<typeof blockFields>>): AttentionBlockOptions {
  return { heads, ffnWidth, dropout };
}
