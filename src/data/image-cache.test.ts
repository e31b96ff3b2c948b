import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ImageError } from "../errors.js";
import { ImageCache } from "./image-cache.js";

let folder: string;
const count = 7;
const imagePath = (id: string) => join(folder, `${id}.png`);
const ids = Array.from({ length: count }, (_, i) => `i${i}`);
const bytesOfOne = 5 * 5 * 3;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "image-cache-"));
  for (const [i, id] of ids.entries()) {
    const background = { r: i * 20, g: 1, b: 2 };
    await sharp({ create: { width: 11, height: 13, channels: 3, background } }).toFile(imagePath(id));
  }
  writeFileSync(imagePath("broken"), "oops");
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("ImageCache", () => {
  it("gives each image its own pixels, decoded once however often it is asked for", async () => {
    const cache = new ImageCache(imagePath, { sizePx: 5, parallelDecodes: 2 });
    const all = await Promise.all([...ids, ...ids].map((id) => cache.pixels(id)));
    for (const [i, pixels] of all.entries())
      expect([...pixels.subarray(0, 3)]).toEqual([(i % count) * 20, 1, 2]);
    await cache.pixels("i3");
    expect(cache.statistics).toEqual({ hits: count + 1, decoded: count, sizeBytes: count * bytesOfOne });
  });

  it("stays within its budget and decodes the rest again", async () => {
    const cache = new ImageCache(imagePath, { sizePx: 5, budgetBytes: 2.5 * bytesOfOne });
    for (let epoch = 0; epoch < 2; epoch += 1) {
      for (const id of ids) expect(await cache.pixels(id)).toHaveLength(bytesOfOne);
    }
    expect(cache.statistics).toEqual({ hits: 2, decoded: 2 * count - 2, sizeBytes: 2 * bytesOfOne });
  });

  it("names the image that is missing or damaged, and goes on with the others", async () => {
    const cache = new ImageCache((id) => (id === "absent" ? undefined : imagePath(id)), {
      sizePx: 5,
      parallelDecodes: 1,
    });
    const asked = ["broken", "absent", "nowhere", "i1", "broken"].map((id) => cache.pixels(id));
    const answers = await Promise.allSettled(asked);
    expect(answers.map(({ status }) => status)).toEqual([
      "rejected",
      "rejected",
      "rejected",
      "fulfilled",
      "rejected",
    ]);
    await expect(cache.pixels("broken")).rejects.toThrow(/broken\.png: must be a JPEG, PNG or WebP image/);
    await expect(cache.pixels("absent")).rejects.toThrow(/^absent: the data set has no file/);
    await expect(cache.pixels("nowhere")).rejects.toThrow(ImageError);
    expect(await cache.pixels("i2")).toHaveLength(bytesOfOne);
  });
});
