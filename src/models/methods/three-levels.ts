/** Three levels of a picture, low to high, and embeddings that have a part of each: of VAL and SAC; the maps of MAAF. */
import type { Value } from "../../engine/graph/value.js";
import { mean } from "../../engine/ops/reduce.js";
import type { TargetEmbedding } from "../composition-model.js";
import type { ImageFeatures } from "../image-encoder.js";
import { joinParts } from "../parts.js";

/** Those below the last: averaged over 2x2 positions, each projected to D. */
export const lowerLevels = [
  { name: "layer2", isHalved: true, isProjected: true },
  { name: "layer3", isHalved: true, isProjected: true },
] as const;

/** Each [B, N_l, D], low to high, of a model whose lower levels are projected. */
export function mapsOf({ levels, regions }: ImageFeatures): readonly Value[] {
  return [...levels.map((level) => level.regions), regions];
}

/** [unit(mean of map 0) ; unit(mean of map 1) ; ...], and the means as parts: of composed maps a query, of others a target. */
export function embeddingOf(maps: readonly Value[]): Required<TargetEmbedding> {
  const parts = Object.fromEntries(maps.map((map, i) => [`level${i}`, mean(map, { axes: [1] })]));
  const weights = Object.fromEntries(Object.keys(parts).map((name) => [name, 1]));
  return { embedding: joinParts(parts, weights), parts };
}
