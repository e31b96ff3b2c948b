import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { Random } from "../../engine/tensor/random.js";
import {
  allAttributes,
  allCategories,
  type Design,
  isValid,
  sampleDesign,
  valuesOf,
  withValue,
} from "./attributes.js";
import { drawGarment } from "./garment-svg.js";
import { clothColour } from "./palette.js";
import { renderPictures } from "./render.js";
import { type PictureVariation, sampleVariation } from "./variation.js";

/** RGB bytes of a picture, 64 px. */
function pixels(design: Design, variation: PictureVariation): Promise<Buffer> {
  const svg = drawGarment(design, variation, { sizePx: 64 });
  return sharp(Buffer.from(svg)).flatten().raw().toBuffer();
}

/** How many of the 64 x 64 pixels differ clearly (by more than 40 of 255 in some channel). */
function differingPixels(a: Buffer, b: Buffer): number {
  let count = 0;
  for (let i = 0; i < a.length; i += 3) {
    const gap = [0, 1, 2].map((c) => Math.abs((a[i + c] ?? 0) - (b[i + c] ?? 0)));
    if (Math.max(...gap) > 40) count += 1;
  }
  return count;
}

describe("drawGarment", () => {
  it("shows every single change of a design in at least 20 pixels at 64 px", async () => {
    const random = new Random(21);
    for (const category of allCategories) {
      const variation: PictureVariation = { ...sampleVariation(random), exposure: 0, shadow: 0.4 };
      const design = { ...sampleDesign(category, random), buttons: "no", print: "none", belt: "no" } as const;
      const before = await pixels(design, variation);
      for (const attribute of allAttributes) {
        for (const value of valuesOf(category, attribute)) {
          const changed = withValue(design, attribute, value);
          if (value === design[attribute] || !isValid(changed)) continue;
          const count = differingPixels(before, await pixels(changed, variation));
          expect(count, `${category}: ${attribute} ${design[attribute]} -> ${value}`).toBeGreaterThanOrEqual(
            20,
          );
        }
      }
    }
  });

  it("shows the cloth's colour at the middle of a plain garment, whatever the picture's variation", async () => {
    const random = new Random(5);
    for (let i = 0; i < 24; i += 1) {
      const colour = valuesOf("dress", "colour")[i % 12] ?? "red";
      const sampled = sampleDesign(allCategories[i % 3] ?? "dress", random);
      const plain = {
        pattern: "solid",
        patternColour: "none",
        belt: "no",
        buttons: "no",
        print: "none",
      } as const;
      const design = withValue({ ...sampled, ...plain, length: "regular" }, "colour", colour);
      const image = await pixels(design, { ...sampleVariation(random), folds: [] });
      const middle = (30 * 64 + 32) * 3;
      const [red, green, blue] = clothColour(colour).map((channel) => channel * 255);
      const gap = Math.hypot(
        (image[middle] ?? 0) - (red ?? 0),
        (image[middle + 1] ?? 0) - (green ?? 0),
        (image[middle + 2] ?? 0) - (blue ?? 0),
      );
      expect(gap, colour).toBeLessThan(70);
    }
  });

  it("makes two pictures of one design differ clearly", async () => {
    const random = new Random(9);
    const design = sampleDesign("toptee", random);
    const first = await pixels(design, sampleVariation(random));
    const second = await pixels(design, sampleVariation(random));
    expect(differingPixels(first, second)).toBeGreaterThan(400);
  });

  it("is pure: the same arguments give the same text", () => {
    const design = sampleDesign("shirt", new Random(1));
    const variation = sampleVariation(new Random(2));
    expect(drawGarment(design, variation)).toBe(drawGarment(design, variation));
  });
});

describe("renderPictures", () => {
  it("cuts the sheet into the pictures that were asked for, in order", async () => {
    const random = new Random(3);
    const pictures = Array.from({ length: 7 }, (_, i) => ({
      design: sampleDesign(allCategories[i % 3] ?? "dress", random),
      variation: sampleVariation(random),
    }));
    const files = await renderPictures(pictures, 64);
    expect(files).toHaveLength(7);
    for (const [i, { design, variation }] of pictures.entries()) {
      const decoded = await sharp(files[i]).raw().toBuffer({ resolveWithObject: true });
      expect([decoded.info.width, decoded.info.height, decoded.info.channels]).toEqual([64, 64, 3]);
      expect(differingPixels(decoded.data, await pixels(design, variation))).toBeLessThan(60); // JPEG only
    }
  });
});
