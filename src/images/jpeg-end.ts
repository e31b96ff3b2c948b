/** Tells a JPEG that lacks nothing but its end from one that was cut off in its picture. */
import { webcrypto } from "node:crypto";
import sharp from "sharp";

const endMarker = Buffer.from([0xff, 0xd9]);
/** Bits that a decoder would go on with, and their opposites. */
const continuations = [0x55, 0xaa] as const;
const continuationBytes = 32;

/**
 * The file with an end marker, where no pixel depends on what is missing: whatever data follow, it decodes to the same.
 * @param areAll as `jpegScans` found.
 * @throws Error for a file that lacks more.
 */
export async function withItsEnd(
  bytes: Uint8Array,
  { areAll, timeoutSeconds }: { readonly areAll: boolean; readonly timeoutSeconds: number },
): Promise<Uint8Array> {
  if (!areAll) throw new Error("scans of the JPEG are missing");
  const data = withoutPadding(bytes);
  const sumWith = (value: number) =>
    sumOfPixels(Buffer.concat([data, continuation(value), endMarker]), timeoutSeconds);
  const sum = await sumWith(continuations[0]); // one after the other: pixels take memory
  if (sum !== (await sumWith(continuations[1]))) throw new Error("pixels of the JPEG are missing");
  return Buffer.concat([data, endMarker]);
}

/** SHA-256 of all pixels; like decoding, not computed on this thread. */
async function sumOfPixels(bytes: Uint8Array, timeoutSeconds: number): Promise<string> {
  const image = sharp(bytes, { failOn: "none", limitInputPixels: false }).timeout({
    seconds: timeoutSeconds,
  });
  const pixels = (await image.raw().toBuffer()) as Uint8Array<ArrayBuffer>;
  return Buffer.from(await webcrypto.subtle.digest("SHA-256", pixels)).toString("hex");
}

/** Data of a scan, then every restart marker with data after it, for a scan that waits for one. */
function continuation(value: number): Buffer {
  const data = Buffer.alloc(continuationBytes, value);
  const restarts = Array.from({ length: 8 }, (_, i) => [Buffer.from([0xff, 0xd0 + i]), data]);
  return Buffer.concat([data, ...restarts.flat()]);
}

/** Without zeros after the picture, which stopped downloads leave, and without half an end marker. */
function withoutPadding(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (bytes[end - 1] === 0) end -= 1;
  if (bytes[end - 1] === 0xff) end += end < bytes.length ? 1 : -1; // a byte 255 of the data is followed by one zero
  return bytes.subarray(0, end);
}
