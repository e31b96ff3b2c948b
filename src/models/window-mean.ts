/** Means over windows of a picture's regions. */
import type { Value } from "../engine/graph/value.js";
import { constant } from "../engine/ops/constant.js";
import { matmul } from "../engine/ops/matmul.js";
import { reshape, transposeLast } from "../engine/ops/shape.js";
import { tensor } from "../engine/tensor/tensor.js";

/** A square window of `size` positions, moved by `stride`, that begins `before` positions above and left of the map. */
export interface WindowOptions {
  readonly size: number;
  readonly stride: number;
  readonly before?: number;
}

/** How regions lie: row by row from the top left. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
}

/** The grid of the windows' means: one for each window that begins inside the map. */
export function windowGrid({ rows, columns }: Grid, { stride }: Pick<WindowOptions, "stride">): Grid {
  return { rows: Math.ceil(rows / stride), columns: Math.ceil(columns / stride) };
}

/**
 * Mean of the positions that exist in each window. regions [B, N, C] of `grid` -> [B, N', C] of `windowGrid`.
 * One product with a constant matrix, so that maps of odd sides need no padding.
 */
export function windowMean(regions: Value, grid: Grid, options: WindowOptions): Value {
  return matmul(windowWeights(grid, options), regions);
}

/** The same of a map: [B, C, h, w] -> [B, C, h', w']. */
export function windowMeanOfMap(map: Value, options: WindowOptions): Value {
  const [batch = 0] = map.shape;
  const grid = { rows: map.dim(2), columns: map.dim(3) };
  const { rows, columns } = windowGrid(grid, options);
  const flat = reshape(map, [batch, map.dim(1), grid.rows * grid.columns]);
  return reshape(matmul(flat, transposeLast(windowWeights(grid, options))), [
    batch,
    map.dim(1),
    rows,
    columns,
  ]);
}

/** Share of each position in each window's mean: [N', N]. */
function windowWeights(grid: Grid, options: WindowOptions): Value {
  const { size, stride, before = 0 } = options;
  const to = windowGrid(grid, options);
  const count = grid.rows * grid.columns;
  const weights = new Float32Array(to.rows * to.columns * count);
  const inside = (index: number, length: number) =>
    Array.from({ length: size }, (_, i) => index * stride - before + i).filter(
      (at) => at >= 0 && at < length,
    );
  for (let row = 0; row < to.rows; row += 1) {
    for (let column = 0; column < to.columns; column += 1) {
      const [rows, columns] = [inside(row, grid.rows), inside(column, grid.columns)];
      const share = 1 / (rows.length * columns.length);
      const start = (row * to.columns + column) * count;
      for (const y of rows) for (const x of columns) weights[start + y * grid.columns + x] = share;
    }
  }
  return constant(tensor("float32", [to.rows * to.columns, count], weights));
}
