import { describe, expect, it } from "vitest";
import { Random } from "../engine/tensor/random.js";
import { ConfigError } from "../errors.js";
import { centreCrop, randomCrop, stackCrops } from "./crops.js";

/** Images of 5 px whose pixel (x, y) is (id, x, y). */
const images = {
  sizePx: 5,
  pixels: async (id: string) =>
    Uint8Array.from(Array.from({ length: 25 }, (_, at) => [Number(id), at % 5, Math.floor(at / 5)]).flat()),
};

describe("stackCrops", () => {
  it("takes each image's own part, row by row, mirrored where asked", async () => {
    const crops = [
      { leftPx: 3, topPx: 1, isFlipped: false },
      { leftPx: 0, topPx: 2, isFlipped: true },
    ];
    const { shape, data } = await stackCrops(images, ["7", "9"], { crops, cropPx: 2 });
    expect(shape).toEqual([2, 2, 2, 3]);
    expect([...data]).toEqual(
      [
        [
          [7, 3, 1],
          [7, 4, 1],
          [7, 3, 2],
          [7, 4, 2],
        ],
        [
          [9, 1, 2],
          [9, 0, 2],
          [9, 1, 3],
          [9, 0, 3],
        ],
      ].flat(2),
    );
  });

  it("refuses crops larger than the images, or empty", async () => {
    const stack = (cropPx: number) => stackCrops(images, ["1"], { crops: [centreCrop(5, cropPx)], cropPx });
    await expect(stack(6)).rejects.toThrow(ConfigError);
    await expect(stack(0)).rejects.toThrow(/cropPx: must be between 1 and the images' size, 5 px; got 0/);
  });
});

describe("crops", () => {
  it("are in the middle, one pixel off where there is none", () => {
    expect(centreCrop(5, 3)).toEqual({ leftPx: 1, topPx: 1, isFlipped: false });
    expect(centreCrop(6, 3)).toEqual({ leftPx: 1, topPx: 1, isFlipped: false });
  });

  it("are drawn for each axis", () => {
    const random = new Random(3);
    const places = new Set(
      Array.from({ length: 200 }, () => {
        const { leftPx, topPx } = randomCrop(6, 4, random);
        return `${leftPx} ${topPx}`;
      }),
    );
    expect([...places].sort()).toEqual(["0 0", "0 1", "0 2", "1 0", "1 1", "1 2", "2 0", "2 1", "2 2"]);
  });
});
