/** Pictures written byte by byte, for what no picture library writes: any PNG, colour profiles, JPEGs of many scans. */
import { constants, crc32, deflateRawSync, deflateSync } from "node:zlib";

/** PNG colour types. */
const channelsOf = { 0: 1, 2: 3, 4: 2, 6: 4 } as const;

export interface PngParts {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly bits: 1 | 8 | 16;
  /** 0 grey, 2 RGB, 4 grey with alpha, 6 RGB with alpha. */
  readonly colourType: keyof typeof channelsOf;
  /** Samples row by row, big endian; black without them. */
  readonly data?: Uint8Array;
  readonly profile?: Uint8Array | undefined;
}

export function png({ widthPx, heightPx, bits, colourType, data, profile }: PngParts): Buffer {
  const rowBytes = Math.ceil((widthPx * channelsOf[colourType] * bits) / 8);
  const rows = Buffer.alloc((rowBytes + 1) * heightPx); // each after a filter byte of 0
  if (data) {
    for (let y = 0; y < heightPx; y += 1) {
      rows.set(data.subarray(y * rowBytes, (y + 1) * rowBytes), y * (rowBytes + 1) + 1);
    }
  }
  const packed = deflateSync(rows, { level: 1 });
  return pngOf({ widthPx, heightPx, bits, colourType, profile }, packed);
}

/** A black and white PNG of any size, made in no time: zeros are compressed once, and the result repeated. */
export function blankPng(widthPx: number, heightPx: number): Buffer {
  const partBytes = 2 ** 22;
  const size = (Math.ceil(widthPx / 8) + 1) * heightPx;
  const zeros = (bytes: number) =>
    deflateRawSync(Buffer.alloc(bytes), { finishFlush: constants.Z_FULL_FLUSH });
  const part = zeros(partBytes);
  const sum = Buffer.alloc(4); // Adler-32 of zeros
  sum.writeUInt32BE((size % 65_521) * 65_536 + 1);
  const packed = Buffer.concat([
    Buffer.from([0x78, 0x01]),
    ...Array.from({ length: Math.floor(size / partBytes) }, () => part),
    zeros(size % partBytes),
    Buffer.from([0x03, 0x00]),
    sum,
  ]);
  return pngOf({ widthPx, heightPx, bits: 1, colourType: 0 }, packed);
}

function pngOf(
  { widthPx, heightPx, bits, colourType, profile }: Omit<PngParts, "data">,
  packed: Buffer,
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(widthPx, 0);
  header.writeUInt32BE(heightPx, 4);
  header.set([bits, colourType, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    ...(profile
      ? [chunk("iCCP", Buffer.concat([Buffer.from("own\0\0", "latin1"), deflateSync(profile)]))]
      : []),
    chunk("IDAT", packed),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, content: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, "latin1"), content]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

/** The same samples in 16 bits. */
export function in16Bits(data: Uint8Array): Buffer {
  const wide = Buffer.alloc(data.length * 2);
  for (const [i, value] of data.entries()) wide.writeUInt16BE(value * 257, i * 2);
  return wide;
}

/** An ICC profile (version 2) of a gamma curve and, for RGB, the primaries of Adobe RGB (1998). */
export function colourProfile(space: "RGB" | "GRAY", gamma: number): Buffer {
  const fixed = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(Math.round(value * 65_536));
    return bytes;
  };
  const xyz = (x: number, y: number, z: number) =>
    Buffer.concat([Buffer.from("XYZ \0\0\0\0", "latin1"), fixed(x), fixed(y), fixed(z)]);
  const curve = Buffer.concat([Buffer.from("curv\0\0\0\0\0\0\0\x01", "latin1"), Buffer.alloc(4)]);
  curve.writeUInt16BE(Math.round(gamma * 256), 12);
  const description = Buffer.alloc(96);
  description.write("desc\0\0\0\0\0\0\0\x04own\0", "latin1");
  const tags: readonly (readonly [name: string, content: Buffer])[] = [
    ["desc", description],
    ["cprt", Buffer.from("text\0\0\0\0none\0\0\0\0", "latin1")],
    ["wtpt", xyz(0.9642, 1, 0.8249)],
    ...(space === "GRAY"
      ? [["kTRC", curve] as const]
      : ([
          ["rXYZ", xyz(0.60974, 0.31111, 0.01947)],
          ["gXYZ", xyz(0.20528, 0.62567, 0.06087)],
          ["bXYZ", xyz(0.14919, 0.06322, 0.74457)],
          ["rTRC", curve],
          ["gTRC", curve],
          ["bTRC", curve],
        ] as const)),
  ];
  const table = Buffer.alloc(4 + 12 * tags.length);
  table.writeUInt32BE(tags.length);
  let at = 128 + table.length;
  for (const [i, [name, content]] of tags.entries()) {
    table.write(name, 4 + 12 * i, "latin1");
    table.writeUInt32BE(at, 8 + 12 * i);
    table.writeUInt32BE(content.length, 12 + 12 * i);
    at += content.length;
  }
  const header = Buffer.alloc(128);
  header.writeUInt32BE(at, 0);
  header.writeUInt32BE(0x02400000, 8);
  header.write(`mntr${space.padEnd(4)}XYZ `, 12, "latin1");
  header.write("acsp", 36, "latin1");
  Buffer.concat([fixed(0.9642), fixed(1), fixed(0.8249)]).copy(header, 68);
  return Buffer.concat([header, table, ...tags.map(([, content]) => content)]);
}

/** A grey progressive JPEG of a few hundred bytes a scan, each of which a decoder walks over the whole picture for. */
export function jpegOfManyScans(widthPx: number, heightPx: number, scanCount: number): Buffer {
  const blocks = Math.ceil(widthPx / 8) * Math.ceil(heightPx / 8);
  const size = [heightPx >> 8, heightPx & 255, widthPx >> 8, widthPx & 255];
  const oneCode = [1, ...new Array<number>(15).fill(0)];
  const parts = [
    Buffer.from([0xff, 0xd8]),
    segment(0xdb, [0, ...new Array<number>(64).fill(1)]),
    segment(0xc2, [8, ...size, 1, 1, 0x11, 0]),
    segment(0xc4, [0x00, ...oneCode, 0x00]), // the code 0: no change of brightness
    segment(0xc4, [0x10, ...oneCode, 0xe0]), // the code 0 and 14 bits: no change in 16,384 blocks and more
    segment(0xda, [1, 1, 0, 0, 0, 0x0d]),
    Buffer.alloc(Math.ceil(blocks / 8)),
  ];
  for (let scan = 1; scan < scanCount; scan += 1) {
    const coefficient = 1 + Math.floor((scan - 1) / 14);
    const low = 13 - ((scan - 1) % 14);
    parts.push(segment(0xda, [1, 1, 0, coefficient, coefficient, low === 13 ? 13 : ((low + 1) << 4) | low]));
    parts.push(Buffer.alloc(Math.ceil((Math.ceil(blocks / 16_384) * 15) / 8)));
  }
  return Buffer.concat([...parts, Buffer.from([0xff, 0xd9])]);
}

function segment(marker: number, content: readonly number[]): Buffer {
  const length = content.length + 2;
  return Buffer.from([0xff, marker, length >> 8, length & 255, ...content]);
}
