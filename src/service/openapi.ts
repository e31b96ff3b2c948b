/** The OpenAPI document, made of the schemas that check requests and answers, and a page of it. */
import fastifySwagger, { type SwaggerTransform } from "@fastify/swagger";
import fastifySwaggerUi from "@fastify/swagger-ui";
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from "fastify-type-provider-zod";
import type { OpenAPIV3_1 } from "openapi-types";
import type { z } from "zod";
import { type CommonStatus, commonStatuses } from "./common-answers.js";
import { completed } from "./openapi-document.js";
import type { ServiceApp, Takes } from "./service-app.js";

/** The page of the document writes styles into itself; everything it loads comes from here. */
const docsPolicy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

const description =
  "Search a catalogue with pictures and words. Every answer that is not a success is `{ error: { code, message, requestId } }`. " +
  "`HEAD` is answered wherever `GET` is, `OPTIONS` with the methods of an address, and other methods with 405 " +
  "(`METHOD_NOT_ALLOWED`); what is no HTTP, with 400, 408 or 431. " +
  "Texts are taken in Unicode's composed form (NFC), in which they are kept and compared: patterns are meant for that.";

const transform: SwaggerTransform = createJsonSchemaTransform({ skipList: [] });
const transformObject = createJsonSchemaTransformObject({});

export async function openApi(app: ServiceApp): Promise<void> {
  const statusesById = new Map<string, readonly CommonStatus[]>();
  await app.register(fastifySwagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "SDFN search", version: "1", description },
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
    convertConstToEnum: false,
    transform(document) {
      const { schema: own, route } = document;
      const { schema, url } = transform(document);
      if (schema.hide || own.operationId === undefined) return { schema: { hide: true }, url };
      const { config = {} } = route;
      const { access = "open", takes } = config;
      const isRead = [route.method].flat().includes("GET");
      statusesById.set(own.operationId, commonStatuses({ isRead, hasParams: url.includes(":"), config }));
      const security = access === "write" ? [{ key: [] }] : [{}, { key: [] }];
      const bodySchema = (body: z.ZodType) => transform({ ...document, schema: { body } }).schema.body;
      return {
        url,
        schema: {
          ...schema,
          ...(access === "open" ? {} : { security }),
          ...(takes === undefined ? {} : { body: { content: bodiesOf(takes, bodySchema) } }),
        },
      };
    },
    transformObject: (document) => completed(transformObject(document) as OpenAPIV3_1.Document, statusesById),
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
function bodiesOf(
  { json, form }: Takes,
  schemaOf: (body: z.ZodType) => unknown,
): Readonly<Record<string, { readonly schema: unknown }>> {
  // OpenAPI 3.1 says bytes so, and generated clients take files for it.
  const picture = { contentMediaType: "image/*" };
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
