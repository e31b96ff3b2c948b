import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
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
    expect(cache.statistics).toEqual({
      hits: count + 1,
      fromDisk: 0,
      decoded: count,
      sizeBytes: count * bytesOfOne,
      disk: undefined,
    });
  });

  it("stays within its budget and decodes the rest again", async () => {
    const cache = new ImageCache(imagePath, { sizePx: 5, budgetBytes: 2.5 * bytesOfOne });
    for (let epoch = 0; epoch < 2; epoch += 1) {
      for (const id of ids) expect(await cache.pixels(id)).toHaveLength(bytesOfOne);
    }
    expect(cache.statistics).toMatchObject({
      hits: 2,
      decoded: 2 * count - 2,
      sizeBytes: 2 * bytesOfOne,
    });
  });

  it("names the image that is missing or damaged, and continues with the others", async () => {
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

describe("ImageCache with a disk", () => {
  const settings = { sizePx: 5, budgetBytes: 0 };
  let disk: { folder: string };
  const drawn = (background: string) =>
    sharp({ create: { width: 9, height: 9, channels: 3, background } })
      .png()
      .toBuffer();

  beforeEach(() => {
    disk = { folder: mkdtempSync(join(folder, "disk-")) };
  });

  it("gives a later run the same pixels without decoding", async () => {
    const first = new ImageCache(imagePath, { ...settings, disk });
    const pixels = await Promise.all(ids.map((id) => first.pixels(id)));
    expect(first.statistics).toMatchObject({ decoded: count, fromDisk: 0, disk: { written: count } });
    const second = new ImageCache(imagePath, { ...settings, disk });
    expect(await Promise.all(ids.map((id) => second.pixels(id)))).toEqual(pixels);
    expect(second.statistics).toMatchObject({ decoded: 0, fromDisk: count, disk: { written: 0 } });
  });

  it("decodes again what was replaced, even by a file of the same length and time", async () => {
    const file = imagePath("replaced");
    const [red, blue] = await Promise.all([drawn("#f00"), drawn("#00f")]);
    const length = Math.max(red.length, blue.length);
    const padded = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(length - bytes.length)]);
    const colour = async () => [
      ...(await new ImageCache(imagePath, { ...settings, disk }).pixels("replaced")).subarray(0, 3),
    ];
    writeFileSync(file, padded(red));
    utimesSync(file, 1e9, 1e9);
    expect(await colour()).toEqual([255, 0, 0]);
    writeFileSync(file, padded(blue));
    utimesSync(file, 1e9, 1e9);
    expect(await colour()).toEqual([0, 0, 255]);
  });

  it("keeps settings apart", async () => {
    for (const [sizePx, fit] of [
      [5, "squash"],
      [5, "pad"],
      [6, "squash"],
    ] as const) {
      const cache = new ImageCache(imagePath, { budgetBytes: 0, sizePx, fit, disk });
      expect(await cache.pixels("i1")).toHaveLength(sizePx * sizePx * 3);
      expect(cache.statistics.decoded, `${sizePx} ${fit}`).toBe(1);
    }
  });

  it("makes sure of an image without reading it back when memory is full", async () => {
    const first = new ImageCache(imagePath, { ...settings, disk });
    await first.ensure("i1");
    await first.ensure("i1");
    expect(first.statistics).toMatchObject({ decoded: 1, fromDisk: 0, sizeBytes: 0 });
    await expect(first.ensure("broken")).rejects.toThrow(/broken\.png: must be a JPEG/);
    const roomy = new ImageCache(imagePath, { sizePx: 5, disk });
    await roomy.ensure("i1");
    expect(roomy.statistics).toMatchObject({ decoded: 0, fromDisk: 1, sizeBytes: bytesOfOne });
  });
});
