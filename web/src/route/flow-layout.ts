/** Where boxes and bands of the flow drawing lie. Units are CSS pixels of the drawing. */
import { moduleShares, type Routes } from "./route-shares.js";

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly heightPx: number;
}

export interface ModuleBox extends Box {
  readonly layer: number;
  readonly module: number;
  readonly share: number;
}

/** A band from one box to the next; it is as high at both ends as the share that flows through it. */
export interface Band {
  /** Module that it comes from; undefined for the picture. */
  readonly module: number | undefined;
  readonly path: string;
  readonly share: number;
  /** For people who point at it. */
  readonly from: { readonly layer: number; readonly module: number } | "picture";
  readonly to: { readonly layer: number; readonly module: number } | "query";
}

export interface FlowLayout {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly boxWidthPx: number;
  readonly start: Box;
  readonly end: Box;
  readonly modules: readonly ModuleBox[];
  readonly bands: readonly Band[];
}

const gapPx = 26;
const boxWidthPx = 12;
const headPx = 44;

/**
 * A Sankey diagram: from the picture through every layer's modules to the query, with heights by share; what enters a box
 * leaves it.
 */
export function layOut(
  routes: Routes,
  size: { readonly widthPx: number; readonly flowPx: number },
): FlowLayout {
  const { widthPx, flowPx } = size;
  const shares = moduleShares(routes);
  const moduleCount = shares[0]?.length ?? 0;
  const columnPx = flowPx + gapPx * Math.max(0, moduleCount - 1);
  const columnX = (column: number) => (column * (widthPx - boxWidthPx)) / (shares.length + 1);
  const middle = { y: headPx + (columnPx - flowPx) / 2, heightPx: flowPx };
  const start = { ...middle, x: columnX(0) };
  const end = { ...middle, x: columnX(shares.length + 1) };
  const boxes = shares.map((layer, l) => {
    let y = headPx;
    return layer.map((share, module): ModuleBox => {
      const box = { layer: l, module, share, x: columnX(l + 1), y, heightPx: share * flowPx };
      y += box.heightPx + gapPx;
      return box;
    });
  });
  return {
    widthPx,
    heightPx: headPx + columnPx + 12,
    boxWidthPx,
    start,
    end,
    modules: boxes.flat(),
    bands: [...entering(start, boxes[0] ?? [], flowPx), ...between(routes, boxes, { end, flowPx })],
  };
}

function entering(start: Box, first: readonly ModuleBox[], flowPx: number): Band[] {
  let y = start.y;
  return first.map(({ share, module, ...box }) => {
    const heightPx = share * flowPx;
    const path = bandPath({ x: start.x + boxWidthPx, y }, box, heightPx);
    y += heightPx;
    return { module: undefined, path, share, from: "picture", to: { layer: 0, module } };
  });
}

function between(
  routes: Routes,
  boxes: readonly (readonly ModuleBox[])[],
  { end, flowPx }: { readonly end: Box; readonly flowPx: number },
): Band[] {
  return routes.flatMap((layer, l) => {
    const sources = boxes[l] ?? [];
    const destinations = boxes[l + 1];
    const leavingY = sources.map(({ y }) => y);
    const arrivingY = (destinations ?? [end]).map(({ y }) => y);
    const weightSums = arrivingY.map((_, j) => layer.reduce((sum, row) => sum + (row[j] ?? 0), 0));
    return layer.flatMap((row, i) => {
      const source = sources[i];
      if (source === undefined) return [];
      return row.map((weight, j): Band => {
        const destination = destinations?.[j];
        const reached = destination?.share ?? 1;
        const share = (weight / (weightSums[j] || 1)) * reached;
        const heightPx = share * flowPx;
        const path = bandPath(
          { x: source.x + boxWidthPx, y: leavingY[i] ?? 0 },
          { x: (destination ?? end).x, y: arrivingY[j] ?? 0 },
          heightPx,
        );
        leavingY[i] = (leavingY[i] ?? 0) + heightPx;
        arrivingY[j] = (arrivingY[j] ?? 0) + heightPx;
        return {
          module: i,
          path,
          share,
          from: { layer: l, module: i },
          to: destination === undefined ? "query" : { layer: l + 1, module: j },
        };
      });
    });
  });
}

interface Corner {
  readonly x: number;
  readonly y: number;
}

/** From upper corner to upper corner, and back along the lower edge. */
function bandPath(from: Corner, to: Corner, heightPx: number): string {
  const bend = (from.x + to.x) / 2;
  const at = (...numbers: number[]) => numbers.map((number) => number.toFixed(1)).join(" ");
  return [
    `M${at(from.x, from.y)}`,
    `C${at(bend, from.y, bend, to.y, to.x, to.y)}`,
    `V${at(to.y + heightPx)}`,
    `C${at(bend, to.y + heightPx, bend, from.y + heightPx, from.x, from.y + heightPx)}Z`,
  ].join("");
}
