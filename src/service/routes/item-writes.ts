/** Writing items: `PUT` and `DELETE /v1/items/{id}`. */
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { idSchema } from "../../catalogue/item-schema.js";
import { RequestError } from "../../errors.js";
import { itemSchema, itemWriteSchema } from "../api.js";
import { parsed, readForm, requireClient } from "../form.js";
import { itemOf, writtenEntry } from "../item.js";
import type { ServiceApp } from "../service-app.js";
import type { ServiceParts } from "../service-parts.js";
import { type Take, within } from "../slots.js";
import { itemParams } from "./items.js";

export function itemWriteRoutes(app: ServiceApp, parts: ServiceParts): void {
  const { writer, timeoutMs, load } = parts;

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
            jsonPart: "item",
            json: itemWriteSchema,
            picturePart: "picture",
          },
        },
      },
      schema: {
        operationId: "putItem",
        tags: ["items"],
        summary: "Add or replace an item; answered when it survives a loss of power",
        params: z.object({ id: idSchema }),
        response: { 200: itemSchema, 201: itemSchema },
      },
    },
    async (request, reply) => {
      const work = (take: Take) => put(request.params.id, request, parts, take);
      const { entry, isNew } = await within(timeoutMs, load.uploads.during(request.anonymousAddress, work));
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

async function put(
  id: string,
  request: FastifyRequest,
  { writer, load, metrics }: ServiceParts,
  takeBytes: Take,
) {
  if (!request.isMultipart()) {
    throw new RequestError(
      "UNSUPPORTED_TYPE",
      "the item must come as multipart/form-data, with the parts item and picture",
    );
  }
  const { json, pictures } = await readForm(request, "item", takeBytes);
  const written = writtenEntry(parsed("item", itemWriteSchema, json), json);
  const other = [...pictures.keys()].filter((name) => name !== "picture");
  if (other.length > 0) {
    throw new RequestError(
      "INPUT_INVALID",
      `form: has parts besides item and picture; got ${other.join(", ")}; leave them out`,
    );
  }
  return load.queries.during(request.anonymousAddress, async (take) => {
    take(1);
    requireClient(request);
    const done = await writer.put(id, written, pictures.get("picture"));
    metrics.stage("embed", done.timesMs.embed);
    metrics.stage("write", done.timesMs.write);
    return done;
  });
}
