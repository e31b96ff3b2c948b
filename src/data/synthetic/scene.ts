/** Everything around the garment: backdrop, props, shadow, and the figure or hanger that carries it. */
import type { Design } from "./attributes.js";
import { mix, type Rgb, shade, toHex } from "./palette.js";
import { armAxis, armPoint, type Cut, r, type Side, xy } from "./silhouette.js";
import type { PictureVariation } from "./variation.js";

/** Definitions (a gradient called `id`) and elements that fill the picture behind everything else; coordinates are the picture's, 0..100. */
export function backdrop(variation: PictureVariation, id: string): { defs: string; elements: string } {
  const tone = pastel(variation.backdropHue, variation.backdropLightness);
  const light = toHex(shade(tone, 0.35));
  const dark = toHex(shade(tone, -0.13));
  const rect = (fill: string): string => `<rect width="100" height="100" fill="${fill}"/>`;
  const prop = propElements(variation, tone);
  switch (variation.backdrop) {
    case "plain":
      return { defs: "", elements: rect(toHex(tone)) + prop };
    case "gradient": {
      const stops = `<stop stop-color="${light}"/><stop offset="1" stop-color="${dark}"/>`;
      return {
        defs: `<radialGradient id="${id}" cx="0.5" cy="0.4" r="0.75">${stops}</radialGradient>`,
        elements: rect(`url(#${id})`) + prop,
      };
    }
    case "room":
      return {
        defs: "",
        elements: `${rect(toHex(tone))}<path d="M0 84H100V100H0Z" fill="${dark}"/><path d="M0 82.4H100V84H0Z" fill="${light}"/>${prop}`,
      };
    case "panel":
      return {
        defs: "",
        elements: `${rect(dark)}<rect x="${variation.propSide > 0 ? 8 : 14}" y="4" width="78" height="92" rx="3" fill="${toHex(tone)}"/>${prop}`,
      };
  }
}

/** Small things near the edge of the picture. */
function propElements({ prop, propSide }: PictureVariation, tone: Rgb): string {
  const x = propSide > 0 ? 91 : 9;
  const dim = toHex(mix(tone, [0.35, 0.33, 0.32], 0.55));
  switch (prop) {
    case "none":
      return "";
    case "plant": {
      const leaves = [-34, -12, 12, 34]
        .map((turn) => `<ellipse cx="0" cy="-9" rx="1.9" ry="8" transform="rotate(${turn})"/>`)
        .join("");
      return (
        `<g transform="translate(${x} 85)"><g fill="#6d9070">${leaves}</g>` +
        `<path d="M-4 -1H4L3 9H-3Z" fill="${dim}"/></g>`
      );
    }
    case "frame":
      return `<rect x="${x - 6}" y="8" width="12" height="15" fill="${toHex(shade(tone, 0.4))}" stroke="${dim}" stroke-width="1.2"/>`;
    case "stool":
      return `<path d="M${x - 6} 80h12v2.4h-12ZM${x - 5} 82l-1 14h1.6l1 -14ZM${x + 5} 82l1 14h-1.6l-1 -14Z" fill="${dim}"/>`;
  }
}

const figureTones: readonly Rgb[] = [
  [0.93, 0.8, 0.7],
  [0.8, 0.62, 0.49],
  [0.55, 0.39, 0.29],
  [0.82, 0.81, 0.8],
];

/**
 * What carries the garment, in the garment's coordinates: a faceless figure with trousers or legs, a hanger, or
 * nothing. `behind` lies under all cloth, `inNeck` between the back and the front of the neckline.
 */
export function carrier(
  design: Design,
  cut: Cut,
  variation: PictureVariation,
): { behind: string; inNeck: string } {
  if (variation.stage === "flat") return { behind: "", inNeck: "" };
  if (variation.stage === "hanger") return { behind: "", inNeck: hanger(cut) };
  const tone = figureTones[Math.floor(variation.figureTone * figureTones.length)] ?? [0.82, 0.81, 0.8];
  const skin = toHex(tone);
  const neckHalf = design.category === "dress" ? 3.3 : 4.4;
  const up = design.category === "dress" ? 7 : 8.5;
  const head = `<ellipse cy="${r(-up - 1.75 * neckHalf)}" rx="${r(1.62 * neckHalf)}" ry="${r(2.15 * neckHalf)}"/>`;
  const throat = `<path d="M${-neckHalf} ${-up}V-1.5L${-cut.neckHalf} 1V${r(cut.neckDepth + 3)}H${cut.neckHalf}V1L${neckHalf} -1.5V${-up}Z"/>`;
  const arms = ([-1, 1] as const).map((side) => arm(cut, side, variation)).join("");
  return {
    behind: `${legs(design, cut, variation, tone)}<g fill="${toHex(shade(tone, -0.07))}">${arms}</g>`,
    inNeck: `<g fill="${skin}">${throat}${head}</g>`,
  };
}

function arm(cut: Cut, side: Side, { armAnglesDeg }: PictureVariation): string {
  const axis = armAxis(cut, side, armAnglesDeg[side < 0 ? 0 : 1]);
  const length = cut.armLength * 1.02;
  const upper = cut.armLength * 0.088;
  const wrist = upper * 0.62;
  const outline = [
    armPoint(axis, -1.5, upper * 0.9),
    armPoint(axis, length * 0.5, upper * 0.86),
    armPoint(axis, length, wrist),
    armPoint(axis, length, -wrist),
    armPoint(axis, length * 0.5, -upper * 0.86),
    armPoint(axis, 0, -upper),
  ];
  const hand = armPoint(axis, length + wrist * 1.3, 0);
  return `<path d="M${outline.map(xy).join("L")}Z"/><circle cx="${r(hand.x)}" cy="${r(hand.y)}" r="${r(wrist * 1.35)}"/>`;
}

/** Bare legs and shoes under a dress, trousers under everything else. */
function legs(design: Design, cut: Cut, variation: PictureVariation, tone: Rgb): string {
  if (design.category === "dress") {
    const shoe =
      variation.figureTone * 7 - Math.floor(variation.figureTone * 7) < 0.5 ? "#4a4348" : "#c9b8a4";
    const leg = (side: number): string =>
      `<path d="M${side * 1} 34H${side * 7.6}L${r(side * 5.6)} 80H${r(side * 2.4)}Z"/>` +
      `<ellipse cx="${side * 4.6}" cy="81.2" rx="3.1" ry="2" fill="${shoe}"/>`;
    return `<g fill="${toHex(shade(tone, -0.04))}">${leg(-1)}${leg(1)}</g>`;
  }
  const trousers = variation.figureTone < 0.5 ? "#404a61" : "#737378";
  const top = Math.min(cut.waistY, cut.hemY) - 4;
  const hip = cut.waistHalf * 0.92;
  return (
    `<path d="M${r(-hip)} ${r(top)}H${r(hip)}L${r(hip + 1.5)} ${r(top + 16)}L${r(hip - 1)} 112H1.6L0 ${r(top + 24)}` +
    `L-1.6 112H${r(1 - hip)}L${r(-hip - 1.5)} ${r(top + 16)}Z" fill="${trousers}"/>`
  );
}

/** A hook, and the ends of the bar that show beside the neck. */
function hanger(cut: Cut): string {
  const half = cut.neckHalf * 0.5;
  return (
    `<path d="M0 -2V-6.4Q0 -8 1.7 -8.4Q3.6 -9.4 2.6 -11.2Q1 -13 -1.4 -11.2" fill="none" stroke="#777b80" stroke-width="1.1"/>` +
    `<path d="M${r(-half)} 1L0 -2L${r(half)} 1" fill="none" stroke="#9a6b3f" stroke-width="1.6" stroke-linejoin="round"/>`
  );
}

/** A soft shadow, without a blur filter: on the floor under a figure, else behind the garment. */
export function shadowElements(
  design: Design,
  variation: PictureVariation,
  outlines: readonly string[],
): string {
  const shift = -2.2 * (variation.lightFrom || 0.3);
  if (variation.stage === "mannequin") {
    if (design.category !== "dress") return "";
    const pool = (rx: number, ry: number): string =>
      `<ellipse cx="${r(2 * shift)}" cy="82.5" rx="${rx}" ry="${ry}" fill="#1c1a22" fill-opacity="0.09"/>`;
    return pool(19, 3.4) + pool(13, 2.2);
  }
  const paths = outlines.map((d) => `<path d="${d}"/>`).join("");
  const layer = (dx: number, dy: number, opacity: number): string =>
    `<g transform="translate(${r(dx)} ${r(dy)})" fill="#1c1a22" fill-opacity="${opacity}">${paths}</g>`;
  return layer(shift, 1.6, 0.1) + layer(1.9 * shift, 3, 0.06);
}

/** A muted tone of that hue. */
function pastel(hueDeg: number, lightness: number): Rgb {
  const saturation = 0.16;
  const channel = (offset: number): number => {
    const k = (offset + hueDeg / 30) % 12;
    return (
      lightness - saturation * Math.min(lightness, 1 - lightness) * Math.max(-1, Math.min(k - 3, 9 - k, 1))
    );
  };
  return [channel(0), channel(8), channel(4)];
}
