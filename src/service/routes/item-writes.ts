/** Writing items: `PUT` and `DELETE /v1/items/{id}`. */
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { RequestError } from "../../errors.js";
import { itemSchema, itemWriteSchema, writtenIdSchema } from "../api.js";
import { expectedBytes, parsed, readForm, requireClient } from "../form.js";
import { itemOf, writtenEntry } from "../item.js";
import type { ServiceApp, ServiceParts } from "../parts.js";
import { within } from "../slots.js";
import { itemParams } from "./items.js";

export function itemWriteRoutes(app: ServiceApp, parts: ServiceParts): void {
  const { writer, timeoutMs, uploads } = parts;

  app.put(
    "/v1/items/:id",
    {
      config: {
        access: "write",
        isCostly: true,
        alsoGives: [504],
        takes: {
          form: {
            description: "The picture may be left out where the item is there: it keeps its own",
            ...{ jsonPart: "item", json: itemWriteSchema, picturePart: "picture" },
          },
        },
      },
      schema: {
        operationId: "putItem",
        tags: ["items"],
        summary: "Add or replace an item; answered when it survives a loss of power",
        params: z.object({ id: writtenIdSchema }),
        response: { 200: itemSchema, 201: itemSchema },
      },
    },
    async (request, reply) => {
      const work = () => put(request.params.id, request, parts);
      const { entry, isNew } = await within(timeoutMs, uploads.during(expectedBytes(request), work));
      return reply.code(isNew ? 201 : 200).send(itemOf(entry));
    },
  );

  app.delete(
    "/v1/items/:id",
    {
      config: { access: "write", isCostly: true, alsoGives: [504] },
      schema: {
        operationId: "deleteItem",
        tags: ["items"],
        summary: "Remove an item; one that is not there does not matter",
        params: itemParams,
        response: { 204: z.undefined().describe("It is not there") },
      },
    },
    async ({ params }, reply) => {
      await within(timeoutMs, writer.delete(params.id));
      return reply.code(204).send();
    },
  );
}

async function put(id: string, request: FastifyRequest, { writer, queries, metrics }: ServiceParts) {
  if (!request.isMultipart()) {
    throw new RequestError(
      "UNSUPPORTED_TYPE",
      "the item must come as multipart/form-data, with the parts item and picture",
    );
  }
  const { json, pictures } = await readForm(request, "item");
  const written = writtenEntry(id, parsed("item", itemWriteSchema, json));
  const other = [...pictures.keys()].filter((name) => name !== "picture");
  if (other.length > 0) {
    throw new RequestError(
      "INPUT_INVALID",
      `form: has parts besides item and picture; got ${other.join(", ")}; leave them out`,
    );
  }
  return queries.during(1, async () => {
    requireClient(request);
    const done = await writer.put(id, written, pictures.get("picture"));
    metrics.stage("embed", done.timesMs.embed);
    metrics.stage("write", done.timesMs.write);
    return done;
  });
}
