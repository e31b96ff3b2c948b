/** Health and metrics: is the service alive, can it answer, how is it doing? */
import { z } from "zod";
import { readinessSchema, stateSchema } from "../api.js";
import type { ServiceApp } from "../service-app.js";
import type { ServiceParts } from "../service-parts.js";

export function healthRoutes(app: ServiceApp, { catalogue, metrics, load, isStopping }: ServiceParts): void {
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
        response: { 200: readinessSchema, 503: readinessSchema },
      },
    },
    async (request, reply) => {
      const { slots, stuck } = load;
      const notReady = (reason: string) => reply.code(503).send({ status: "not ready", reason, slots });
      if (isStopping()) return notReady("stopping");
      const trouble = await catalogue.trouble();
      if (trouble !== undefined) {
        request.log.warn({ err: trouble }, "not ready");
        return notReady(`the index cannot be read (${trouble.code})`);
      }
      return stuck === undefined ? { status: "ready", slots } : notReady(`no slot for ${stuck} gets free`);
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
