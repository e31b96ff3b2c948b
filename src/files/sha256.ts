/** SHA-256 of bytes, texts and files, as 64 hexadecimal digits. */
import { createHash } from "node:crypto";
import { closeSync, createReadStream, openSync, readSync } from "node:fs";

/** Bytes that are read at a time. */
const chunkBytes = 2 ** 18;

/** Of bytes, or of a text as UTF-8. */
export function sha256Of(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Of a file, read piece by piece. @throws the system's error when it cannot be read. */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash("sha256");
  const chunks: AsyncIterable<Buffer> = createReadStream(file, { highWaterMark: chunkBytes });
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}

/** As `sha256OfFile`. */
export function sha256OfFileSync(file: string): string {
  const hash = createHash("sha256");
  const chunk = Buffer.alloc(chunkBytes);
  const descriptor = openSync(file, "r");
  try {
    for (let count = 1; count > 0; ) {
      count = readSync(descriptor, chunk);
      hash.update(chunk.subarray(0, count));
    }
  } finally {
    closeSync(descriptor);
  }
  return hash.digest("hex");
}
