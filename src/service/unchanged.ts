/** ETags on answers, and 304 for clients that have the answer already. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import isFresh from "fresh";
import type { ServiceApp } from "./service-app.js";

export function answerUnchanged(app: ServiceApp): void {
  app.addHook("onSend", async (request, reply, payload) => {
    const isUnchanged =
      reply.statusCode === 304 ||
      (reply.statusCode === 200 && isTagged(request, reply, payload) && isKnown(request, reply));
    if (!isUnchanged) return payload;
    if (payload instanceof Readable) payload.destroy();
    for (const name of ["content-length", "content-type"]) reply.removeHeader(name);
    reply.code(304);
    return null;
  });
}

/** Has the client the answer? `Cache-Control: no-cache`, which fetch adds to such requests, is for caches. */
function isKnown({ headers }: FastifyRequest, reply: FastifyReply): boolean {
  return isFresh({ "if-none-match": headers["if-none-match"] }, { etag: reply.getHeader("etag") });
}

/** Has the answer a tag, or was given one? What is asked for to see whether it changed has none. */
function isTagged({ method, routeOptions }: FastifyRequest, reply: FastifyReply, payload: unknown): boolean {
  if ((method !== "GET" && method !== "HEAD") || routeOptions.config.isQuiet) return false;
  if (reply.hasHeader("etag")) return true;
  if (typeof payload !== "string" && !Buffer.isBuffer(payload)) return false;
  // Weak: the same content, in whatever encoding it is sent.
  reply.header("etag", `W/"${createHash("sha1").update(payload).digest("base64url")}"`);
  if (!reply.hasHeader("cache-control")) reply.header("cache-control", "private, no-cache");
  return true;
}
