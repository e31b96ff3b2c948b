/** A picture of a garment as SVG. */
import type { Design } from "./attributes.js";
import { clothOf, patternElement } from "./cloth.js";
import { details } from "./details.js";
import { luma, shade, toHex } from "./palette.js";
import { backdrop, carrier, shadowElements } from "./scene.js";
import {
  armAxis,
  armPoint,
  backNeckPath,
  bodyPath,
  type Cut,
  cutOf,
  halfWidthAt,
  r,
  type Side,
  sleevePath,
  xy,
} from "./silhouette.js";
import type { PictureVariation } from "./variation.js";

/** Height of the shoulder line in the picture and size of the garment, before the variation changes them. */
const garmentPlaces = {
  dress: { shoulderY: 11, zoom: 1.06 },
  shirt: { shoulderY: 17, zoom: 1.08 },
  toptee: { shoulderY: 17, zoom: 1.16 },
} as const;

export interface DrawingOptions {
  /** Width and height of the picture. */
  readonly sizePx?: number;
  /** Where the picture stands in a larger drawing that it becomes part of. */
  readonly at?: { readonly x: number; readonly y: number };
  /** Put before every id, to keep the pictures of one drawing apart. */
  readonly idPrefix?: string;
}

/**
 * The SVG text (viewBox 0 0 100 100) of `design` as `variation` presents it. Pure: the same arguments give the same
 * text. It uses no fonts and no filters, so every machine draws the same, and fast.
 */
export function drawGarment(
  design: Design,
  variation: PictureVariation,
  { sizePx = 256, at = { x: 0, y: 0 }, idPrefix = "" }: DrawingOptions = {},
): string {
  const cut = cutOf(design);
  const cloth = clothOf(design, variation);
  const context = { design, cloth, variation };
  const isPlain = design.pattern === "solid";
  const fills = {
    body: isPlain ? toHex(cloth.base) : `url(#${idPrefix}cloth)`,
    left: isPlain ? toHex(cloth.base) : `url(#${idPrefix}cloth-left)`,
    right: isPlain ? toHex(cloth.base) : `url(#${idPrefix}cloth-right)`,
  };
  const lining = luma(cloth.base) > 0.36 ? shade(cloth.base, -0.5) : shade(cloth.base, 0.55);
  const outline = toHex(shade(cloth.base, luma(cloth.base) < 0.2 ? 0.3 : -0.42));
  const body = bodyPath(cut, design);
  const [leftAngle, rightAngle] = variation.armAnglesDeg;
  const left = sleevePath(cut, -1, leftAngle);
  const right = sleevePath(cut, 1, rightAngle);
  const outlines = [body, left, right].filter((path) => path !== "");
  const light = `${idPrefix}light`;
  const scene = backdrop(variation, `${idPrefix}bg`);
  const { behind, inNeck } = carrier(design, cut, variation);
  const edge = `stroke="${outline}" stroke-width="0.7" stroke-linejoin="round"`;

  const defs = [
    scene.defs,
    patternElement(`${idPrefix}cloth`, context, 0),
    left && patternElement(`${idPrefix}cloth-left`, context, leftAngle),
    right && patternElement(`${idPrefix}cloth-right`, context, -rightAngle),
    lightGradient(light, cut, variation),
  ].join("");
  const garment = [
    shadowElements(design, variation, outlines),
    behind,
    `<path d="${backNeckPath(cut, design.neckline)}" fill="${toHex(lining)}"/>`,
    inNeck,
    sleeve(left, fills.left, edge, light) + cuff(cut, -1, leftAngle, outline),
    sleeve(right, fills.right, edge, light) + cuff(cut, 1, rightAngle, outline),
    `<path d="${body}" fill="${fills.body}" ${edge}/>`,
    folds(cut, variation),
    `<path d="${body}" fill="url(#${light})"/>`,
    details({ design, cut, cloth, fill: fills.body, outline }),
  ].join("");
  const { offsetX, offsetY, leanDeg, stretch } = variation;
  const { shoulderY, zoom } = garmentPlaces[design.category];
  const scale = variation.scale * zoom;
  const place =
    `translate(${r(50 + offsetX)} ${r(shoulderY + offsetY)})` +
    `rotate(${r(leanDeg)} 0 30)scale(${r(scale * stretch)} ${r(scale / stretch)})`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" x="${at.x}" y="${at.y}" width="${sizePx}" height="${sizePx}" viewBox="0 0 100 100">` +
    `<defs>${defs}</defs>${scene.elements}<g transform="${place}">${garment}</g></svg>`
  );
}

function sleeve(path: string, fill: string, edge: string, light: string): string {
  if (path === "") return "";
  return `<path d="${path}" fill="${fill}" ${edge}/><path d="${path}" fill="url(#${light})"/>`;
}

/** The seam above a sleeve's end. */
function cuff(cut: Cut, side: Side, angleDeg: number, colour: string): string {
  if (cut.sleeveLength === 0) return "";
  const axis = armAxis(cut, side, angleDeg);
  const half = cut.sleeveHalf + (cut.cuffHalf - cut.sleeveHalf) * (cut.sleeveLength / cut.armLength);
  const from = armPoint(axis, cut.sleeveLength - 2, half);
  const to = armPoint(axis, cut.sleeveLength - 2, -half);
  return `<path d="M${xy(from)}L${xy(to)}" stroke="${colour}" stroke-width="0.6" opacity="0.7"/>`;
}

/** Light from one side, shadow on the other, across the whole garment. */
function lightGradient(id: string, cut: Cut, { lightFrom, shadow }: PictureVariation): string {
  const half = Math.max(cut.hemHalf, cut.underarmHalf, cut.shoulderHalf) + 4;
  const lightAt = 0.5 + 0.28 * lightFrom;
  const stop = (offset: number, colour: string, opacity: number): string =>
    `<stop offset="${r(offset)}" stop-color="${colour}" stop-opacity="${r(opacity)}"/>`;
  const stops = [
    stop(0, "#000", 0.3 * shadow * (1 + Math.max(0, lightFrom))),
    stop(lightAt - 0.12, "#000", 0.02),
    stop(lightAt, "#fff", 0.16 * shadow),
    stop(lightAt + 0.12, "#000", 0.02),
    stop(1, "#000", 0.3 * shadow * (1 + Math.max(0, -lightFrom))),
  ].join("");
  return `<linearGradient id="${id}" gradientUnits="userSpaceOnUse" x1="${r(-half)}" x2="${r(half)}">${stops}</linearGradient>`;
}

/** Folds that fall from the waist (or the chest of a short top) towards the hem; all inside the outline. */
function folds(cut: Cut, { folds: lines, shadow }: PictureVariation): string {
  const from = Math.min(cut.waistY, cut.underarmY + 4);
  const drop = cut.hemY - from;
  const pathOf = (isDark: boolean): string =>
    lines
      .filter((line) => line.isDark === isDark)
      .map(({ x, y, length, bend }) => {
        const startY = from + drop * y;
        const endY = Math.min(cut.hemY - 0.5, startY + drop * length);
        const startX = x * halfWidthAt(cut, startY) * 0.8;
        const endX = x * halfWidthAt(cut, endY);
        const middleX = (startX + endX) / 2 + bend * 8;
        return `M${r(startX)} ${r(startY)}Q${r(middleX)} ${r((startY + endY) / 2)} ${r(endX)} ${r(endY)}`;
      })
      .join("");
  return (
    `<g fill="none" stroke-width="1.3" stroke-linecap="round">` +
    `<path d="${pathOf(true)}" stroke="#000" stroke-opacity="${r(0.1 + 0.14 * shadow)}"/>` +
    `<path d="${pathOf(false)}" stroke="#fff" stroke-opacity="0.2"/></g>`
  );
}
