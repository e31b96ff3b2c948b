/** The colours of cloth as red, green and blue, and what shading and jitter do to them. */

/** Red, green and blue in 0..1 (sRGB, not linear). */
export type Rgb = readonly [number, number, number];

const clothColours: Readonly<Record<string, Rgb>> = {
  black: fromHex("#222327"),
  white: fromHex("#f5f3ee"),
  grey: fromHex("#8d939a"),
  red: fromHex("#cb1f2d"),
  orange: fromHex("#f07d1a"),
  yellow: fromHex("#f6d32d"),
  green: fromHex("#2f8a3e"),
  teal: fromHex("#19a7a8"),
  blue: fromHex("#2450b8"),
  purple: fromHex("#7b3fa8"),
  pink: fromHex("#f48db8"),
  brown: fromHex("#6f4526"),
};

/** The cloth colour of that name. @throws RangeError for a name that is not in the palette. */
export function clothColour(name: string): Rgb {
  const colour = clothColours[name];
  if (!colour) throw new RangeError(`palette: no colour is called ${name}`);
  return colour;
}

/** How far two named colours look apart: about 0 (the same) to 1 (black and white). */
export function contrast(first: string, second: string): number {
  const a = clothColour(first);
  const b = clothColour(second);
  const lightness = luma(a) - luma(b);
  const chroma = Math.hypot(a[0] - luma(a) - b[0] + luma(b), a[2] - luma(a) - b[2] + luma(b));
  return Math.hypot(lightness, 0.55 * chroma);
}

/** Perceived lightness in 0..1 (Rec. 601 weights). */
export function luma([red, green, blue]: Rgb): number {
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}

/** `amount` 0 gives `from`, 1 gives `to`. */
export function mix(from: Rgb, to: Rgb, amount: number): Rgb {
  const [red, green, blue] = from;
  return [red + (to[0] - red) * amount, green + (to[1] - green) * amount, blue + (to[2] - blue) * amount];
}

/** Lighter for positive `amount` (towards white), darker for negative (towards black); -1..1. */
export function shade(colour: Rgb, amount: number): Rgb {
  return amount >= 0 ? mix(colour, [1, 1, 1], amount) : mix(colour, [0, 0, 0], -amount);
}

/** A contrasting tone for small parts (buttons, prints) on cloth of this colour. */
export function accentFor(colour: Rgb): Rgb {
  return luma(colour) > 0.55 ? fromHex("#2a2c3c") : fromHex("#fbf8ee");
}

/** "#rrggbb", values clipped to the valid range. */
export function toHex(colour: Rgb): string {
  const byte = (value: number): string =>
    Math.round(255 * Math.min(1, Math.max(0, value)))
      .toString(16)
      .padStart(2, "0");
  return `#${colour.map(byte).join("")}`;
}

/** Reads "#rrggbb". */
function fromHex(hex: string): Rgb {
  const channel = (start: number): number => Number.parseInt(hex.slice(start, start + 2), 16) / 255;
  return [channel(1), channel(3), channel(5)];
}
