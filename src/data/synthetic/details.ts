/** Parts that lie on the cloth: collar, high neck, buttons, belt, pocket and chest print. */
import type { Design } from "./attributes.js";
import type { Cloth } from "./cloth.js";
import { accentFor, luma, mix, type Rgb, shade, toHex } from "./palette.js";
import { type Cut, halfWidthAt, necklinePath, r } from "./silhouette.js";

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
    design.pockets === "yes" ? pockets(drawing) : "",
    design.belt === "yes" ? belt(drawing) : "",
    design.print === "none" ? "" : print(drawing),
    design.neckline === "collar"
      ? collar(drawing)
      : design.neckline === "high"
        ? highNeck(drawing)
        : binding(drawing),
  ].join("");
}

/** A contrasting placket with large buttons down the front. */
function buttons({ design, cut, cloth, outline }: Drawing): string {
  const top = design.neckline === "high" ? -1 : cut.neckDepth - (design.neckline === "square" ? 0 : 0.5);
  const bottom = cut.hemY + cut.hemSag * 0.9;
  const accent = accentFor(cloth.base);
  const gap = 7.4;
  const dots: string[] = [];
  for (let y = top + 3.6; y < bottom - 2.5; y += gap) dots.push(`<circle cy="${r(y)}" r="2"/>`);
  return (
    `<rect x="-3.6" y="${r(top)}" width="7.2" height="${r(bottom - top)}" ` +
    `fill="${toHex(mix(cloth.base, accent, 0.72))}" stroke="${outline}" stroke-width="0.4"/>` +
    `<g fill="${toHex(shade(cloth.base, luminous(cloth.base) ? 0.25 : -0.35))}">${dots.join("")}</g>`
  );
}

/** Two contrasting patch pockets below the waist. */
function pockets({ cut, cloth, outline }: Drawing): string {
  const tone = toHex(mix(cloth.base, accentFor(cloth.base), 0.75));
  const flap = toHex(mix(cloth.base, accentFor(cloth.base), 0.95));
  const y = cut.waistY + 3;
  const one = (x: number): string =>
    `<path d="M${x} ${y}h9v10.4l-1.8 1.8h-5.4l-1.8 -1.8Z" fill="${tone}" stroke="${outline}" stroke-width="0.5"/>` +
    `<path d="M${x - 0.4} ${y - 0.6}h9.8v3.4h-9.8Z" fill="${flap}"/>`;
  return one(-13.6) + one(4.6);
}

/** A wide belt at the waist: dark with light edges on light cloth, light with dark edges on dark cloth. */
function belt({ cut, cloth }: Drawing): string {
  const y = cut.waistY - 3.2;
  const half = halfWidthAt(cut, cut.waistY) + 0.7;
  const [leather, edge] = luma(cloth.base) > 0.36 ? ["#3a2018", "#f3e3c3"] : ["#ecd0a0", "#2a1a14"];
  return (
    `<path d="M${r(-half)} ${r(y)}Q0 ${r(y + 1.8)} ${r(half)} ${r(y)}v6.8Q0 ${r(y + 8.6)} ${r(-half)} ${r(y + 6.8)}Z" ` +
    `fill="${leather}" stroke="${edge}" stroke-width="0.9"/>` +
    `<rect x="-3.8" y="${r(y - 0.4)}" width="7.6" height="9.2" rx="1.2" fill="${leather}" stroke="#f0b92e" stroke-width="2"/>`
  );
}

const prints: Readonly<
  Record<Exclude<Design["print"], "none">, { shape: string; ink: string; ground: string }>
> = {
  star: {
    shape: "M0 -7L1.9 -2.3L6.7 -2.2L2.9 0.9L4.2 5.7L0 3L-4.2 5.7L-2.9 0.9L-6.7 -2.2L-1.9 -2.3Z",
    ink: "#ffd23e",
    ground: "#1d2a52",
  },
  heart: {
    shape:
      "M0 6.2C-8.6 0 -6.6 -6.2 -3.2 -6.2C-1.4 -6.2 0 -4.8 0 -3.4C0 -4.8 1.4 -6.2 3.2 -6.2C6.6 -6.2 8.6 0 0 6.2Z",
    ink: "#d81e3c",
    ground: "#fdf6ee",
  },
  lightning: {
    shape: "M2.6 -7.4L-4.6 1.2L-0.6 1.2L-2.8 7.4L4.6 -1.8L0.6 -1.8L3.6 -7.4Z",
    ink: "#19171c",
    ground: "#53d0e6",
  },
};

/** A round badge in the middle of the chest, each print with its own two colours. */
function print({ design, cut, cloth }: Drawing): string {
  if (design.print === "none") return "";
  const { shape, ink, ground } = prints[design.print];
  const size = (design.category === "dress" ? 1 : 1.2) * (design.belt === "yes" ? 0.88 : 1);
  const middle = (cut.neckDepth + Math.min(cut.waistY, cut.hemY)) / 2;
  const y = middle + (design.belt === "yes" ? -0.6 : 1);
  const rim = toHex(accentFor(cloth.base));
  return (
    `<g transform="translate(0 ${r(y)})scale(${r(size)})">` +
    `<circle r="8.6" fill="${ground}" stroke="${rim}" stroke-width="0.8"/><path d="${shape}" fill="${ink}" transform="scale(0.9)"/></g>`
  );
}

/** A contrasting band along the neckline, so that its shape shows on a figure as well as on a hanger. */
function binding({ design, cut, cloth }: Drawing): string {
  const tone = toHex(mix(cloth.base, accentFor(cloth.base), 0.85));
  return (
    `<path d="M${r(-cut.neckHalf)} 0${necklinePath(cut, design.neckline)}" fill="none" ` +
    `stroke="${tone}" stroke-width="2.3" stroke-linejoin="round"/>`
  );
}

/** Two broad pointed flaps in the contrasting tone. */
function collar({ cut, cloth, outline }: Drawing): string {
  const n = cut.neckHalf;
  const tone = toHex(mix(cloth.base, accentFor(cloth.base), 0.85));
  const flap = (side: number): string =>
    `<path d="M${r(side * n * 0.9)} -2.8L0 ${r(cut.neckDepth - 1)}L${r(side * n * 0.95)} ${r(cut.neckDepth + 8)}` +
    `L${r(side * (n + 5.4))} 2.6Z"/>`;
  return `<g fill="${tone}" stroke="${outline}" stroke-width="0.8" stroke-linejoin="round">${flap(-1)}${flap(1)}</g>`;
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
