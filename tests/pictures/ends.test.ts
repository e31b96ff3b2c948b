/** JPEGs without their end: read where no pixel is missing, refused where one is. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp, { type JpegOptions } from "sharp";
import { describe, expect, it } from "vitest";
import { Random } from "../../src/engine/tensor/random.js";
import { ImageError } from "../../src/errors.js";
import { decodeImage } from "../../src/images/image.js";

const kinds: Readonly<Record<string, JpegOptions>> = {
  usual: {},
  "4:4:4": { chromaSubsampling: "4:4:4" },
  progressive: { progressive: true },
  "of other tables": { mozjpeg: true, progressive: false },
};

/** No two rows are alike. */
async function jpeg(options: JpegOptions): Promise<Buffer> {
  const random = new Random(5);
  const noise = Uint8Array.from({ length: 120 * 90 * 3 }, () => 60 + random.integer(120));
  return sharp(noise, { raw: { width: 120, height: 90, channels: 3 } })
    .jpeg(options)
    .toBuffer();
}

const note = "the file ends early; its end marker is missing, and every pixel was read";

describe.each(Object.entries(kinds))("a JPEG (%s)", (_, options) => {
  it.each([
    ["its end marker", (whole: Buffer) => whole.subarray(0, -2)],
    ["half of it", (whole: Buffer) => whole.subarray(0, -1)],
    ["it and has zeros there", (whole: Buffer) => Buffer.concat([whole.subarray(0, -2), Buffer.alloc(500)])],
  ])("that lacks %s has every pixel, and a note", async (_, cut) => {
    const whole = await jpeg(options);
    const [{ data, note: none }, short] = await Promise.all([
      decodeImage(whole, { resizePx: 64 }),
      decodeImage(cut(whole), { resizePx: 64 }),
    ]);
    expect(none).toBeUndefined();
    expect(short.note).toBe(note);
    expect(Buffer.compare(short.data, data)).toBe(0);
  });

  it("that lacks anything of its picture is refused", async () => {
    const whole = await jpeg(options);
    for (const bytes of [4, 5, 8, 20, 100, whole.length / 4, whole.length / 2, (whole.length * 3) / 4]) {
      const cut = whole.subarray(0, whole.length - Math.floor(bytes));
      const zeroed = Buffer.concat([cut, Buffer.alloc(Math.floor(bytes))]);
      for (const file of [cut, zeroed]) {
        const decoding = decodeImage(file, { resizePx: 64, name: "x.jpg" });
        await expect(decoding, `${bytes} bytes less`).rejects.toThrow(
          "x.jpg: the image is damaged; got a file that was cut off in the middle of its picture; fetch it again",
        );
      }
    }
  });
});

describe.each(["#fff", "#000", "#7a3"])("a JPEG of nothing but %s, whose data are zeros", (background) => {
  it.each([{}, { progressive: true }])("is refused where a pixel is missing (%o)", async (options) => {
    const create = { width: 300, height: 200, channels: 3, background } as const;
    const whole = await sharp({ create }).jpeg(options).toBuffer();
    const { data } = await decodeImage(whole, { resizePx: 64 });
    const outcomes = { read: 0, refused: 0 };
    for (let end = whole.indexOf("ffda", "hex"); end <= whole.length - 2; end += end % 7 === 0 ? 1 : 13) {
      for (const file of [
        whole.subarray(0, end),
        Buffer.concat([whole.subarray(0, end), Buffer.alloc(999)]),
      ]) {
        const image = await decodeImage(file, { resizePx: 64 }).catch((error: unknown) => error);
        if (image instanceof ImageError) outcomes.refused += 1;
        else {
          expect(image, `${end} of ${whole.length}`).toEqual({ data, widthPx: 64, heightPx: 64, note });
          outcomes.read += 1;
        }
      }
    }
    expect((await decodeImage(whole.subarray(0, -2), { resizePx: 64 })).note).toBe(note);
    expect(outcomes.refused).toBeGreaterThan(10 * outcomes.read);
    expect(outcomes.refused).toBeGreaterThan(20);
  });
});

describe("a JPEG that ends between two of its parts", () => {
  it("is refused where a progressive one has scans to come", async () => {
    const whole = await jpeg({ progressive: true });
    const scans: number[] = [];
    for (let at = whole.indexOf("ffda", "hex"); at > 0; at = whole.indexOf("ffda", at + 2, "hex"))
      scans.push(at);
    expect(scans.length).toBeGreaterThan(5);
    for (const at of scans.slice(1)) {
      // Tables come before a scan: the end of the one before it.
      const tables = whole.lastIndexOf(Buffer.from([0xff, 0xc4]), at);
      const end = tables > (scans.findLast((scan) => scan < at) ?? 0) ? tables : at;
      await expect(decodeImage(whole.subarray(0, end), { resizePx: 64 })).rejects.toThrow(ImageError);
    }
  });

  it("is refused where a restart marker would come next", async () => {
    // One restart interval a row of 16 lines: the library writes none, so they are put in by hand.
    const grey = await sharp({ create: { width: 16, height: 64, channels: 3, background: "#777" } })
      .toColourspace("b-w")
      .jpeg()
      .toBuffer();
    expect(grey.length).toBeGreaterThan(0);
    const whole = withRestarts(grey);
    expect((await decodeImage(whole, { resizePx: 16 })).data).toHaveLength(768);
    const last = whole.lastIndexOf(Buffer.from([0xff, 0xd2]));
    expect(last).toBeGreaterThan(0);
    expect((await decodeImage(whole.subarray(0, -2), { resizePx: 16 })).note).toBe(note);
    await expect(decodeImage(whole.subarray(0, last), { resizePx: 16 })).rejects.toThrow(/cut off/);
  });
});

/** A grey JPEG of four 16-line intervals that are all alike, which the first one of the file stands for. */
function withRestarts(whole: Buffer): Buffer {
  const frame = whole.indexOf("ffda", "hex");
  const interval = Buffer.from([0xff, 0xdd, 0, 4, 0, 4]);
  const start = frame + 2 + whole.readUInt16BE(frame + 2);
  // Four blocks of one grey: the first has the difference to 0, the others none; every interval begins anew.
  const data = whole.subarray(start, -2);
  const restart = (n: number) => Buffer.from([0xff, 0xd0 + n]);
  return Buffer.concat([
    whole.subarray(0, frame),
    interval,
    whole.subarray(frame, start),
    ...[0, 1, 2].flatMap((n) => [data, restart(n)]),
    data,
    Buffer.from([0xff, 0xd9]),
  ]);
}

describe("what is wrong with a picture", () => {
  it("is said of each one when many are decoded at a time, in words", async () => {
    const [whole, png, webp] = await Promise.all([
      jpeg({}),
      sharp(await jpeg({}))
        .png()
        .toBuffer(),
      sharp(await jpeg({}))
        .webp()
        .toBuffer(),
    ]);
    const flipped = Buffer.from(png);
    flipped.fill(0x55, 200, 290);
    const cases: readonly (readonly [Uint8Array, string])[] = [
      [whole.subarray(0, 30), "a file that was cut off before its picture"],
      [whole.subarray(0, 2000), "a file that was cut off in the middle of its picture"],
      [Buffer.from([0xff, 0xd8, 0xff, 0xd9]), "a JPEG without a picture in it"],
      [png.subarray(0, 500), "a file that was cut off in the middle of its picture"],
      [png.subarray(0, 20), "a file that was cut off in the middle of its picture"],
      [flipped, "a PNG whose part IDAT has not the bytes that it was written with"],
      [webp.subarray(0, 100), "a file that was cut off in the middle of its picture"],
      [
        Buffer.concat([webp.subarray(0, 12), Buffer.alloc(webp.length - 12, 7)]),
        "a WebP whose pixels cannot be decoded",
      ],
    ];
    const many = Array.from({ length: 6 }, () => cases).flat();
    await Promise.all(
      many.map(async ([bytes, reason], i) => {
        const decoding = decodeImage(bytes, { resizePx: 8, name: `${i}.jpg` });
        await expect(decoding).rejects.toThrow(
          `${i}.jpg: the image is damaged; got ${reason}; fetch it again or remove it`,
        );
      }),
    );
  });
});

describe("white space before a picture", () => {
  it.each(["jpeg", "png", "webp"] as const)("is passed over in a %s, with a note", async (format) => {
    const bytes = await sharp(await jpeg({}))
      .toFormat(format)
      .toBuffer();
    const { data, note: said } = await decodeImage(Buffer.concat([Buffer.from("\r\n"), bytes]), {
      resizePx: 32,
    });
    expect(said).toBe("the file begins with 2 bytes of white space, which are passed over");
    expect(Buffer.compare(data, (await decodeImage(bytes, { resizePx: 32 })).data)).toBe(0);
  });
});

const phone = join(import.meta.dirname, "../../../shared/cases/p10-phone/images");
const hasPhone = existsSync(phone);
if (!hasPhone) console.warn(`SKIPPED, phone pictures: there is no ${phone}`);

describe.skipIf(!hasPhone)("a phone's pictures", () => {
  const notes: Readonly<Record<string, string>> = {
    "noeoi.jpg": note,
    "leadingnl.jpg": "the file begins with 2 bytes of white space, which are passed over",
  };

  it.each(hasPhone ? readdirSync(phone) : [])("%s", async (name) => {
    const decoding = decodeImage(join(phone, name), { resizePx: 32 });
    if (name === "heic.jpg") await expect(decoding).rejects.toThrow(/must be a JPEG.*got AVIF or HEIC/);
    else expect((await decoding).note).toBe(notes[name]);
    expect(readFileSync(join(phone, name)).length).toBeGreaterThan(0);
  });
});
