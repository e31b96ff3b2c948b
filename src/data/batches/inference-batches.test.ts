import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConfigError, ImageError } from "../../errors.js";
import { ImageCache } from "../../images/image-cache.js";
import { Vocabulary } from "../../text/vocabulary.js";
import { type ImageBatch, imageBatches, textBatches } from "./inference-batches.js";

let folder: string;
let images: ImageCache;
const ids = ["0", "1", "2", "3", "4"];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "inference-batches-"));
  for (const id of ids) {
    const background = { r: 50 * Number(id), g: 7, b: 9 };
    await sharp({ create: { width: 5, height: 5, channels: 3, background } }).toFile(
      join(folder, `${id}.png`),
    );
  }
  images = new ImageCache((id) => join(folder, `${id}.png`), { sizePx: 5 });
});
afterAll(() => rmSync(folder, { recursive: true }));

async function batchesOf(
  batchIds: readonly string[],
  options: { readonly batchSize: number; readonly cropPx?: number },
): Promise<ImageBatch[]> {
  const batches: ImageBatch[] = [];
  for await (const batch of imageBatches(images, batchIds, options)) batches.push(batch);
  return batches;
}

describe("imageBatches", () => {
  it("gives every image once, in order, the last batch being shorter", async () => {
    const batches = await batchesOf(ids, { batchSize: 2, cropPx: 3 });
    expect(batches.map((batch) => batch.ids)).toEqual([["0", "1"], ["2", "3"], ["4"]]);
    expect(batches.map((batch) => batch.images.images.shape)).toEqual([
      [2, 3, 3, 3],
      [2, 3, 3, 3],
      [1, 3, 3, 3],
    ]);
    expect(batches.flatMap((batch) => batch.ids.map((_, i) => batch.images.images.data[i * 27]))).toEqual([
      0, 50, 100, 150, 200,
    ]);
  });

  it("gives nothing for no images", async () => {
    expect(await batchesOf([], { batchSize: 2 })).toEqual([]);
  });

  it("reports a missing image and a crop that does not fit", async () => {
    await expect(batchesOf(["0", "1", "none"], { batchSize: 1 })).rejects.toThrow(ImageError);
    await expect(batchesOf(["0"], { batchSize: 1, cropPx: 6 })).rejects.toThrow(ConfigError);
  });
});

describe("textBatches", () => {
  it("gives every text once, padded to the same number of words", () => {
    const vocabulary = new Vocabulary(["is", "red"]);
    const batches = [...textBatches(vocabulary, ["is red", "", "red"], { batchSize: 2, maxWords: 3 })];
    expect(batches.map(({ texts }) => texts)).toEqual([["is red", ""], ["red"]]);
    expect(batches.map(({ tokens }) => [...tokens.data].map(Number))).toEqual([
      [2, 3, 0, 1, 0, 0],
      [3, 0, 0],
    ]);
    expect(batches.map(({ lengths }) => [...lengths.data].map(Number))).toEqual([[2, 1], [1]]);
  });
});
