/** The OpenAPI document, made of the schemas that check requests and answers, and a page of it. */
import fastifySwagger from "@fastify/swagger";
import fastifySwaggerUi from "@fastify/swagger-ui";
import type { FastifySchema } from "fastify";
import { createJsonSchemaTransform } from "fastify-type-provider-zod";
import { z } from "zod";
import type { ServiceApp, Takes } from "./service-app.js";

/** The page of the document writes styles into itself; everything it loads comes from here. */
const docsPolicy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

const transform = createJsonSchemaTransform({ skipList: [] });

export async function openApi(app: ServiceApp): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "SDFN search",
        version: "1",
        description:
          "Search a catalogue with pictures and words. Every answer that is not a success is `{ error: { code, message, requestId } }`.",
      },
      components: {
        securitySchemes: {
          key: { type: "http", scheme: "bearer", description: "A key that `sdfn key add` printed" },
        },
      },
      tags: [
        { name: "search", description: "Pictures, words and filters in, items out" },
        { name: "items", description: "Items and their pictures" },
        { name: "operation", description: "For whoever runs the service" },
      ],
    },
    transform(document) {
      const { schema, url } = transform(document);
      const { takes, access = "open" } = document.route.config ?? {};
      const known = schema as FastifySchema & Record<string, unknown>;
      if (!known.hide && access !== "open")
        known.security = access === "write" ? [{ key: [] }] : [{}, { key: [] }];
      if (!takes) return { schema: known, url };
      return { schema: { ...known, body: { content: bodiesOf(takes) } }, url };
    },
  });
  await app.register(fastifySwaggerUi, {
    routePrefix: "/docs",
    theme: { title: "SDFN search" },
    uiHooks: {
      onRequest(_, reply, done) {
        reply.header("content-security-policy", docsPolicy);
        done();
      },
    },
  });
  app.get("/openapi.json", { config: { access: "open" }, schema: { hide: true } }, async () => app.swagger());
}

/** What a route takes, by content type. */
function bodiesOf({ json, form }: Takes): Readonly<Record<string, { readonly schema: unknown }>> {
  const schemaOf = (schema: z.ZodType) => z.toJSONSchema(schema, { io: "input", target: "draft-2020-12" });
  const picture = { type: "string", format: "binary" };
  return {
    ...(json ? { "application/json": { schema: schemaOf(json) } } : {}),
    ...(form
      ? {
          "multipart/form-data": {
            schema: {
              type: "object",
              description: form.description,
              properties: {
                [form.jsonPart]: schemaOf(form.json),
                ...(form.picturePart === undefined ? {} : { [form.picturePart]: picture }),
              },
              required: [form.jsonPart],
              additionalProperties: form.picturePart === undefined ? picture : false,
            },
          },
        }
      : {}),
  };
}
