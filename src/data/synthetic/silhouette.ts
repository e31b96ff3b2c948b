/** The outline of a garment: measures by category and attributes, and the paths of body, neck and sleeves. */
import type { Category, Design } from "./attributes.js";

/**
 * Measures of one garment. Origin: middle of the shoulder line; x to the right, y down; the picture is 100 wide.
 * `...Half` is a distance from the middle line (or from an arm's axis), `...Y` a height below the shoulders.
 */
export interface Cut {
  readonly neckHalf: number;
  readonly neckDepth: number;
  readonly shoulderHalf: number;
  readonly shoulderY: number;
  readonly underarmHalf: number;
  readonly underarmY: number;
  readonly waistHalf: number;
  readonly waistY: number;
  readonly hemHalf: number;
  readonly hemY: number;
  /** How far the hem sags in the middle. */
  readonly hemSag: number;
  /** From shoulder to cuff along the arm; 0 without sleeves. */
  readonly sleeveLength: number;
  /** From shoulder to wrist. */
  readonly armLength: number;
  readonly sleeveHalf: number;
  readonly cuffHalf: number;
}

/** A point of the drawing. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** -1 is the picture's left, 1 its right. */
export type Side = -1 | 1;

interface BaseCut {
  readonly neckHalf: number;
  readonly shoulderHalf: number;
  readonly underarmHalf: number;
  readonly underarmY: number;
  readonly waistY: number;
  readonly waistHalf: Readonly<Record<Design["fit"], number>>;
  /** Widening below the waist, per unit of length. */
  readonly flare: Readonly<Record<Design["fit"], number>>;
  readonly hemY: Readonly<Record<Design["length"], number>>;
  readonly armLength: number;
  readonly sleeveHalf: number;
}

const baseCuts: Readonly<Record<Category, BaseCut>> = {
  dress: {
    neckHalf: 7,
    shoulderHalf: 16,
    underarmHalf: 13,
    underarmY: 16,
    waistY: 29,
    waistHalf: { fitted: 9, loose: 12 },
    flare: { fitted: 0.08, loose: 0.5 },
    hemY: { short: 46, regular: 62, long: 79 },
    armLength: 40,
    sleeveHalf: 5.9,
  },
  shirt: {
    neckHalf: 7.6,
    shoulderHalf: 20.5,
    underarmHalf: 17,
    underarmY: 20,
    waistY: 38,
    waistHalf: { fitted: 12.6, loose: 20.5 },
    flare: { fitted: 0.12, loose: 0.12 },
    hemY: { short: 44, regular: 54, long: 70 },
    armLength: 50,
    sleeveHalf: 7.6,
  },
  toptee: {
    neckHalf: 7.8,
    shoulderHalf: 17.5,
    underarmHalf: 14.5,
    underarmY: 18.5,
    waistY: 34,
    waistHalf: { fitted: 10.4, loose: 16 },
    flare: { fitted: 0.14, loose: 0.48 },
    hemY: { short: 36, regular: 50, long: 66 },
    armLength: 47,
    sleeveHalf: 6.8,
  },
};

const sleeveParts: Readonly<Record<Design["sleeves"], number>> = {
  sleeveless: 0,
  short: 0.32,
  "three-quarter": 0.66,
  long: 1,
};

const necklines: Readonly<Record<Design["neckline"], { readonly widen: number; readonly depth: number }>> = {
  round: { widen: 1.4, depth: 9 },
  v: { widen: 1.15, depth: 23 },
  square: { widen: 1.6, depth: 13 },
  collar: { widen: 1.05, depth: 10 },
  high: { widen: 1, depth: 1.5 },
};

/** The measures of a design. */
export function cutOf(design: Design): Cut {
  const base = baseCuts[design.category];
  const { widen, depth } = necklines[design.neckline];
  const isSleeveless = design.sleeves === "sleeveless";
  const waistHalf = base.waistHalf[design.fit];
  const hemY = base.hemY[design.length];
  const looseness = design.fit === "loose" ? 1.22 : 1;
  return {
    neckHalf: base.neckHalf * widen,
    neckDepth: (depth * base.neckHalf) / 7,
    shoulderHalf: base.shoulderHalf * (isSleeveless ? 0.8 : 1),
    shoulderY: isSleeveless ? 2 : 3.6,
    underarmHalf: base.underarmHalf * (design.fit === "loose" ? 1.06 : 1),
    underarmY: base.underarmY * (isSleeveless ? 1.12 : 1),
    waistHalf,
    waistY: base.waistY,
    hemHalf:
      waistHalf +
      base.flare[design.fit] * Math.max(0, hemY - base.waistY) +
      (hemY > base.waistY + 8 ? 1.5 : 0),
    hemY,
    hemSag: design.fit === "loose" ? 2.6 : 1.2,
    sleeveLength: base.armLength * sleeveParts[design.sleeves],
    armLength: base.armLength,
    sleeveHalf: base.sleeveHalf * looseness,
    cuffHalf: base.sleeveHalf * (design.fit === "loose" ? 0.86 : 0.6),
  };
}

/** Half the body's width at a height between underarm and hem. */
export function halfWidthAt(cut: Cut, y: number): number {
  const between = (fromY: number, fromHalf: number, toY: number, toHalf: number): number => {
    const part = toY === fromY ? 1 : Math.min(1, Math.max(0, (y - fromY) / (toY - fromY)));
    return fromHalf + (toHalf - fromHalf) * part;
  };
  if (y <= cut.waistY) return between(cut.underarmY, cut.underarmHalf, cut.waistY, cut.waistHalf);
  return between(cut.waistY, cut.waistHalf, cut.hemY, cut.hemHalf);
}

/** The front edge of the neckline, from left to right, as path commands that follow a point at its left end. */
export function necklinePath(cut: Cut, neckline: Design["neckline"]): string {
  const { neckHalf: n, neckDepth: d } = cut;
  switch (neckline) {
    case "v":
    case "collar":
      return `L0 ${r(d)}L${r(n)} 0`;
    case "square":
      return `L${r(-n + 0.9)} ${r(d)}L${r(n - 0.9)} ${r(d)}L${r(n)} 0`;
    default:
      return `C${r(-n * 0.85)} ${r(d * 1.32)} ${r(n * 0.85)} ${r(d * 1.32)} ${r(n)} 0`;
  }
}

/** The outline of front and skirt, without sleeves; closed. */
export function bodyPath(cut: Cut, design: Design): string {
  const right = sidePath(cut, design);
  const left = [...right].reverse();
  const forward = right.map(([c1, c2, to]) => `C${xy(c1)} ${xy(c2)} ${xy(to)}`).join("");
  const points = right.map(([, , to]) => to);
  const starts: Point[] = [{ x: cut.neckHalf, y: 0 }, ...points.slice(0, -1)];
  const backward = left
    .map(([c1, c2], i) => {
      const to = starts[starts.length - 1 - i] ?? { x: cut.neckHalf, y: 0 };
      return `C${xy(mirrored(c2))} ${xy(mirrored(c1))} ${xy(mirrored(to))}`;
    })
    .join("");
  const hem = `Q0 ${r(cut.hemY + 2 * cut.hemSag)} ${r(-cut.hemHalf)} ${r(cut.hemY)}`;
  return `M${r(-cut.neckHalf)} 0${necklinePath(cut, design.neckline)}${forward}${hem}${backward}Z`;
}

/** The inside of the back, seen through the neckline; closed. */
export function backNeckPath(cut: Cut, neckline: Design["neckline"]): string {
  const n = cut.neckHalf;
  return `M${r(-n)} 0${necklinePath(cut, neckline)}Q0 ${r(-0.28 * n)} ${r(-n)} 0Z`;
}

/** Cubic curves (two control points, end) from the neck down the right side to the hem. */
function sidePath(cut: Cut, design: Design): [Point, Point, Point][] {
  const {
    shoulderHalf: s,
    shoulderY,
    underarmHalf: u,
    underarmY,
    waistHalf: w,
    waistY,
    hemHalf: h,
    hemY,
  } = cut;
  const cropped = hemY <= waistY + 3;
  const shoulder: Point = { x: s, y: shoulderY };
  const underarm: Point = { x: u, y: underarmY };
  const inward = design.sleeves === "sleeveless" ? 0.72 : 0.88;
  const path: [Point, Point, Point][] = [
    [{ x: (cut.neckHalf + s) / 2, y: shoulderY * 0.35 }, { x: s * 0.9, y: shoulderY * 0.7 }, shoulder],
    [{ x: s * inward, y: underarmY * 0.55 }, { x: u * 0.84, y: underarmY * 0.92 }, underarm],
  ];
  if (cropped) {
    const hem: Point = { x: halfWidthAt(cut, hemY), y: hemY };
    path.push([
      { x: u * 0.97, y: underarmY + (hemY - underarmY) * 0.4 },
      { x: h, y: hemY - 4 },
      { ...hem, x: h },
    ]);
    return path;
  }
  const below = hemY - waistY;
  const hip = design.fit === "fitted" ? h + 0.8 : w + (h - w) * 0.32;
  path.push(
    [
      { x: u * 0.98, y: underarmY + 5 },
      { x: w, y: waistY - 5 },
      { x: w, y: waistY },
    ],
    [
      { x: w, y: waistY + below * 0.12 },
      { x: hip, y: waistY + below * 0.35 },
      { x: h, y: hemY },
    ],
  );
  return path;
}

/** Where an arm starts, the direction it takes and its normal. `angleDeg` is measured outwards from straight down. */
export function armAxis(
  cut: Cut,
  side: Side,
  angleDeg: number,
): { start: Point; along: Point; across: Point } {
  const angle = (angleDeg * Math.PI) / 180;
  const along = { x: side * Math.sin(angle), y: Math.cos(angle) };
  return {
    start: {
      x: side * (cut.shoulderHalf * 0.92 - 0.4 * cut.sleeveHalf),
      y: cut.shoulderY + 0.55 * cut.sleeveHalf,
    },
    along,
    across: { x: side * along.y, y: -side * along.x }, // points away from the body
  };
}

/** A point `distance` down the arm and `offset` outwards from its axis. */
export function armPoint(axis: ReturnType<typeof armAxis>, distance: number, offset: number): Point {
  return {
    x: axis.start.x + axis.along.x * distance + axis.across.x * offset,
    y: axis.start.y + axis.along.y * distance + axis.across.y * offset,
  };
}

/** The outline of one sleeve; closed; "" for a sleeveless design. It starts under the body, which hides its seam. */
export function sleevePath(cut: Cut, side: Side, angleDeg: number): string {
  if (cut.sleeveLength === 0) return "";
  const axis = armAxis(cut, side, angleDeg);
  const cuffHalf = cut.sleeveHalf + (cut.cuffHalf - cut.sleeveHalf) * (cut.sleeveLength / cut.armLength);
  const shoulder: Point = { x: side * cut.shoulderHalf, y: cut.shoulderY };
  const inner: Point = { x: side * cut.underarmHalf * 0.8, y: cut.underarmY };
  const outerCuff = armPoint(axis, cut.sleeveLength, cuffHalf);
  const innerCuff = armPoint(axis, cut.sleeveLength, -cuffHalf);
  const bulge = armPoint(axis, cut.sleeveLength * 0.3, cut.sleeveHalf * 1.18);
  const underarm: Point = { x: side * cut.underarmHalf, y: cut.underarmY };
  const top: Point = { x: side * cut.neckHalf, y: 0.5 };
  return `M${xy(top)}L${xy(shoulder)}Q${xy(bulge)} ${xy(outerCuff)}L${xy(innerCuff)}L${xy(underarm)}L${xy(inner)}Z`;
}

/** Rounded to two decimals: shorter files, and the same text on every machine. */
export function r(value: number): number {
  return Math.round(value * 100) / 100;
}

/** "x y" as path commands want it. */
export function xy(point: Point): string {
  return `${r(point.x)} ${r(point.y)}`;
}

function mirrored(point: Point): Point {
  return { x: -point.x, y: point.y };
}
