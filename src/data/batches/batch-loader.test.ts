import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../engine/tensor/random.js";
import { ConfigError, ImageError, RunError } from "../../errors.js";
import { ImageCache } from "../../images/image-cache.js";
import { Vocabulary } from "../../text/vocabulary.js";
import { FixedSplit } from "../fixed-split.js";
import type { Triplet } from "../triplet.js";
import { type Batch, BatchLoader, type BatchLoaderOptions } from "./batch-loader.js";

const sizePx = 7;
const imageCount = 13;
const triplets: Triplet[] = Array.from({ length: 11 }, (_, i) => ({
  reference: String(i),
  target: String(i + 2),
  captions: ["red", `w${i}`],
  category: "dress",
}));
const split = new FixedSplit({ name: "train", triplets, images: new Map() });
const vocabulary = Vocabulary.fromTexts(triplets.map(({ captions }) => captions.join(" and ")));
let folder: string;
let images: ImageCache;

/** Pixel (x, y) of image i is (10 i, x, y), so that every pixel tells where it comes from. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "batch-loader-"));
  for (let i = 0; i < imageCount; i += 1) {
    const data = Buffer.from(
      Array.from({ length: sizePx * sizePx }, (_, at) => [
        10 * i,
        at % sizePx,
        Math.floor(at / sizePx),
      ]).flat(),
    );
    await sharp(data, { raw: { width: sizePx, height: sizePx, channels: 3 } }).toFile(
      join(folder, `${i}.png`),
    );
  }
  images = new ImageCache((id) => join(folder, `${id}.png`), { sizePx });
});
afterAll(() => rmSync(folder, { recursive: true }));

const augmented = { cropPx: 5, shouldCropRandomly: true, shouldFlip: true, shouldSwapCaptions: true };

function loaderOf(options: Partial<BatchLoaderOptions> = {}, seed = 1): BatchLoader {
  return new BatchLoader(split, images, vocabulary, {
    batchSize: 3,
    maxWords: 5,
    random: new Random(seed),
    ...options,
  });
}

async function epochOf(loader: BatchLoader): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of loader.epoch()) batches.push(batch);
  return batches;
}

/** Pixel (x, y) of the image at `place` of a batch. */
function pixel(
  {
    images: {
      images: { data, shape },
    },
  }: Batch,
  place: number,
  [x, y]: readonly [number, number],
): number[] {
  const side = shape[1] ?? 0;
  const start = ((place * side + y) * side + x) * 3;
  return Array.from(data.subarray(start, start + 3), Number);
}

describe("BatchLoader", () => {
  it("gives references, then targets, and the texts of the same triplets", async () => {
    for (const batch of await epochOf(loaderOf())) {
      expect(batch.images.images.shape).toEqual([6, sizePx, sizePx, 3]);
      expect(batch.tokens.shape).toEqual([3, 5]);
      expect([...batch.lengths.data]).toEqual([3n, 3n, 3n]);
      for (const [i, triplet] of batch.triplets.entries()) {
        expect(pixel(batch, i, [2, 6])).toEqual([10 * Number(triplet.reference), 2, 6]);
        expect(pixel(batch, 3 + i, [2, 6])).toEqual([10 * Number(triplet.target), 2, 6]);
        const text = vocabulary.encode(triplet.captions.join(" and "), 5);
        expect([...batch.tokens.data.subarray(5 * i, 5 * i + 5)].map(Number)).toEqual(text.tokens);
      }
    }
  });

  it("fills batches from one category where it can, and loses no triplet by it", async () => {
    const mixed = new FixedSplit({
      name: "train",
      triplets: triplets
        .slice(0, 9)
        .map((triplet, i) => ({ ...triplet, category: i % 2 ? "dress" : "shirt" })),
      images: new Map(),
    });
    const loader = new BatchLoader(mixed, images, vocabulary, {
      batchSize: 2,
      maxWords: 5,
      random: new Random(1),
      grouping: "category",
    });
    const batches = (await epochOf(loader)).map((batch) => batch.triplets);
    expect(batches).toHaveLength(4);
    for (const batch of batches) expect(new Set(batch.map(({ category }) => category)).size).toBe(1);
    expect(new Set(batches.flat().map(({ reference }) => reference)).size).toBe(8);
    expect(new Set(batches.map(([first]) => first?.category)).size).toBe(2);
  });

  it("puts triplets that share images into one batch", async () => {
    // Two chains of images, 0-1-2-3 and 4-5-6-7, in one category.
    const chains = [0, 1, 2, 4, 5, 6].map((i) => ({
      reference: String(i),
      target: String(i + 1),
      captions: ["red"],
      category: "dress",
    }));
    const loader = new BatchLoader(
      new FixedSplit({ name: "train", triplets: chains, images: new Map() }),
      images,
      vocabulary,
      {
        batchSize: 3,
        maxWords: 5,
        random: new Random(3),
        grouping: "neighbours",
      },
    );
    const batches = (await epochOf(loader)).map((batch) =>
      batch.triplets.map(({ reference }) => Number(reference)).sort(),
    );
    expect(batches.sort()).toEqual([
      [0, 1, 2],
      [4, 5, 6],
    ]);
  });

  it("shuffles every epoch anew and leaves out what does not fill a batch", async () => {
    const loader = loaderOf();
    expect(loader.batchesPerEpoch).toBe(3);
    const epochs = [await epochOf(loader), await epochOf(loader)];
    const orders = epochs.map((batches) =>
      batches.flatMap((batch) => batch.triplets.map(({ reference }) => reference)),
    );
    for (const order of orders) expect(new Set(order).size).toBe(9);
    expect(orders[0]).not.toEqual(orders[1]);
    expect(epochs.flat().map(({ epoch, index }) => [epoch, index])).toEqual([
      [0, 0],
      [0, 1],
      [0, 2],
      [1, 0],
      [1, 1],
      [1, 2],
    ]);
  });

  it("takes the middle of each image unless told otherwise", async () => {
    const [batch] = await epochOf(loaderOf({ cropPx: 3 }));
    expect(batch && pixel(batch, 0, [0, 0]).slice(1)).toEqual([2, 2]);
    expect(batch && pixel(batch, 5, [2, 1]).slice(1)).toEqual([4, 3]);
  });

  it("crops, flips and swaps captions at random, in every way there is", async () => {
    const loader = loaderOf(augmented);
    const places = new Set<string>();
    const texts = new Set<string>();
    for (let epoch = 0; epoch < 12; epoch += 1) {
      for (const batch of await epochOf(loader)) {
        for (let place = 0; place < 6; place += 1) {
          const [, left = 0, top] = pixel(batch, place, [0, 0]);
          const [, right = 0] = pixel(batch, place, [4, 0]);
          expect(Math.abs(right - left)).toBe(4);
          expect(pixel(batch, place, [0, 4])[2]).toBe((top ?? 0) + 4);
          places.add(`${Math.min(left, right)} ${top} ${right < left}`);
        }
        for (let i = 0; i < 3; i += 1) {
          const isSwapped = batch.tokens.data[5 * i] !== BigInt(vocabulary.tokenOf("red"));
          texts.add(`${isSwapped} ${batch.tokens.data[5 * i + 1] === BigInt(vocabulary.tokenOf("and"))}`);
        }
      }
    }
    expect(places.size).toBe(3 * 3 * 2);
    expect([...texts].sort()).toEqual(["false true", "true true"]);
  });

  it("gives the same batches for the same seed, whatever the consumer's pace and the prefetch", async () => {
    const eager = await epochOf(loaderOf({ ...augmented, prefetchCount: 5 }));
    const slow: Batch[] = [];
    for await (const batch of loaderOf({ ...augmented, prefetchCount: 0 }).epoch()) {
      slow.push(batch);
      await sleep(3);
    }
    expect(slow).toEqual(eager);
    expect(await epochOf(loaderOf(augmented, 2))).not.toEqual(eager);
  });

  it("prepares batches while the consumer works, and no more than prefetchCount", async () => {
    const source = new ImageCache((id) => join(folder, `${id}.png`), { sizePx, budgetBytes: 0 });
    const loader = new BatchLoader(split, source, vocabulary, {
      batchSize: 1,
      maxWords: 3,
      random: new Random(1),
    });
    const iterator = loader.epoch();
    await iterator.next();
    await expect.poll(() => source.statistics.decoded + source.statistics.hits).toBe(3 * 2);
    await sleep(20);
    expect(source.statistics.decoded + source.statistics.hits).toBe(3 * 2);
  });

  it("continues from a saved state as if it had not stopped", async () => {
    const whole = loaderOf(augmented);
    const expected = [...(await epochOf(whole)), ...(await epochOf(whole))];
    for (const stop of [0, 1, 3, 4]) {
      const first = loaderOf(augmented);
      const given: Batch[] = [];
      while (given.length < stop) {
        for await (const batch of first.epoch()) {
          given.push(batch);
          if (given.length === stop) break;
        }
      }
      const second = loaderOf(augmented, 99);
      second.restore(JSON.parse(JSON.stringify(first.state())));
      while (given.length < expected.length) given.push(...(await epochOf(second)));
      expect(given).toEqual(expected);
    }
  });

  it("refuses a state of other data, fewer triplets than a batch, and a crop larger than the images", () => {
    const state = { random: new Random(1).state(), epoch: 2, batch: 3 };
    expect(() => loaderOf().restore(state)).toThrow(RunError);
    expect(() => loaderOf({ batchSize: 12 })).toThrow(
      /between 1 and the number of train triplets, 11; got 12/,
    );
    expect(() => loaderOf({ batchSize: 0 })).toThrow(ConfigError);
    expect(() => loaderOf({ cropPx: 8 })).toThrow(
      /cropPx: must be between 1 and the images' size, 7 px; got 8/,
    );
  });

  it("reports a damaged image when its batch is due, after the batches before it", async () => {
    const source = new ImageCache((id) => join(folder, id === "4" ? "gone.png" : `${id}.png`), { sizePx });
    const loader = new BatchLoader(split, source, vocabulary, {
      batchSize: 1,
      maxWords: 3,
      random: new Random(5),
    });
    const given: Triplet[] = [];
    const loop = async () => {
      for await (const batch of loader.epoch()) given.push(...batch.triplets);
    };
    await expect(loop()).rejects.toThrow(ImageError);
    await expect(loop()).rejects.toThrow(/gone\.png: there is no such file/);
    expect(given.length).toBe(loader.state().batch);
    expect(given.every(({ reference, target }) => reference !== "4" && target !== "4")).toBe(true);
  });
});
