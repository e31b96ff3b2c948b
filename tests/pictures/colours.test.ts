/** Every bit depth, kind of colour and profile comes to the same sRGB. */
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { decodeImage } from "../../src/images/image.js";
import { colourProfile, in16Bits, type PngParts, png } from "./make-pictures.js";

const sidePx = 16;
const colourTypes = { grey: 0, RGB: 2, "grey with alpha": 4, "RGB with alpha": 6 } as const;
const channels = { grey: 1, RGB: 3, "grey with alpha": 2, "RGB with alpha": 4 } as const;
type Kind = keyof typeof colourTypes;
const kinds = Object.keys(colourTypes) as Kind[];

/** Smooth, so that resizing has no edges to ring at. */
function samples(count: number): Uint8Array {
  const data = new Uint8Array(sidePx * sidePx * count);
  for (let i = 0; i < data.length; i += 1) {
    const [x, y, c] = [Math.floor(i / count) % sidePx, Math.floor(i / count / sidePx), i % count];
    data[i] = 40 + 9 * x + (c % 2 === 0 ? 4 : -2) * y + 11 * c;
  }
  return data;
}

function parts(kind: Kind, bits: 8 | 16, profile?: Buffer): PngParts {
  const data = samples(channels[kind]);
  return {
    widthPx: sidePx,
    heightPx: sidePx,
    colourType: colourTypes[kind],
    bits,
    data: bits === 8 ? data : in16Bits(data),
    profile,
  };
}

const pixelsOf = async (bytes: Uint8Array) => (await decodeImage(bytes, { resizePx: sidePx })).data;
const apart = (a: Uint8Array, b: Uint8Array) =>
  Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? 999))));

describe.each(kinds)("a %s picture", (kind) => {
  const space = kind.startsWith("grey") ? "GRAY" : "RGB";

  it.each([
    ["without a profile", undefined],
    ["with one of gamma 1", colourProfile(space, 1)],
    ["with one of gamma 2.2", colourProfile(space, 2.2)],
  ])("%s is the same in 8 and 16 bits", async (_, profile) => {
    const [shallow, deep] = [parts(kind, 8, profile), parts(kind, 16, profile)];
    expect(apart(await pixelsOf(png(deep)), await pixelsOf(png(shallow)))).toBeLessThanOrEqual(1);
  });

  it.each([8, 16] as const)("of %i bits is read with its profile", async (bits) => {
    const without = await pixelsOf(png(parts(kind, bits)));
    const linear = await pixelsOf(png(parts(kind, bits, colourProfile(space, 1))));
    expect(apart(linear, without)).toBeGreaterThan(30); // linear light is brighter in sRGB
  });
});

it.each(["p3", "srgb"])(
  "a picture with the library's %s profile is the same in 8 and 16 bits",
  async (name) => {
    const { icc } = await sharp({ create: { width: 9, height: 9, channels: 3, background: "#a52" } })
      .withIccProfile(name)
      .png()
      .toBuffer()
      .then((bytes) => sharp(bytes).metadata());
    const [shallow, deep] = [parts("RGB", 8, icc), parts("RGB", 16, icc)];
    expect(apart(await pixelsOf(png(deep)), await pixelsOf(png(shallow)))).toBeLessThanOrEqual(1);
  },
);

it("wide colours come as near as sRGB has them: Adobe RGB's green, and its grey", async () => {
  const profile = colourProfile("RGB", 2.2);
  for (const bits of [8, 16] as const) {
    const flat = (colour: readonly number[]) => {
      const data = Uint8Array.from({ length: 27 }, (_, i) => colour[i % 3] ?? 0);
      return png({
        widthPx: 3,
        heightPx: 3,
        colourType: 2,
        bits,
        data: bits === 8 ? data : in16Bits(data),
        profile,
      });
    };
    const [r = 0, g = 0, b = 0] = await pixelsOf(flat([0, 255, 0]));
    expect([r, g, b]).toEqual([0, 255, 0]);
    const [grey = 0] = await pixelsOf(flat([128, 128, 128]));
    expect(Math.abs(grey - 128)).toBeLessThanOrEqual(2);
    const [red = 0] = await pixelsOf(flat([200, 90, 60])); // Adobe's red is a deeper one
    expect(red).toBeGreaterThan(215);
  }
});
