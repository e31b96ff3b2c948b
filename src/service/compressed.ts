/** Text is sent compressed to clients that take it so. */
import fastifyCompress from "@fastify/compress";
import type { ServiceApp } from "./service-app.js";

/** Pictures are compressed already. */
const isText = (type: string): boolean => /^text\/|[/+](json|javascript|xml|x-yaml)(;|$)/.test(type);

/** Below it, a compressed answer takes no fewer packets. */
const leastBytes = 1024;

/** Compresses the answers of every route that is added after. */
export async function compressText(app: ServiceApp): Promise<void> {
  app.addHook("onSend", async (_, reply, payload) => {
    // Of the short ones too: a cache that keeps one for all must not keep the other for some.
    if (isText(String(reply.getHeader("content-type") ?? ""))) reply.header("vary", "accept-encoding");
    return payload;
  });
  await app.register(fastifyCompress, {
    encodings: ["br", "gzip"],
    threshold: leastBytes,
    customTypes: isText,
    // Bodies of requests come as they are: a small one could unpack to anything.
    globalDecompression: false,
  });
}
