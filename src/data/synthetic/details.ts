/** Parts that lie on the cloth: collar, high neck, buttons, belt, pocket and chest print. */
import type { Design } from "./attributes.js";
import type { Cloth } from "./cloth.js";
import { accentFor, type Rgb, shade, toHex } from "./palette.js";
import { type Cut, halfWidthAt, r } from "./silhouette.js";

/** What a detail may look at. `fill` is the body's paint (a colour or a pattern's address). */
export interface Drawing {
  readonly design: Design;
  readonly cut: Cut;
  readonly cloth: Cloth;
  readonly fill: string;
  readonly outline: string;
}

/** All details of the design, from the lowest layer to the highest. */
export function details(drawing: Drawing): string {
  const { design } = drawing;
  return [
    design.buttons === "yes" ? buttons(drawing) : "",
    design.pocket === "yes" ? pocket(drawing) : "",
    design.belt === "yes" ? belt(drawing) : "",
    design.print === "none" ? "" : print(drawing),
    design.neckline === "collar" ? collar(drawing) : "",
    design.neckline === "high" ? highNeck(drawing) : "",
  ].join("");
}

/** A placket with large buttons down the front. */
function buttons({ design, cut, cloth, outline }: Drawing): string {
  const top = design.neckline === "high" ? -1 : cut.neckDepth - (design.neckline === "square" ? 0 : 0.5);
  const bottom = cut.hemY + cut.hemSag * 0.9;
  const placket = toHex(shade(cloth.base, luminous(cloth.base) ? -0.3 : 0.3));
  const gap = 7.2;
  const dots: string[] = [];
  for (let y = top + 3.4; y < bottom - 2.5; y += gap) dots.push(`<circle cy="${r(y)}" r="1.85"/>`);
  return (
    `<rect x="-3.3" y="${r(top)}" width="6.6" height="${r(bottom - top)}" fill="${placket}" stroke="${outline}" stroke-width="0.4"/>` +
    `<g fill="${toHex(accentFor(cloth.base))}">${dots.join("")}</g>`
  );
}

/** A patch pocket on the wearer's left chest, with a flap. */
function pocket({ cloth, outline }: Drawing): string {
  const tone = toHex(shade(cloth.base, luminous(cloth.base) ? -0.2 : 0.24));
  const flap = toHex(shade(cloth.base, luminous(cloth.base) ? -0.38 : 0.42));
  const x = 3.4;
  return (
    `<path d="M${x} 11.4h8.6v8.6l-4.3 2.4l-4.3 -2.4Z" fill="${tone}" stroke="${outline}" stroke-width="0.6"/>` +
    `<path d="M${x - 0.4} 11h9.4v2.4l-4.7 1.9l-4.7 -1.9Z" fill="${flap}"/>`
  );
}

/** A leather belt at the waist: brown on most cloth, cream on brown and other dark warm cloth. */
function belt({ cut, cloth }: Drawing): string {
  const y = cut.waistY - 2.2;
  const half = halfWidthAt(cut, cut.waistY) + 0.5;
  const [red, green, blue] = cloth.base;
  const isBrownish = red < 0.6 && red > green && green > blue;
  const leather = isBrownish || red + green + blue < 0.6 ? "#d9b27c" : "#5a3418";
  return (
    `<path d="M${r(-half)} ${r(y)}Q0 ${r(y + 1.8)} ${r(half)} ${r(y)}v5.4Q0 ${r(y + 7.2)} ${r(-half)} ${r(y + 5.4)}Z" fill="${leather}"/>` +
    `<rect x="-3.2" y="${r(y - 0.1)}" width="6.4" height="7.2" rx="1" fill="none" stroke="#f2d36b" stroke-width="1.5"/>`
  );
}

const PRINTS: Readonly<Record<Exclude<Design["print"], "none">, string>> = {
  star: "M0 -7L1.9 -2.3L6.7 -2.2L2.9 0.9L4.2 5.7L0 3L-4.2 5.7L-2.9 0.9L-6.7 -2.2L-1.9 -2.3Z",
  heart:
    "M0 6.2C-8.6 0 -6.6 -6.2 -3.2 -6.2C-1.4 -6.2 0 -4.8 0 -3.4C0 -4.8 1.4 -6.2 3.2 -6.2C6.6 -6.2 8.6 0 0 6.2Z",
  lightning: "M2.6 -7.4L-4.6 1.2L-0.6 1.2L-2.8 7.4L4.6 -1.8L0.6 -1.8L3.6 -7.4Z",
};

/** A graphic in the middle of the chest; on patterned cloth it lies on a plain disc. */
function print({ design, cut, cloth }: Drawing): string {
  if (design.print === "none") return "";
  const size = (design.category === "dress" ? 1.12 : 1.35) * (design.belt === "yes" ? 0.88 : 1);
  const middle = (cut.neckDepth + Math.min(cut.waistY, cut.hemY)) / 2;
  const y = middle + (design.belt === "yes" ? -0.6 : design.category === "shirt" ? 6 : 1);
  const disc =
    design.pattern === "solid"
      ? ""
      : `<circle r="8.6" fill="${toHex(cloth.base)}" stroke="${toHex(cloth.motif)}" stroke-width="0.7"/>`;
  return (
    `<g transform="translate(0 ${r(y)})scale(${r(size)})">${disc}` +
    `<path d="${PRINTS[design.print]}" fill="${toHex(accentFor(cloth.base))}"${disc ? ' transform="scale(0.92)"' : ""}/></g>`
  );
}

/** Two pointed flaps and the stand behind them. */
function collar({ cut, cloth, outline }: Drawing): string {
  const n = cut.neckHalf;
  const tone = toHex(shade(cloth.base, luminous(cloth.base) ? -0.28 : 0.34));
  const flap = (side: number): string =>
    `<path d="M${r(side * n * 0.92)} -2.6L0 ${r(cut.neckDepth)}L${r(side * n * 0.98)} ${r(cut.neckDepth + 5)}` +
    `L${r(side * (n + 3))} 1Z"/>`;
  return `<g fill="${tone}" stroke="${outline}" stroke-width="0.7" stroke-linejoin="round">${flap(-1)}${flap(1)}</g>`;
}

/** A ribbed band that stands up around the neck. */
function highNeck({ cut, cloth, outline }: Drawing): string {
  const n = cut.neckHalf;
  const tone = toHex(shade(cloth.base, luminous(cloth.base) ? -0.2 : 0.26));
  const ribs = [-0.5, 0, 0.5].map((x) => `M${r(x * n)} -5.6V2.2`).join("");
  return (
    `<path d="M${r(-n * 0.94)} -6.2Q0 -5 ${r(n * 0.94)} -6.2L${r(n * 1.04)} 0.9Q0 4.6 ${r(-n * 1.04)} 0.9Z" ` +
    `fill="${tone}" stroke="${outline}" stroke-width="0.6"/>` +
    `<path d="${ribs}" stroke="${outline}" stroke-width="0.5" fill="none" opacity="0.6"/>`
  );
}

function luminous([red, green, blue]: Rgb): boolean {
  return red + green + blue > 0.9;
}
