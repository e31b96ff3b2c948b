/**
 * What is wrong with a picture that did not decode, by its own bytes. The decoder's texts are no help: it keeps them in one
 * place for all pictures that it decodes at the time, so one may get another's, or none.
 */
import { crc32 } from "node:zlib";
import type { DecodableFormat } from "./image-format.js";
import { jpegScans } from "./jpeg-scans.js";

/** The end of a sentence that begins with "got". */
export function imageDamage(bytes: Uint8Array, format: DecodableFormat): string {
  return { JPEG: jpegDamage, PNG: pngDamage, WebP: webpDamage }[format](bytes);
}

const cutOff = "a file that was cut off in the middle of its picture";

function jpegDamage(bytes: Uint8Array): string {
  const { count, hasEnd } = jpegScans(bytes);
  if (count === 0)
    return hasEnd ? "a JPEG without a picture in it" : "a file that was cut off before its picture";
  return hasEnd ? "a JPEG with parts that cannot be decoded" : cutOff;
}

/** Chunks of length, type, content, checksum. */
function pngDamage(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 8;
  while (at + 12 <= bytes.length) {
    const end = at + 12 + view.getUint32(at);
    const type = Buffer.from(bytes.subarray(at + 4, at + 8)).toString("latin1");
    if (!/^[A-Za-z]{4}$/.test(type)) return "a PNG with bytes that belong to no part of it";
    if (end > bytes.length) return cutOff;
    if (crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) {
      return `a PNG whose part ${type} has not the bytes that it was written with`;
    }
    if (type === "IEND") return "a PNG whose pixels cannot be decoded";
    at = end;
  }
  return cutOff;
}

function webpDamage(bytes: Uint8Array): string {
  const said = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(4, true) + 8;
  return said > bytes.length ? cutOff : "a WebP whose pixels cannot be decoded";
}
