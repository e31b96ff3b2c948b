/** What models refuse of pictures' sizes, and of heads: said before anything is computed. */
import { backboneDefinition } from "./backbones/registry.js";
import type { EncoderConfig } from "./encoder-config.js";

/** What decides how large a backbone's maps are. */
export type MapSource = Pick<EncoderConfig, "backbone" | "backboneWidth"> & {
  /** Side of the pictures, px. */
  readonly imagePx: number;
};

/** Rows, and as many columns, of a level's map; the last level's where none is named. */
export function mapRows(
  { backbone, backboneWidth, imagePx }: MapSource,
  { level, isHalved = false }: { readonly level?: string; readonly isHalved?: boolean } = {},
): number {
  const levels = backboneDefinition(backbone).levels({ backboneWidth });
  const found = level === undefined ? levels.at(-1) : levels.find(({ name }) => name === level);
  const rows = Math.ceil(imagePx / (found?.stride ?? Number.NaN));
  return isHalved ? Math.ceil(rows / 2) : rows;
}

/** For models that compare the regions of a picture with each other: one region is refused. */
export function refusedSingleRegion(
  { backbone, backboneWidth, imagePx }: Partial<MapSource>,
  reason: string,
): readonly string[] {
  if (backbone === undefined || backboneWidth === undefined || imagePx === undefined) return [];
  if (mapRows({ backbone, backboneWidth, imagePx }) > 1) return [];
  const stride = backboneDefinition(backbone).levels({ backboneWidth }).at(-1)?.stride ?? 0;
  return [
    `imagePx: the last map of ${backbone} has 1x1 positions, and ${reason}; got imagePx ${imagePx}; set it to ${stride + 1} or more`,
  ];
}

/** For attention: the heads must divide the width. */
export function refusedHeads({
  embedDim,
  heads,
}: {
  readonly embedDim?: number | undefined;
  readonly heads?: number | undefined;
}): readonly string[] {
  if (embedDim === undefined || heads === undefined || embedDim % heads === 0) return [];
  return [`heads: embedDim must be a multiple of heads; got embedDim ${embedDim}, heads ${heads}`];
}
