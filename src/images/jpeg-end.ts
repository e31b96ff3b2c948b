/** Tells a JPEG that lacks nothing but its end from one that was cut off in its picture. */
import { webcrypto } from "node:crypto";
import sharp from "sharp";
import { Random } from "../engine/tensor/random.js";

const endMarker = Buffer.from([0xff, 0xd9]);
/** Streams of what might have followed; that of three none shows in a missing block does not happen. */
const streamCount = 3;
const streamBytes = 256;
/** Fewer could be in the place of a photo's last bytes. */
const manyZeros = 32;

/**
 * The file with an end marker, where no pixel depends on what is missing: whatever data follow, it decodes to the same.
 * Zeros at the end count as data where they are many and every one is needed (plain colours are coded so); otherwise they
 * are what a stopped download left.
 * @param areAll as `jpegScans` found.
 * @throws Error for a file that lacks more.
 */
export async function withItsEnd(
  bytes: Uint8Array,
  { areAll, timeoutSeconds }: { readonly areAll: boolean; readonly timeoutSeconds: number },
): Promise<Uint8Array> {
  const hasAllPixels = (data: Uint8Array) => dependsOnNothingMore(data, timeoutSeconds);
  const data = withoutPadding(bytes);
  if (areAll && (await hasAllPixels(data))) return Buffer.concat([data, endMarker]);
  const isPlain = areAll && bytes.length - data.length >= manyZeros;
  if (isPlain && (await hasAllPixels(bytes)) && !(await hasAllPixels(bytes.subarray(0, -1)))) {
    return Buffer.concat([bytes, endMarker]);
  }
  throw new Error("pixels of the JPEG are missing");
}

/** Does it decode to the same pixels whatever follows? */
async function dependsOnNothingMore(data: Uint8Array, timeoutSeconds: number): Promise<boolean> {
  const random = new Random(streamCount);
  const sums = new Set<string>();
  for (let i = 0; i < streamCount && sums.size < 2; i += 1) {
    const continued = Buffer.concat([data, continuation(random), endMarker]);
    const sum = await sumOfPixels(continued, timeoutSeconds).catch(() => undefined); // it reads what follows, which is no data
    if (sum === undefined) return false;
    sums.add(sum);
  }
  return sums.size === 1;
}

/** SHA-256 of all pixels; like decoding, not computed on this thread. */
async function sumOfPixels(bytes: Uint8Array, timeoutSeconds: number): Promise<string> {
  const image = sharp(bytes, { failOn: "error", limitInputPixels: false }).timeout({
    seconds: timeoutSeconds,
  });
  const pixels = (await image.raw().toBuffer()) as Uint8Array<ArrayBuffer>;
  return Buffer.from(await webcrypto.subtle.digest("SHA-256", pixels)).toString("hex");
}

/** Random data of a scan, then every restart marker with such data after it, for a scan that waits for one. */
function continuation(random: Random): Buffer {
  const data = () => Uint8Array.from({ length: streamBytes }, () => random.integer(255)); // never 255: no markers
  const restarts = Array.from({ length: 8 }, (_, i) => [Buffer.from([0xff, 0xd0 + i]), data()]);
  return Buffer.concat([data(), ...restarts.flat()]);
}

/** Without zeros after the picture, which stopped downloads leave, and without half an end marker. */
function withoutPadding(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (bytes[end - 1] === 0) end -= 1;
  if (bytes[end - 1] === 0xff) end += end < bytes.length ? 1 : -1; // a byte 255 of the data is followed by one zero
  return bytes.subarray(0, end);
}
