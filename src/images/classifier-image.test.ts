import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { ImageError } from "../errors.js";
import { readBitmap } from "./bitmap.js";
import { readClassifierImage } from "./classifier-image.js";

const folder = mkdtempSync(join(tmpdir(), "classifier-image-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A bitmap of the given rows of [red, green, blue], the lowest row first unless `isTopDown`. */
function bitmap(rows: readonly (readonly number[])[][], { bits = 24, isTopDown = false } = {}): Buffer {
  const [height, width] = [rows.length, rows[0]?.length ?? 0];
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  const bytes = Buffer.alloc(54 + rowBytes * height);
  bytes.write("BM", "latin1");
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(width, 18);
  bytes.writeInt32LE(isTopDown ? -height : height, 22);
  bytes.writeUInt16LE(bits, 28);
  for (const [y, row] of rows.entries()) {
    const start = 54 + rowBytes * (isTopDown ? y : height - 1 - y);
    for (const [x, [red = 0, green = 0, blue = 0]] of row.entries())
      bytes.set([blue, green, red], start + (x * bits) / 8);
  }
  return bytes;
}

const rows = [
  [
    [1, 2, 3],
    [4, 5, 6],
    [7, 8, 9],
  ],
  [
    [10, 11, 12],
    [13, 14, 15],
    [16, 17, 18],
  ],
];

describe("readBitmap", () => {
  it.each([[{ bits: 24 }], [{ bits: 32 }], [{ bits: 24, isTopDown: true }]])(
    "reads rows from the top, red first: %o",
    (options) => {
      const { data, widthPx, heightPx } = readBitmap(bitmap(rows, options), "x.bmp");
      expect([widthPx, heightPx]).toEqual([3, 2]);
      expect([...data]).toEqual(rows.flat(2));
    },
  );

  it("refuses palettes, compression and files that are cut short", () => {
    const palette = bitmap(rows);
    palette.writeUInt16LE(8, 28);
    expect(() => readBitmap(palette, "x.bmp")).toThrow(
      /x\.bmp: must be a bitmap of 24 or 32 bits.*got 8 bits/,
    );
    const packed = bitmap(rows);
    packed.writeUInt32LE(3, 30);
    expect(() => readBitmap(packed, "x.bmp")).toThrow(/compression 3/);
    const huge = bitmap(rows);
    huge.writeInt32LE(2 ** 30, 18);
    expect(() => readBitmap(huge, "x.bmp")).toThrow(/got 1073741824 x 2/);
    for (let length = 0; length < bitmap(rows).length; length += 1)
      expect(() => readBitmap(bitmap(rows).subarray(0, length), "x.bmp")).toThrow(ImageError);
  });
});

describe("readClassifierImage", () => {
  it("makes the shorter side 256 px and cuts the middle 224, proportions kept", async () => {
    // Columns 0..511 in red, rows 0..255 in green: the middle starts at column 144, row 16.
    const [width, height] = [512, 256];
    const pixels = Buffer.alloc(width * height * 3);
    for (let i = 0; i < width * height; i += 1)
      pixels.set([(i % width) >> 1, Math.floor(i / width), 7], i * 3);
    const file = join(folder, "gradient.png");
    await sharp(pixels, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(file);
    const { data, sizePx } = await readClassifierImage(file);
    expect([sizePx, data.length]).toEqual([224, 224 * 224 * 3]);
    const at = (x: number, y: number) => [...data.subarray((y * 224 + x) * 3, (y * 224 + x) * 3 + 3)];
    expect(at(0, 0)).toEqual([72, 16, 7]);
    expect(at(223, 223)).toEqual([(144 + 223) >> 1, 239, 7]);
  });

  it("reads bitmaps and greyscale, and refuses what is no image", async () => {
    const [file, grey] = [join(folder, "x.bmp"), join(folder, "grey.png")];
    writeFileSync(
      file,
      bitmap(Array.from({ length: 8 }, () => Array.from({ length: 8 }, () => [200, 100, 50]))),
    );
    expect([...(await readClassifierImage(file)).data.subarray(0, 3)]).toEqual([200, 100, 50]);
    await sharp({ create: { width: 9, height: 9, channels: 3, background: "#808080" } })
      .greyscale()
      .png()
      .toFile(grey);
    expect([...(await readClassifierImage(grey)).data.subarray(0, 3)]).toEqual([128, 128, 128]);
    writeFileSync(file, "hello");
    await expect(readClassifierImage(file)).rejects.toThrow(
      /must be a JPEG, PNG, WebP or BMP image; got text/,
    );
    await expect(readClassifierImage(join(folder, "none.png"))).rejects.toThrow(ImageError);
  });
});
