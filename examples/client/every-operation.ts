/** Every operation of the service, once: `node every-operation.js ADDRESS KEY PICTURE`. Prints what came of each. */
import { readFile } from "node:fs/promises";
import { asForm, searchService } from "./search-service.js";

const [address = "", key = "", pictureFile = ""] = process.argv.slice(2);
const service = searchService(address, key);
const picture = new Blob([await readFile(pictureFile)]);
const path = { id: "new 1?" };

const { data: health } = await service.GET("/healthz");
const { data: readiness } = await service.GET("/readyz");
const { data: catalogue } = await service.GET("/v1/catalogue");
const { data: suggested } = await service.GET("/v1/suggestions", {
  params: { query: { prefix: "is", limit: 3 } },
});

const put = await service.PUT("/v1/items/{id}", {
  params: { path },
  body: { item: { category: "dress", title: "Blue dress", price: 49.9 }, picture },
  bodySerializer: asForm,
});
const { data: item } = await service.GET("/v1/items/{id}", { params: { path } });
const { data: whole } = await service.GET("/v1/items/{id}/picture", { params: { path }, parseAs: "blob" });
const name = item?.thumbnailUrl.split("/").at(-1) ?? "";
const { data: small } = await service.GET("/v1/thumbnails/{picture}", {
  params: { path: { picture: name } },
  parseAs: "blob",
});

const { data: byWords } = await service.POST("/v1/search", {
  body: {
    queries: [{ reference: { id: "A1" }, text: "is red" }],
    filter: [
      { kind: "category", anyOf: ["dress"] },
      { kind: "price", max: 100 },
    ],
    limit: 3,
  },
});
const { data: byPicture } = await service.POST("/v1/search", {
  body: {
    request: { queries: [{ reference: { upload: "mine" }, text: "is red" }], limit: 2 },
    mine: picture,
  },
  bodySerializer: asForm,
});

const removed = await service.DELETE("/v1/items/{id}", { params: { path } });
const { error: missing } = await service.GET("/v1/items/{id}", { params: { path } });
const { error: wrong } = await service.POST("/v1/search", { body: { limit: 1000 } });
const { data: metrics } = await service.GET("/metrics", { parseAs: "text" });

console.log(
  JSON.stringify({
    health: health?.status,
    readiness: readiness?.status,
    items: catalogue?.contents.items,
    suggestions: suggested?.suggestions,
    put: put.response.status,
    price: item?.price,
    pictureBytes: whole?.size,
    hasThumbnail: (small?.size ?? 0) > 0,
    byWords: byWords?.items.length,
    byPicture: byPicture?.items[0]?.item.id,
    removed: removed.response.status,
    missing: missing?.error.code,
    wrong: wrong?.error.code,
    countsItems: metrics?.includes("sdfn_items "),
  }),
);
