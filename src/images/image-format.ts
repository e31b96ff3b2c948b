/** Tells file formats apart by their first bytes, whatever the file is called. */

/** Formats that are decoded. */
const decodable = ["JPEG", "PNG", "WebP"] as const;
export type DecodableFormat = (typeof decodable)[number];

/** Does the project read this format? */
export function isDecodable(format: string): format is DecodableFormat {
  return decodable.some((known) => known === format);
}

/** First bytes (as Latin-1) of formats that turn up in image folders. */
const signatures: readonly (readonly [format: string, start: RegExp])[] = [
  ["JPEG", /^[\t\r\n ]{0,64}\xff\xd8\xff/], // white space: of scripts that print more than the picture
  ["PNG", /^[\t\r\n ]{0,64}\x89PNG\r\n/],
  ["WebP", /^[\t\r\n ]{0,64}RIFF.{4}WEBP/s],
  ["GIF", /^GIF8/],
  ["BMP", /^BM.{4}\0{4}/s],
  ["TIFF", /^(?:II\*\0|MM\0\*)/],
  ["AVIF or HEIC", /^.{4}ftyp/s],
  ["PDF", /^%PDF/],
  ["HTML", /^[\xef\xbb\xbf\s]*<(?:!doctype html|html|head|body)/i],
  ["SVG", /^[\xef\xbb\xbf\s]*<(?:.*<)?svg[\s>]/is],
];

/** Name of the format: a DecodableFormat, another one, or a word for what is not known. */
export function imageFormatOf(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 1024)).toString("latin1");
  const known = signatures.find(([, signature]) => signature.test(start));
  if (known) return known[0];
  return /^[\t\r\n\x20-\x7e\x80-\xff]*$/.test(start) ? "text" : "an unknown format";
}

/** Bytes of white space before a file of a decodable format. */
export function leadingSpace(bytes: Uint8Array): number {
  return bytes.findIndex((byte) => byte !== 0x09 && byte !== 0x0a && byte !== 0x0d && byte !== 0x20);
}
