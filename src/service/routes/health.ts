/** For whoever watches the service: is it alive, can it answer, how is it doing? */
import { z } from "zod";
import { stateSchema } from "../api.js";
import type { ServiceApp, ServiceParts } from "../parts.js";

export function healthRoutes(app: ServiceApp, { catalogue, metrics, isStopping }: ServiceParts): void {
  app.get(
    "/healthz",
    {
      config: { access: "open", isQuiet: true },
      schema: {
        operationId: "getHealth",
        tags: ["operation"],
        summary: "Is the process alive?",
        response: { 200: stateSchema },
      },
    },
    async () => ({ status: "alive" }),
  );

  app.get(
    "/readyz",
    {
      config: { access: "open", isQuiet: true },
      schema: {
        operationId: "getReadiness",
        tags: ["operation"],
        summary: "Can searches be answered?",
        response: { 200: stateSchema, 503: stateSchema },
      },
    },
    async (request, reply) => {
      if (isStopping()) return reply.code(503).send({ status: "not ready", reason: "stopping" });
      const trouble = await catalogue.trouble();
      if (trouble === undefined) return { status: "ready" };
      request.log.warn({ err: trouble }, "not ready");
      return reply
        .code(503)
        .send({ status: "not ready", reason: `the index cannot be read (${trouble.code})` });
    },
  );

  app.get(
    "/metrics",
    {
      config: { access: "read", isQuiet: true },
      schema: {
        operationId: "getMetrics",
        tags: ["operation"],
        summary: "Numbers for Prometheus",
        response: { 200: { content: { "text/plain": { schema: z.string() } } } },
      },
    },
    async (_, reply) => reply.header("content-type", metrics.contentType).send(await metrics.text()),
  );
}
