// Pictures of every kind that is read, damaged: decoded, or refused.
import { crc32 } from "node:zlib";
import sharp from "sharp";
import { Disagreement } from "../disagreement.mjs";
import { mutated, noise } from "../mutate.mjs";
import { decodeImage, thumbnail } from "../project.mjs";

const sidePx = 24;

export const pictures = {
  // A picture of the largest size that is taken needs 200 MB.
  memoryMib: 400,
  async open() {
    const seeds = await drawn();
    const words = [
      "IHDR",
      "IDAT",
      "IEND",
      "PLTE",
      "iCCP",
      "eXIf",
      "acTL",
      "VP8X",
      "ANIM",
      "EXIF",
      Buffer.from([0xff, 0xd8]),
      Buffer.from([0xff, 0xd9]),
      Buffer.from([0xff, 0xda]),
      Buffer.from([0xff, 0xc2]),
    ];
    return {
      make: (random) =>
        random.chance(0.03) ? noise(random, 200) : withChecksums(random, mutated(random, seeds, words)),
      async check(bytes) {
        const { data, widthPx, heightPx } = await decodeImage(bytes, { resizePx: sidePx });
        if (widthPx !== sidePx || heightPx !== sidePx || data.length !== 3 * sidePx * sidePx) {
          throw new Disagreement(`decoded to ${widthPx} x ${heightPx}, ${data.length} bytes`);
        }
        await thumbnail(bytes, sidePx);
      },
      async close() {},
    };
  },
};

async function drawn() {
  const width = 16;
  const channels = 3;
  const raw = Buffer.from(Array.from({ length: width * width * channels }, (_, i) => (i * 37) % 256));
  const picture = () => sharp(raw, { raw: { width, height: width, channels } });
  const kinds = [
    picture().png(),
    picture().png({ palette: true }),
    picture().png({ progressive: true }),
    picture().toColourspace("rgb16").png(),
    picture().greyscale().png(),
    picture().ensureAlpha(0.5).png(),
    picture().jpeg(),
    picture().jpeg({ progressive: true }),
    picture().toColourspace("cmyk").jpeg(),
    picture().withMetadata({ orientation: 6, icc: "p3" }).jpeg(),
    picture().webp(),
    picture().webp({ lossless: true }),
    picture().ensureAlpha(0.5).webp({ alphaQuality: 50 }),
  ];
  return Promise.all(kinds.map((kind) => kind.toBuffer()));
}

/** PNG's checksums made right again, or nothing behind the first damage is looked at; now and then other sizes. */
function withChecksums(random, bytes) {
  if (bytes.length < 33 || bytes.toString("latin1", 1, 4) !== "PNG" || random.chance(0.3)) return bytes;
  if (random.chance(0.1)) {
    bytes.writeUInt32BE(random.pick([0, 1, 65_535, 49_000_000, 0x7fffffff]), 16);
    bytes.writeUInt32BE(random.pick([0, 1, 3, 65_535, 49_000_000]), 20);
  }
  for (let at = 8; at + 12 <= bytes.length; ) {
    const end = at + 8 + bytes.readUInt32BE(at);
    if (end + 4 > bytes.length) break;
    bytes.writeUInt32BE(crc32(bytes.subarray(at + 4, end)), end);
    at = end + 4;
  }
  return bytes;
}
