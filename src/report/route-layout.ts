/** Where the boxes and lines of a route diagram lie. Units are CSS pixels of the drawing. */

/** A box by its centre. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly widthPx: number;
  readonly heightPx: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  /** `across`: layers from left to right; `down`: from top to bottom, for narrow screens. */
  readonly direction: "across" | "down";
  readonly widthPx: number;
  readonly heightPx: number;
  readonly fontPx: number;
  /** Added width of a line whose weight is 1. */
  readonly widestRoute: number;
  readonly start: Box;
  /** [L][M] */
  readonly modules: readonly (readonly Box[])[];
  readonly end: Box;
  /** Where each layer's name stands. */
  readonly layerNames: readonly Point[];
}

/** Boxes for `layerCount` layers of `moduleCount` modules between the reference picture and the embedding. */
export function placeNodes(size: {
  readonly direction: Layout["direction"];
  readonly layerCount: number;
  readonly moduleCount: number;
}): Layout {
  return size.direction === "across" ? placeAcross(size) : placeDown(size);
}

interface Size {
  readonly layerCount: number;
  readonly moduleCount: number;
}

function placeAcross({ layerCount, moduleCount }: Size): Layout {
  const widthPx = 1060;
  const rowPx = 92;
  const top = 34;
  const heightPx = top + moduleCount * rowPx;
  const endWidth = 104;
  const box = { widthPx: Math.min(146, 560 / layerCount), heightPx: 58 };
  const first = endWidth + 46 + box.widthPx / 2;
  const last = widthPx - endWidth - 96 - box.widthPx / 2;
  const columnX = (layer: number) =>
    layerCount === 1 ? (first + last) / 2 : first + ((last - first) * layer) / (layerCount - 1);
  const middle = top + (moduleCount * rowPx) / 2;
  const end = { y: middle, widthPx: endWidth, heightPx: 64 };
  return {
    direction: "across",
    widthPx,
    heightPx,
    fontPx: 14,
    widestRoute: 18,
    start: { ...end, x: endWidth / 2 + 1 },
    end: { ...end, x: widthPx - endWidth / 2 - 1 },
    modules: grid({ layerCount, moduleCount }, (layer, index) => ({
      ...box,
      x: columnX(layer),
      y: top + (index + 0.5) * rowPx,
    })),
    layerNames: Array.from({ length: layerCount }, (_, layer) => ({ x: columnX(layer), y: 16 })),
  };
}

function placeDown({ layerCount, moduleCount }: Size): Layout {
  const widthPx = 324;
  const gap = 8;
  const box = { widthPx: Math.min(130, (widthPx - 2 - gap * (moduleCount - 1)) / moduleCount), heightPx: 84 };
  const rowPx = 190;
  const top = 150;
  const columnPx = widthPx / moduleCount;
  const end = { x: widthPx / 2, widthPx: 160, heightPx: 36 };
  const lastRow = top + (layerCount - 1) * rowPx;
  return {
    direction: "down",
    widthPx,
    heightPx: lastRow + 192,
    fontPx: 12.5,
    widestRoute: 13,
    start: { ...end, y: 20 },
    end: { ...end, y: lastRow + 172 },
    modules: grid({ layerCount, moduleCount }, (layer, index) => ({
      ...box,
      x: (index + 0.5) * columnPx,
      y: top + layer * rowPx,
    })),
    layerNames: Array.from({ length: layerCount }, (_, layer) => ({ x: 24, y: top + layer * rowPx - 50 })),
  };
}

function grid({ layerCount, moduleCount }: Size, place: (layer: number, index: number) => Box): Box[][] {
  return Array.from({ length: layerCount }, (_, layer) =>
    Array.from({ length: moduleCount }, (_, index) => place(layer, index)),
  );
}

/** A smooth line from one box's far side to the next one's near side, and points on it (0 to 1). */
export function routeCurve(
  from: Box,
  to: Box,
  direction: Layout["direction"],
): { readonly path: string; at(t: number): Point } {
  const isAcross = direction === "across";
  const start = isAcross
    ? { x: from.x + from.widthPx / 2, y: from.y }
    : { x: from.x, y: from.y + from.heightPx / 2 };
  const end = isAcross ? { x: to.x - to.widthPx / 2, y: to.y } : { x: to.x, y: to.y - to.heightPx / 2 };
  const bend = 0.5 * (isAcross ? end.x - start.x : end.y - start.y);
  const leave = isAcross ? { x: start.x + bend, y: start.y } : { x: start.x, y: start.y + bend };
  const arrive = isAcross ? { x: end.x - bend, y: end.y } : { x: end.x, y: end.y - bend };
  const text = ({ x, y }: Point) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  return {
    path: `M${text(start)}C${text(leave)} ${text(arrive)} ${text(end)}`,
    at: (t) => ({
      x: bezier([start.x, leave.x, arrive.x, end.x], t),
      y: bezier([start.y, leave.y, arrive.y, end.y], t),
    }),
  };
}

/** Cubic Bézier polynomial at t. */
function bezier([a, b, c, d]: readonly [number, number, number, number], t: number): number {
  const u = 1 - t;
  return u ** 3 * a + 3 * u * u * t * b + 3 * u * t * t * c + t ** 3 * d;
}
