/** One log line and one count for each request; never what it asked for. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Metrics } from "./metrics.js";
import type { ServiceApp } from "./service-app.js";

declare module "fastify" {
  interface FastifyRequest {
    /** Of the error that it was answered with. */
    errorCode: string | undefined;
  }
}

/** As nginx writes for clients that went away. */
const clientGone = 499;

export function logRequests(app: ServiceApp, metrics: Metrics): void {
  app.decorateRequest("errorCode", undefined);
  app.addHook("onRequest", (request: FastifyRequest, reply: FastifyReply, done) => {
    const startMs = performance.now();
    reply.header("x-request-id", request.id);
    reply.raw.once("close", () => {
      const ms = performance.now() - startMs;
      const { url: route = "none", config } = request.routeOptions;
      const status = reply.raw.writableFinished ? reply.raw.statusCode : clientGone;
      const { method, errorCode } = request;
      metrics.request({ method, route, status }, ms);
      if (errorCode !== undefined) metrics.error(errorCode);
      const key = request.caller?.name;
      const line = {
        method,
        route,
        status,
        ms: Math.round(ms * 10) / 10,
        code: errorCode,
        key,
      };
      if (config.isQuiet) request.log.debug(line, "answered");
      else request.log.info(line, "answered");
    });
    done();
  });
}
