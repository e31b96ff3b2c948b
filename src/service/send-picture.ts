/** Sends a picture's file as what it is, whatever it is called. */
import { open } from "node:fs/promises";
import type { FastifyReply } from "fastify";
import { RequestError } from "../errors.js";
import { imageFormatOf } from "../images/image-format.js";

const types: Readonly<Record<string, string>> = { JPEG: "image/jpeg", PNG: "image/png", WebP: "image/webp" };
/** Enough to tell formats apart. */
const startBytes = 1024;

/** @throws RequestError when the file went away, or is no picture any more. */
export async function sendPicture(reply: FastifyReply, file: string): Promise<FastifyReply> {
  const handle = await open(file, "r").catch((cause: unknown) => {
    throw new RequestError("NOT_FOUND", "the picture is gone", { cause });
  });
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(startBytes), 0, startBytes, 0);
    const type = types[imageFormatOf(buffer.subarray(0, bytesRead))];
    if (type === undefined) throw new RequestError("NOT_FOUND", "the picture's file is no picture any more");
    const { size, mtimeMs } = await handle.stat();
    const tag = `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`;
    // The address stays when the picture changes: ask every time, get it once.
    reply.type(type).header("cache-control", "private, no-cache").header("etag", tag);
    return reply
      .header("content-length", size)
      .send(handle.createReadStream({ start: 0, end: Math.max(size - 1, 0) }));
  } catch (error) {
    await handle.close();
    throw error;
  }
}
