/** A picture's regions as a sequence and as a map. */
import type { Value } from "../engine/graph/value.js";
import { reshape, transpose } from "../engine/ops/shape.js";
import type { Grid } from "./window-mean.js";

/** A sequence of regions [B, N, C], and how they lie: row by row from the top left, N = rows · columns. */
export interface Regions extends Grid {
  readonly regions: Value;
}

/** [B, C, h, w] -> [B, h · w, C] */
export function regionsOfMap(map: Value): Regions {
  const [batch = 0] = map.shape;
  const [rows, columns] = [map.dim(2), map.dim(3)];
  const regions = transpose(reshape(map, [batch, map.dim(1), rows * columns]), [0, 2, 1]);
  return { regions, rows, columns };
}

/** [B, h · w, C] -> [B, C, h, w] */
export function mapOfRegions({ regions, rows, columns }: Regions): Value {
  const [batch = 0] = regions.shape;
  return reshape(transpose(regions, [0, 2, 1]), [batch, regions.dim(2), rows, columns]);
}
