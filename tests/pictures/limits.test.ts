/** What a picture may cost is told by its header, and everything that costs more is refused before it is decoded. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { readClassifierImage } from "../../src/images/classifier-image.js";
import { decodeImage, thumbnail, thumbnailDataUri } from "../../src/images/image.js";
import { blankPng, colourProfile, jpegOfManyScans, png } from "./make-pictures.js";

/** Every way in. */
async function expectRefused(bytes: Uint8Array, message: string): Promise<void> {
  await expect(decodeImage(bytes, { resizePx: 8 })).rejects.toThrow(`image: ${message}`);
  await expect(thumbnail(bytes, 8)).rejects.toThrow(`image: ${message}`);
  const folder = mkdtempSync(join(tmpdir(), "limits-"));
  try {
    const file = join(folder, "picture");
    writeFileSync(file, bytes);
    await expect(thumbnailDataUri(file, 8)).rejects.toThrow(`${file}: ${message}`);
    await expect(readClassifierImage(file)).rejects.toThrow(`${file}: ${message}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("a picture is refused before it is decoded", () => {
  it.each([
    [1, 65_536],
    [70_000, 2],
  ])("with a side of more than 65,535 pixels: %i x %i", async (widthPx, heightPx) => {
    const bytes = png({ widthPx, heightPx, bits: 8, colourType: 2 });
    await expectRefused(
      bytes,
      `a side is longer than 65535 pixels; got ${widthPx} x ${heightPx}; make it smaller`,
    );
    const atLimit = png({
      widthPx: Math.min(widthPx, 65_535),
      heightPx: Math.min(heightPx, 65_535),
      bits: 8,
      colourType: 2,
    });
    expect((await decodeImage(atLimit, { resizePx: 8 })).data).toHaveLength(192);
  });

  it("with more bytes than that many pixels of 8-bit RGB and alpha", async () => {
    const sides = { widthPx: 100, heightPx: 100 } as const;
    const deep = png({ ...sides, bits: 16, colourType: 6 });
    const message = "takes more than 76000 bytes decoded; got 80000 for 100 x 100 with 4 channels of 16 bits";
    await expect(decodeImage(deep, { resizePx: 8, maxPixels: 19_000 })).rejects.toThrow(message);
    const shallow = png({ ...sides, bits: 8, colourType: 6 });
    expect((await decodeImage(shallow, { resizePx: 8, maxPixels: 10_000 })).data).toHaveLength(192);
  });

  it("with more scans than its size allows", async () => {
    await expectRefused(
      jpegOfManyScans(7000, 7000, 800),
      "a progressive JPEG of 7000 x 7000 pixels may have 20 scans; got 800; save it as a usual JPEG",
    );
    expect((await decodeImage(jpegOfManyScans(640, 640, 800), { resizePx: 8 })).data).toHaveLength(192);
    const usual = sharp({ create: { width: 300, height: 200, channels: 3, background: "#958" } });
    const progressive = await usual.jpeg({ progressive: true }).toBuffer();
    expect((await decodeImage(progressive, { resizePx: 8, maxPixels: 60_000 })).data).toHaveLength(192);
  });

  it("with millions of scans, which are not counted", async () => {
    const few = jpegOfManyScans(8, 8, 3);
    const scans = Buffer.alloc(10 * 500_000, few.subarray(few.lastIndexOf("ffda", -1, "hex"), -2));
    await expectRefused(
      Buffer.concat([few.subarray(0, -2), scans, few.subarray(-2)]),
      "a progressive JPEG of 8 x 8 pixels may have 1000 scans; got 1001; save it as a usual JPEG",
    );
  });

  it("with a colour profile of more than 8 MiB", async () => {
    const profile = Buffer.concat([colourProfile("RGB", 2.2), Buffer.alloc(8 * 2 ** 20)]);
    profile.writeUInt32BE(profile.length, 0);
    const bytes = png({ widthPx: 9, heightPx: 9, bits: 8, colourType: 2, profile });
    await expectRefused(
      bytes,
      `its colour profile has more than 8388608 bytes; got ${profile.length}; save it as sRGB without a profile`,
    );
  });
});

describe("a picture that takes too long", () => {
  it("is given up, and that is said", async () => {
    // 1.3 gigapixels, which the usual limit does not let through. The clock is looked at between strips of the result.
    const decoding = decodeImage(blankPng(65_000, 20_000), {
      resizePx: 6000,
      maxPixels: 2e9,
      timeoutSeconds: 1,
    });
    await expect(decoding).rejects.toThrow(
      "image: not decoded within 1 s; make it smaller, or save it again",
    );
  });
});

describe("a picture for a classifier", () => {
  it("is refused where making its shorter side 256 pixels would make the longer one millions", async () => {
    const folder = mkdtempSync(join(tmpdir(), "limits-"));
    const file = join(folder, "line.png");
    writeFileSync(file, png({ widthPx: 1, heightPx: 65_535, bits: 8, colourType: 2 }));
    await expect(readClassifierImage(file)).rejects.toThrow(
      `${file}: one side must be at most 100 times the other; got 1 x 65535; cut it`,
    );
    rmSync(folder, { recursive: true });
  });
});
