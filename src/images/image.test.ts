import { mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import sharp, { type Metadata, type Sharp } from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ImageError } from "../errors.js";
import { type DecodedImage, decodeImage, thumbnail, thumbnailDataUri } from "./image.js";

const red = [200, 30, 40] as const;
const blue = [20, 60, 220] as const;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "image-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Left half red, right half blue. */
function twoColours(widthPx: number, heightPx: number): Sharp {
  const data = Buffer.alloc(widthPx * heightPx * 3);
  for (let i = 0; i < widthPx * heightPx; i += 1) data.set(i % widthPx < widthPx / 2 ? red : blue, i * 3);
  return sharp(data, { raw: { width: widthPx, height: heightPx, channels: 3 } });
}

function pixel({ data, widthPx }: DecodedImage, x: number, y: number): number[] {
  return [...data.subarray((y * widthPx + x) * 3, (y * widthPx + x) * 3 + 3)];
}

/** Each channel within `tolerance`: JPEG and colour profiles do not keep exact values. */
function expectColour(actual: number[], expected: readonly number[], tolerance = 6): void {
  const worst = Math.max(
    ...actual.map((value, channel) => Math.abs(value - (expected[channel] ?? Number.NaN))),
  );
  expect(worst, `${actual} is not ${expected}`).toBeLessThanOrEqual(tolerance);
}

describe("decodeImage", () => {
  it.each(["jpeg", "png", "webp"] as const)("gives RGB rows from %s", async (format) => {
    const image = await decodeImage(await twoColours(40, 40).toFormat(format).toBuffer(), { resizePx: 16 });
    expect([image.widthPx, image.heightPx, image.data.length]).toEqual([16, 16, 16 * 16 * 3]);
    expectColour(pixel(image, 1, 13), red);
    expectColour(pixel(image, 14, 2), blue);
  });

  it("squashes proportions, or pads with white", async () => {
    const wide = await twoColours(60, 20).png().toBuffer();
    const squashed = await decodeImage(wide, { resizePx: 15 });
    expectColour(pixel(squashed, 2, 0), red);
    expectColour(pixel(squashed, 12, 14), blue);
    const padded = await decodeImage(wide, { resizePx: 15, fit: "pad" });
    expect(pixel(padded, 2, 1)).toEqual([255, 255, 255]);
    expect(pixel(padded, 2, 13)).toEqual([255, 255, 255]);
    expectColour(pixel(padded, 2, 7), red);
    expectColour(pixel(padded, 12, 7), blue);
  });

  // Corners of the stored picture (top left, top right, bottom left, bottom right), as EXIF 2.3 says they are shown.
  it.each([
    [1, "rgby"],
    [2, "gryb"],
    [3, "ybgr"],
    [4, "byrg"],
    [5, "rbgy"],
    [6, "bryg"],
    [7, "ygbr"],
    [8, "gyrb"],
  ])("turns pictures upright as EXIF orientation %i says", async (orientation, shown) => {
    const corners = { r: red, g: [30, 160, 40], b: blue, y: [220, 200, 30] } as const;
    const stored = Buffer.alloc(40 * 20 * 3);
    for (let i = 0; i < 800; i += 1) {
      const name = (["r", "g", "b", "y"] as const)[(i >= 400 ? 2 : 0) + (i % 40 >= 20 ? 1 : 0)] ?? "r";
      stored.set(corners[name], i * 3);
    }
    const raw = { width: 40, height: 20, channels: 3 } as const;
    for (const format of ["jpeg", "png", "webp"] as const) {
      const file = await sharp(stored, { raw }).withMetadata({ orientation }).toFormat(format).toBuffer();
      const squashed = await decodeImage(file, { resizePx: 20 });
      const places = [
        [4, 4],
        [15, 4],
        [4, 15],
        [15, 15],
      ] as const;
      for (const [i, [x, y]] of places.entries())
        expectColour(pixel(squashed, x, y), corners[shown[i] as keyof typeof corners], 20);
      // The shown picture is twice as wide as high, or twice as high as wide: white is added accordingly.
      const padded = await decodeImage(file, { resizePx: 20, fit: "pad" });
      const isTall = orientation >= 5;
      expectColour(pixel(padded, 10, 1), isTall ? pixel(padded, 10, 5) : [255, 255, 255], 20);
      expectColour(pixel(padded, 1, 10), isTall ? [255, 255, 255] : pixel(padded, 5, 10), 20);
    }
  });

  it("puts transparent pictures on white", async () => {
    const clear = {
      create: { width: 9, height: 9, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } },
    } as const;
    expect(pixel(await decodeImage(await sharp(clear).png().toBuffer(), { resizePx: 9 }), 4, 4)).toEqual([
      255, 255, 255,
    ]);
    const half = { create: { ...clear.create, background: { r: 0, g: 0, b: 0, alpha: 0.5 } } } as const;
    expectColour(
      pixel(await decodeImage(await sharp(half).webp().toBuffer(), { resizePx: 9 }), 4, 4),
      [127, 127, 127],
    );
  });

  it.each([
    ["greyscale", () => twoColours(20, 20).toColourspace("b-w").jpeg(), { channels: 1 }, [102, 102, 102], 6],
    ["16-bit", () => twoColours(20, 20).toColourspace("rgb16").png(), { depth: "ushort" }, red, 3],
    [
      "16-bit grey",
      () => twoColours(20, 20).toColourspace("grey16").png(),
      { space: "grey16" },
      [102, 102, 102],
      6,
    ],
    ["palette", () => twoColours(20, 20).png({ palette: true }), { isPalette: true }, red, 6],
    [
      "1-bit",
      () => twoColours(20, 20).threshold(50).toColourspace("b-w").png({ palette: true, colours: 2 }),
      { format: "png" },
      [255, 255, 255],
      3,
    ],
    ["CMYK", () => twoColours(20, 20).toColourspace("cmyk").jpeg(), { space: "cmyk" }, red, 30],
    ["progressive", () => twoColours(20, 20).jpeg({ progressive: true }), { isProgressive: true }, red, 6],
  ] as const)(
    "converts %s pictures to 8-bit RGB",
    async (_, make, kind: Partial<Metadata>, colour, tolerance) => {
      const file = await make().toBuffer();
      expect(await sharp(file).metadata()).toMatchObject(kind);
      const image = await decodeImage(file, { resizePx: 20 });
      expect(image.data).toHaveLength(20 * 20 * 3);
      expectColour(pixel(image, 3, 10), colour, tolerance);
    },
  );

  it.each(["palette", "grey"])("puts transparent %s pictures on white", async (kind) => {
    const half = Buffer.alloc(20 * 20 * 4);
    for (let i = 0; i < 400; i += 1) half.set(i % 20 < 10 ? [60, 60, 60, 255] : [0, 0, 0, 0], i * 4);
    const picture = sharp(half, { raw: { width: 20, height: 20, channels: 4 } });
    const file = await (kind === "grey"
      ? picture.toColourspace("b-w").png()
      : picture.png({ palette: true })
    ).toBuffer();
    expect(await sharp(file).metadata()).toMatchObject(
      kind === "grey" ? { channels: 2, hasAlpha: true } : { isPalette: true, hasAlpha: true },
    );
    const image = await decodeImage(file, { resizePx: 20 });
    expectColour(pixel(image, 3, 10), [60, 60, 60]);
    expectColour(pixel(image, 16, 10), [255, 255, 255]);
  });

  it("goes by the content, not by the name", async () => {
    const file = join(folder, "really-a-png.jpg");
    await twoColours(20, 20).png().toFile(file.replace(".jpg", ".png"));
    renameSync(file.replace(".jpg", ".png"), file);
    expectColour(pixel(await decodeImage(file, { resizePx: 20 }), 3, 10), red);
  });

  it("refuses an animated GIF, a TIFF and an AVIF by name", async () => {
    for (const [format, name] of [
      ["gif", "GIF"],
      ["tiff", "TIFF"],
      ["avif", "AVIF or HEIC"],
    ] as const) {
      const file = await twoColours(20, 20).toFormat(format).toBuffer();
      await expect(decodeImage(file, { resizePx: 8, name: "x.jpg" })).rejects.toThrow(
        `x.jpg: must be a JPEG, PNG or WebP image; got ${name};`,
      );
    }
  });

  it("takes the first picture of an animation", async () => {
    const frames = await Promise.all(
      [red, blue].map(([r, g, b]) =>
        sharp({ create: { width: 12, height: 12, channels: 3, background: { r, g, b } } })
          .png()
          .toBuffer(),
      ),
    );
    const file = await sharp(frames, { join: { animated: true } })
      .webp({ lossless: true, delay: [100, 100] })
      .toBuffer();
    expect((await sharp(file).metadata()).pages).toBe(2);
    const image = await decodeImage(file, { resizePx: 12 });
    for (const y of [0, 6, 11]) expectColour(pixel(image, 6, y), red);
  });

  it("enlarges a picture of one pixel", async () => {
    const image = await decodeImage(await twoColours(1, 1).png().toBuffer(), { resizePx: 8 });
    expectColour(pixel(image, 7, 7), red);
  });

  it("decodes 40 megapixels and refuses more than the limit before decoding", async () => {
    const blank = { create: { width: 8000, height: 5000, channels: 3, background: "#abc" } } as const;
    const file = await sharp(blank).jpeg({ quality: 50 }).toBuffer();
    expectColour(pixel(await decodeImage(file, { resizePx: 8 }), 4, 4), [0xaa, 0xbb, 0xcc]);
    await expect(decodeImage(file, { resizePx: 8, maxPixels: 39e6, name: "big.jpg" })).rejects.toThrow(
      "big.jpg: has more than 39 megapixels; got 8000 x 5000; make it smaller",
    );
  });

  it("refuses a small file that unpacks to billions of pixels, and at once", async () => {
    const png = await twoColours(3, 3).png().toBuffer();
    png.writeUInt32BE(60_000, 16);
    png.writeUInt32BE(60_000, 20);
    png.writeUInt32BE(crc32(png.subarray(12, 29)), 29); // the header chunk's checksum is right
    const jpeg = await twoColours(3, 3).jpeg().toBuffer();
    jpeg.writeUInt32BE(0xea60ea60, jpeg.indexOf(Buffer.from([0xff, 0xc0])) + 5);
    const startMs = performance.now();
    for (const file of [png, jpeg]) {
      await expect(decodeImage(file, { resizePx: 8, name: "bomb" })).rejects.toThrow(
        "bomb: has more than 64 megapixels; got 60000 x 60000; make it smaller",
      );
    }
    expect(performance.now() - startMs).toBeLessThan(1000);
  });

  it.each([
    ["HTML", "<!DOCTYPE html><html><body>404</body></html>"],
    ["SVG", '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>'],
    ["SVG", '<svg width="9"/>'],
    ["BMP", `BM\x3a\0\0\0\0\0\0\0${"\0".repeat(40)}`],
    ["GIF", "GIF89a\x01\0\x01\0"],
    ["TIFF", "II*\0\x08\0\0\0"],
    ["text", "not found"],
    ["an unknown format", "\x01\x02\x03"],
  ])("refuses %s, whatever the file is called", async (format, content) => {
    const file = join(folder, "disguised.jpg");
    writeFileSync(file, content, "latin1");
    const decoding = decodeImage(file, { resizePx: 8 });
    await expect(decoding).rejects.toThrow(ImageError);
    await expect(decoding).rejects.toThrow(
      `disguised.jpg: must be a JPEG, PNG or WebP image; got ${format}; convert`,
    );
  });

  it("refuses a missing path, a folder, a file without an end and an empty one", async () => {
    const missing = join(folder, "missing.jpg");
    await expect(decodeImage(missing, { resizePx: 8 })).rejects.toThrow(`${missing}: there is no such file`);
    await expect(decodeImage(folder, { resizePx: 8 })).rejects.toThrow(ImageError);
    writeFileSync(join(folder, "long.jpg"), "");
    truncateSync(join(folder, "long.jpg"), 257 * 2 ** 20); // takes no room on most disks
    await expect(decodeImage(join(folder, "long.jpg"), { resizePx: 8 })).rejects.toThrow(
      "long.jpg: the file is larger than 268435456 bytes; got 269484032; make it smaller",
    );
    rmSync(join(folder, "long.jpg"));
    writeFileSync(join(folder, "empty.jpg"), "");
    await expect(decodeImage(join(folder, "empty.jpg"), { resizePx: 8 })).rejects.toThrow(
      "empty.jpg: the file is empty; fetch it again or remove it",
    );
  });

  it.each(["jpeg", "png", "webp"] as const)("refuses a %s that was cut off", async (format) => {
    const file = join(folder, `cut.${format}`);
    const noise = {
      create: {
        width: 90,
        height: 90,
        channels: 3,
        background: "red",
        noise: { type: "gaussian", mean: 128, sigma: 30 },
      },
    } as const;
    const bytes = await sharp(noise).toFormat(format).toBuffer();
    writeFileSync(file, bytes);
    await expect(decodeImage(file, { resizePx: 8 })).resolves.toBeDefined();
    for (const part of [0.02, 0.5, 0.97]) {
      writeFileSync(file, bytes);
      truncateSync(file, Math.floor(bytes.length * part) + 12);
      const decoding = decodeImage(file, { resizePx: 8 });
      await expect(decoding, `${part}`).rejects.toThrow(ImageError);
      await expect(decoding).rejects.toThrow(
        new RegExp(`cut\\.${format}: the image is damaged; got .*; fetch it again`, "s"),
      );
    }
  });

  it("refuses a file whose bytes were overwritten", async () => {
    const bytes = await twoColours(90, 90).png().toBuffer();
    bytes.fill(0x55, 50, bytes.length - 20);
    await expect(decodeImage(bytes, { resizePx: 8, name: "upload" })).rejects.toThrow(
      /^upload: the image is damaged/,
    );
  });
});

describe("thumbnail", () => {
  it("gives a small WebP of the same proportions, never a larger one", async () => {
    const bytes = await twoColours(80, 40).png().toBuffer();
    for (const [px, expected] of [
      [20, [20, 10, "webp"]],
      [200, [80, 40, "webp"]],
    ] as const) {
      const { width, height, format } = await sharp(await thumbnail(bytes, px)).metadata();
      expect([width, height, format]).toEqual(expected);
    }
    await expect(thumbnail(bytes.subarray(0, 60), 20)).rejects.toThrow(ImageError);
  });
});

describe("thumbnailDataUri", () => {
  it("gives a small JPEG of the same proportions", async () => {
    const file = join(folder, "thumb.png");
    await twoColours(80, 40).png().toFile(file);
    const uri = await thumbnailDataUri(file, 20);
    const [head, body] = uri.split(",");
    expect(head).toBe("data:image/jpeg;base64");
    const { width, height, format } = await sharp(Buffer.from(body ?? "", "base64")).metadata();
    expect([width, height, format]).toEqual([20, 10, "jpeg"]);
  });

  it("refuses what is not an image", async () => {
    await expect(thumbnailDataUri(join(folder, "nothing.png"), 20)).rejects.toThrow(ImageError);
  });
});
