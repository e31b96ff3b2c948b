/** Uncompressed Windows bitmaps (BMP), which sharp does not read: some test photos come as such. */
import { readFile, stat } from "node:fs/promises";
import { ImageError } from "../errors.js";
import { maxFileSizeBytes, requireAffordable } from "./image-limits.js";

/** Pixels row by row from the top, red green blue. */
export interface Bitmap {
  /** [heightPx, widthPx, 3] */
  readonly data: Uint8Array;
  readonly widthPx: number;
  readonly heightPx: number;
}

const headerBytes = 54;

/** Do these bytes start as a bitmap does? */
export function isBitmap(bytes: Uint8Array): boolean {
  return bytes[0] === 0x42 && bytes[1] === 0x4d;
}

/**
 * A bitmap of 24 or 32 bits a pixel; a fourth byte is passed over.
 * @throws ImageError naming `name` for other kinds and for files that are cut short.
 */
export function readBitmap(bytes: Uint8Array, name: string): Bitmap {
  const fail = (reason: string): never => {
    throw new ImageError(`${name}: ${reason}; convert it to PNG`);
  };
  if (!isBitmap(bytes) || bytes.length < headerBytes) fail("the bitmap is damaged");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = view.getUint32(10, true);
  const [widthPx, signedHeight] = [view.getInt32(18, true), view.getInt32(22, true)];
  const [bits, compression] = [view.getUint16(28, true), view.getUint32(30, true)];
  const heightPx = Math.abs(signedHeight);
  if ((bits !== 24 && bits !== 32) || compression !== 0)
    fail(`must be a bitmap of 24 or 32 bits, not compressed; got ${bits} bits, compression ${compression}`);
  if (widthPx < 1 || heightPx < 1) fail(`must have a pixel or more; got ${widthPx} x ${heightPx}`);
  requireAffordable({ widthPx, heightPx, channels: 3, bits: 8, scans: 1, profileBytes: 0 }, name);
  const pixelBytes = bits / 8;
  const rowBytes = Math.ceil((widthPx * pixelBytes) / 4) * 4;
  if (start + rowBytes * heightPx > bytes.length)
    fail(`is cut short; got ${bytes.length} bytes, needs ${start + rowBytes * heightPx}`);
  const data = new Uint8Array(widthPx * heightPx * 3);
  for (let y = 0; y < heightPx; y += 1) {
    const row = start + rowBytes * (signedHeight > 0 ? heightPx - 1 - y : y); // the lowest row comes first
    for (let x = 0; x < widthPx; x += 1) {
      const to = (y * widthPx + x) * 3;
      for (let c = 0; c < 3; c += 1) data[to + c] = bytes[row + x * pixelBytes + 2 - c] ?? 0;
    }
  }
  return { data, widthPx, heightPx };
}

/** As `readBitmap`; undefined for a file of another format, or none. */
export async function readBitmapFile(file: string): Promise<Bitmap | undefined> {
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  if (size === 0 || size > maxFileSizeBytes) return undefined; // what reads it then says what is wrong
  const bytes = await readFile(file).catch(() => new Uint8Array());
  return isBitmap(bytes) ? readBitmap(bytes, file) : undefined;
}
