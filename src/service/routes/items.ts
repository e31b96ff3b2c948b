/** Items of the catalogue and their pictures. */
import { z } from "zod";
import { RequestError } from "../../errors.js";
import type { CatalogueEntry } from "../../search/index/catalogue-entry.js";
import { itemSchema, nameSchema } from "../api.js";
import { itemOf } from "../item.js";
import { sendPicture } from "../send-picture.js";
import type { ServiceApp } from "../service-app.js";
import type { ServiceParts } from "../service-parts.js";

export const itemParams = z.object({ id: nameSchema });
/** Sent as it is; the document's word for it is a string. */
const binary: z.ZodType<unknown> = z.string().meta({ format: "binary" });

export function itemRoutes(app: ServiceApp, { catalogue: { index } }: ServiceParts): void {
  const entryOf = async (id: string): Promise<CatalogueEntry> => {
    const item = await index.get(id);
    if (item === undefined) throw new RequestError("NOT_FOUND", `items: there is none of this id; got ${id}`);
    return item.entry;
  };

  app.get(
    "/v1/items/:id",
    {
      config: { access: "read", alsoGives: [404] },
      schema: {
        operationId: "getItem",
        tags: ["items"],
        summary: "One item",
        params: itemParams,
        response: { 200: itemSchema },
      },
    },
    async ({ params }) => itemOf(await entryOf(params.id)),
  );

  app.get(
    "/v1/items/:id/picture",
    {
      config: { access: "read", alsoGives: [404] },
      schema: {
        operationId: "getPicture",
        tags: ["items"],
        summary: "An item's picture as it is kept; its thumbnail where it is gone",
        params: itemParams,
        response: { 200: { content: { "image/*": { schema: binary } } } },
      },
    },
    async ({ params }, reply) => {
      const entry = await entryOf(params.id);
      const file = await index.pictureFile(entry);
      if (file === undefined)
        throw new RequestError("NOT_FOUND", `items: the picture is gone; got ${params.id}`);
      return sendPicture(reply, file);
    },
  );

  app.get(
    "/v1/thumbnails/:picture",
    {
      config: { access: "read", alsoGives: [404] },
      schema: {
        operationId: "getThumbnail",
        tags: ["items"],
        summary: "A small copy of a picture; never changes",
        params: z.object({
          picture: z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256, 64 hexadecimal digits"),
        }),
        response: { 200: { content: { "image/webp": { schema: binary } } } },
      },
    },
    async ({ params: { picture } }, reply) => {
      const bytes = await index.thumbnail({ picture });
      if (bytes === undefined)
        throw new RequestError("NOT_FOUND", "thumbnails: there is none of this picture");
      return reply
        .type("image/webp")
        .header("etag", `"${picture}"`)
        .header("cache-control", "private, max-age=31536000, immutable")
        .send(bytes);
    },
  );
}
