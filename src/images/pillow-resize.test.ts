import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readSafetensors } from "../tensor-files/safetensors.js";
import type { DecodedImage } from "./image.js";
import { pillowResize, wholeAxis } from "./pillow-resize.js";
import { type Resample, resampleNumbers } from "./resample.js";

const golden = readSafetensors(
  join(import.meta.dirname, "../../tests/pictures/pillow/resized.safetensors"),
).tensors;

function pictureOf(key: string): DecodedImage {
  const { shape, data } = golden.get(key) ?? expect.fail(`${key} is missing`);
  const [heightPx = 0, widthPx = 0] = shape;
  return { data: data as Uint8Array, widthPx, heightPx };
}

describe("pillowResize", () => {
  it.each(Object.entries(resampleNumbers))("gives Pillow's bytes: %s", (resample, number) => {
    const keys = [...golden.keys()].filter((key) => new RegExp(`^resize/[^/]+/${number}/`).test(key));
    expect(keys).toHaveLength(30);
    const different = keys.filter((key) => {
      const input = pictureOf(`input/${key.split("/")[1]}`);
      const expected = pictureOf(key);
      const { data, widthPx, heightPx } = pillowResize(input, {
        across: wholeAxis(input.widthPx, expected.widthPx),
        down: wholeAxis(input.heightPx, expected.heightPx),
        resample: resample as Resample,
      });
      expect([widthPx, heightPx]).toEqual([expected.widthPx, expected.heightPx]);
      return Buffer.compare(data, expected.data) !== 0;
    });
    expect(different).toEqual([]);
  });

  it("computes a part as a part of the whole, black beyond its ends", () => {
    const input = pictureOf("input/23x17");
    const whole = pictureOf("resize/23x17/3/40x37");
    const { data } = pillowResize(input, {
      across: { ...wholeAxis(23, 40), first: -2, count: 11 },
      down: { ...wholeAxis(17, 37), first: 30, count: 13 },
      resample: "bicubic",
    });
    for (let y = 0; y < 13; y += 1) {
      for (let x = 0; x < 11; x += 1) {
        const from = ((y + 30) * 40 + x - 2) * 3;
        const expected = y + 30 < 37 && x >= 2 ? [...whole.data.subarray(from, from + 3)] : [0, 0, 0];
        expect([...data.subarray((y * 11 + x) * 3, (y * 11 + x) * 3 + 3)]).toEqual(expected);
      }
    }
  });
});
