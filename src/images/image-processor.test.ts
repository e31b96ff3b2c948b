import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readSafetensors } from "../tensor-files/safetensors.js";
import type { DecodedImage } from "./image.js";
import { type ImageProcessor, normalisePixels, processImage } from "./image-processor.js";

const golden = readSafetensors(
  join(import.meta.dirname, "../../tests/pictures/pillow/resized.safetensors"),
).tensors;

const base = {
  resample: "bicubic",
  outputPx: { widthPx: 16, heightPx: 16 },
  rescaleFactor: 1 / 255,
  mean: [0.5, 0.25, 0],
  deviation: [0.5, 0.25, 1],
} as const;
const shortSide = (px: number) => ({ kind: "shortSide", px }) as const;

const rules: Readonly<Record<string, ImageProcessor>> = {
  crop: { ...base, resize: shortSide(16) },
  "crop smaller": { ...base, resize: shortSide(18), outputPx: { widthPx: 11, heightPx: 15 } },
  "crop larger": {
    ...base,
    resample: "bilinear",
    resize: shortSide(9),
    outputPx: { widthPx: 16, heightPx: 13 },
  },
  "crop only": { ...base, resize: { kind: "none" } },
  squash: { ...base, resample: "bilinear", resize: { kind: "exact", ...base.outputPx } },
  pad: { ...base, resize: shortSide(16), fit: "pad" },
};

function pictureOf(key: string): DecodedImage {
  const { shape, data } = golden.get(key) ?? expect.fail(`${key} is missing`);
  const [heightPx = 0, widthPx = 0] = shape;
  return { data: data as Uint8Array, widthPx, heightPx };
}

const sizes = [...golden.keys()].filter((key) => key.startsWith("input/")).map((key) => key.slice(6));

/** The sizes of pictures of which a processor makes other bytes than Pillow. */
function differing(rule: string, processor: ImageProcessor): readonly string[] {
  return sizes.filter((size) => {
    const { data } = processImage(pictureOf(`input/${size}`), processor, size);
    return Buffer.compare(data, pictureOf(`process/${size}/${rule}`).data) !== 0;
  });
}

describe("processImage", () => {
  it.each(Object.entries(rules))("gives the bytes of Pillow's steps: %s", (rule, processor) => {
    expect(sizes).toHaveLength(5);
    expect(differing(rule, processor)).toEqual([]);
  });

  it("follows a chosen fit, whatever the folder does", () => {
    const squashing: ImageProcessor = { ...base, resize: { kind: "exact", ...base.outputPx } };
    expect(differing("crop", { ...squashing, fit: "crop" })).toEqual([]);
    expect(differing("pad", { ...squashing, fit: "pad" })).toEqual([]);
    expect(
      differing("squash", { ...base, resample: "bilinear", resize: shortSide(16), fit: "squash" }),
    ).toEqual([]);
  });

  it("computes only the middle of a line, and refuses a longer one", () => {
    const line = (widthPx: number) => ({ data: new Uint8Array(widthPx * 3).fill(7), widthPx, heightPx: 1 });
    const large = { ...base, resize: shortSide(224), outputPx: { widthPx: 224, heightPx: 224 } };
    const { data } = processImage(line(65_535), large, "line");
    expect(new Set(data)).toEqual(new Set([7]));
    expect(processImage(line(65_535), { ...large, fit: "pad" }, "line").data[0]).toBe(0);
    expect(() => processImage(line(6_000_000), large, "line.png")).toThrow(
      "line.png: is too thin to be resized; got 6000000 x 1; cut it",
    );
  });
});

describe("normalisePixels", () => {
  it("gives planes of (value · factor - mean) / deviation", () => {
    const picture = { data: Uint8Array.of(0, 255, 51, 255, 0, 102), widthPx: 2, heightPx: 1 };
    const values = normalisePixels(picture, rules.crop as ImageProcessor);
    expect([...values]).toEqual([-1, 1, 3, -1, Math.fround(0.2), Math.fround(0.4)]);
  });
});
