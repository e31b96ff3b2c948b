/** Garments as JPEG files: drawn many to a sheet, then cut apart. */
import sharp from "sharp";
import type { Design } from "./attributes.js";
import { drawGarment } from "./garment-svg.js";
import type { PictureVariation } from "./variation.js";

const sheetSide = 4;

/** How many pictures `renderPictures` draws best at once. One drawing of 16 takes two thirds of the time of 16. */
export const picturesPerSheet = sheetSide * sheetSide;

export interface GarmentPicture {
  readonly design: Design;
  readonly variation: PictureVariation;
}

/** JPEG files (sRGB, no chroma subsampling), `sizePx` wide and high, in the order of at most `picturesPerSheet` pictures. */
export async function renderPictures(pictures: readonly GarmentPicture[], sizePx: number): Promise<Buffer[]> {
  const side = sheetSide * sizePx;
  const drawings = pictures.map(({ design, variation }, i) => {
    const at = { x: (i % sheetSide) * sizePx, y: Math.floor(i / sheetSide) * sizePx };
    return { at, svg: drawGarment(design, variation, { sizePx, at, idPrefix: `p${i}-` }) };
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}">${drawings.map((drawing) => drawing.svg).join("")}</svg>`;
  const sheet = await sharp(Buffer.from(svg)).flatten().raw().toBuffer();
  return Promise.all(
    drawings.map(({ at }) => {
      const raw = { width: sizePx, height: sizePx, channels: 3 } as const;
      return sharp(cutOut(sheet, side, at, sizePx), { raw })
        .jpeg({ quality: 92, chromaSubsampling: "4:4:4" })
        .toBuffer();
    }),
  );
}

/** A square of an RGB image that is `widthPx` wide. */
function cutOut(image: Buffer, widthPx: number, at: { x: number; y: number }, sizePx: number): Buffer {
  const square = Buffer.alloc(sizePx * sizePx * 3);
  for (let row = 0; row < sizePx; row += 1) {
    const start = ((at.y + row) * widthPx + at.x) * 3;
    image.copy(square, row * sizePx * 3, start, start + sizePx * 3);
  }
  return square;
}
