/** Every route as it is meant to be used. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  catalogueSchema,
  itemSchema,
  searchResponseSchema,
  suggestionsSchema,
} from "../../src/service/api.js";
import { form, makeSmallIndex, outcome, type Running, type SmallIndex, start } from "./small-index.js";

let place: SmallIndex;
let service: Running;
let web: string;
beforeAll(async () => {
  place = await makeSmallIndex();
  web = join(place.root, "web");
  mkdirSync(join(web, "assets"), { recursive: true });
  writeFileSync(join(web, "index.html"), "<!doctype html><title>Shop</title>");
  writeFileSync(join(web, "assets", "main-abc123.js"), "let page;");
  service = await start({ index: place.index, webFolder: web });
});
afterAll(async () => {
  await service?.close();
  place?.remove();
});

const search = async (body: unknown) => {
  const response = await service.search(body);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return searchResponseSchema.parse(JSON.parse(text));
};
const idsOf = ({ items }: { readonly items: readonly { readonly item: { readonly id: string } }[] }) =>
  items.map(({ item }) => item.id);

describe("POST /v1/search", () => {
  it("ranks for an item and a text, and says how it came about", async () => {
    const found = await search({
      queries: [{ reference: { id: "A1" }, text: "is red zzz" }],
      limit: 4,
      attention: true,
    });
    expect(found.items.map(({ rank }) => rank)).toEqual([1, 2, 3, 4]);
    expect(idsOf(found)).not.toContain("A1");
    const scores = found.items.map(({ score }) => score ?? 2);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(found).toMatchObject({ fitting: 11, plan: "exact", modules: ["jrm", "cam", "gtm", "rcm"] });
    const [query] = found.queries;
    expect(query?.unknownWords).toEqual(["zzz"]);
    expect(query?.routes[0]).toHaveLength(4);
    const { words, rows, columns, weights } = query?.attention ?? {
      words: [],
      rows: 0,
      columns: 0,
      weights: [],
    };
    expect(words).toEqual(["is", "red", "zzz"]);
    expect(weights.map((row) => row.length)).toEqual(words.map(() => rows * columns));
    expect(found.timesMs.total).toBeGreaterThan(0);
    const plain = await search({
      queries: [{ reference: { id: "A1" }, text: "is red" }],
      includeReferences: true,
    });
    expect(idsOf(plain)).toContain("A1");
    expect(plain.queries[0]?.attention).toBeUndefined();
  });

  it("takes pictures in a form, each under the name that its query gives it", async () => {
    const [a, b] = ["A2", "A9"].map((id) => readFileSync(place.picture(id))) as [Buffer, Buffer];
    const request = {
      queries: [{ reference: { upload: "front" } }, { reference: { upload: "b" }, weight: 0.01 }],
      limit: 1,
    };
    const ask = (body: FormData) => fetch(`${service.address}/v1/search`, { method: "POST", body });
    const found = await ask(form({ request, front: a, b }));
    expect(idsOf(searchResponseSchema.parse(await found.json()))).toEqual(["A2"]);
    // Pictures before the request, which is a file: as browsers send blobs.
    const blobs = new FormData();
    for (const [name, bytes] of [
      ["b", b],
      ["front", a],
    ] as const) {
      blobs.append(name, new Blob([new Uint8Array(bytes)]), "x.png");
    }
    blobs.append("request", new Blob([JSON.stringify(request)], { type: "application/json" }));
    expect(idsOf(searchResponseSchema.parse(await (await ask(blobs)).json()))).toEqual(["A2"]);
    const wrong = await outcome(ask(form({ request, front: a, c: b })));
    expect(wrong).toMatchObject({ status: 400, code: "INPUT_INVALID" });
    expect(wrong.message).toMatch(/no picture of the form is named b; no query has the picture c/);
    expect(await outcome(ask(form({ front: a })))).toMatchObject({ status: 400 });
  });

  it("lists what fits without a query, page by page, and in the order of ids", async () => {
    const filter = [
      { kind: "category", anyOf: ["dress"] },
      { kind: "attribute", name: "colour", anyOf: ["RED"], not: true },
      { kind: "price", max: 55 },
    ];
    const found = await search({ filter, limit: 2 });
    expect(found).toMatchObject({ plan: "list", fitting: 3, queries: [] });
    expect(found.items.map(({ rank, score, item }) => [rank, score, item.id])).toEqual([
      [1, null, "A2"],
      [2, null, "A3"],
    ]);
    const next = await search({ filter, limit: 2, offset: 2 });
    expect(next.items.map(({ rank, item }) => [rank, item.id])).toEqual([[3, "A4"]]);
    expect((await search({})).items).toHaveLength(12);
    const ranked = await search({ queries: [{ text: "is red" }], filter, exact: true });
    expect(idsOf(ranked).sort()).toEqual(["A2", "A3", "A4"]);
  });

  it("says everything that is wrong with a request", async () => {
    const wrong = await outcome(
      service.search({
        queries: [{ text: "x".repeat(2001) }, { reference: { id: "A1", upload: "b" } }],
        filter: [{ kind: "price" }, { kind: "colour" }],
        limit: 201,
        more: 1,
      }),
    );
    expect(wrong).toMatchObject({ status: 400, code: "INPUT_INVALID" });
    for (const part of [
      "queries[0].text",
      "queries[1].reference",
      "filter[0]: needs min or max",
      "filter[1]",
      "limit",
      "more",
    ]) {
      expect(wrong.message).toContain(part);
    }
    expect(await outcome(service.search({ queries: [{ reference: { id: "B1" } }] }))).toMatchObject({
      status: 400,
      code: "USAGE",
      message: expect.stringMatching(/no item of this id in the index; got B1/),
    });
    for (const query of [{ text: " \t" }, { weight: 2 }]) {
      const { status, message } = await outcome(service.search({ queries: [query] }));
      expect([status, message]).toEqual([400, expect.stringContaining("needs a reference or a text")]);
    }
  });
});

describe("items", () => {
  it("are read one by one, with pictures and thumbnails", async () => {
    const item = itemSchema.parse(await (await service.get("/v1/items/A3")).json());
    expect(item).toMatchObject({
      id: "A3",
      category: "dress",
      title: "Number 3",
      price: 30,
      attributes: { colour: ["green"] },
    });
    const picture = await service.get(item.pictureUrl);
    expect(picture.headers.get("content-type")).toBe("image/png");
    expect(picture.headers.get("x-content-type-options")).toBe("nosniff");
    expect(Buffer.from(await picture.arrayBuffer())).toEqual(readFileSync(place.picture("A3")));
    const again = await service.get(item.pictureUrl, { "if-none-match": picture.headers.get("etag") ?? "" });
    expect(again.status).toBe(304);
    const thumbnail = await service.get(item.thumbnailUrl);
    expect(thumbnail.headers.get("cache-control")).toContain("immutable");
    expect(await sharp(await thumbnail.arrayBuffer()).metadata()).toMatchObject({
      format: "webp",
      width: 42,
    });
    const head = await fetch(service.address + item.pictureUrl, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  it("are 404 where there is none, and pictures are what they are, not what they are called", async () => {
    for (const path of [
      "/v1/items/B1",
      "/v1/items/B1/picture",
      `/v1/thumbnails/${"0".repeat(64)}`,
      "/v1/nothing",
    ]) {
      expect(await outcome(service.get(path)), path).toMatchObject({ status: 404, code: "NOT_FOUND" });
    }
    expect(await outcome(service.get("/v1/thumbnails/..%2findex.json"))).toMatchObject({ status: 400 });
    const [file, aside] = [place.picture("A4"), `${place.picture("A4")}.aside`];
    renameSync(file, aside);
    writeFileSync(file, "<html><script>alert(1)</script></html>");
    // It is not the file that was indexed: the thumbnail is shown and searched with.
    const shown = await service.get("/v1/items/A4/picture");
    expect([shown.status, shown.headers.get("content-type")]).toEqual([200, "image/webp"]);
    const query = { queries: [{ reference: { id: "A4" }, text: "is red" }] };
    expect((await service.search(query)).status).toBe(200);
    const named = await start({ index: place.index, images: place.root });
    try {
      expect(await outcome(named.get("/v1/items/A4/picture"))).toMatchObject({ status: 404 });
      // As a reference it is the catalogue's trouble, and its path is not the client's.
      const failed = await outcome(named.search(query));
      expect(failed).toMatchObject({ status: 503, code: "IMAGE_INVALID" });
      expect(failed.message).not.toContain(place.root);
    } finally {
      await named.close();
      renameSync(aside, file);
    }
  });
});

describe("what there is", () => {
  it("is in the catalogue's description", async () => {
    const info = catalogueSchema.parse(await (await service.get("/v1/catalogue")).json());
    expect(info).toMatchObject({
      model: { name: "sdfn", embedDim: 8, modules: ["jrm", "cam", "gtm", "rcm"] },
      contents: { items: 12, price: { min: 10, max: 120 } },
      writable: false,
      limits: { limit: 200, queries: 16 },
    });
  });

  it("is suggested as people have said it", async () => {
    const suggested = async (query: string) =>
      suggestionsSchema.parse(await (await service.get(`/v1/suggestions${query}`)).json()).suggestions;
    expect(await suggested("")).toEqual(["is red", "is blue"]);
    expect(await suggested("?prefix=IS%20B&category=dress")).toEqual(["is blue"]);
    expect(await suggested("?prefix=re&limit=1")).toEqual(["is red"]);
    expect(await suggested("?prefix=x")).toEqual([]);
    expect(await outcome(service.get("/v1/suggestions?limit=0"))).toMatchObject({
      status: 400,
      code: "INPUT_INVALID",
    });
  });

  it("is measured", async () => {
    await search({ queries: [{ text: "is red" }] });
    const text = await (await service.get("/metrics")).text();
    for (const pattern of [
      /^sdfn_requests_total\{method="POST",route="\/v1\/search",status="200"\} [1-9]/m,
      /^sdfn_requests_total\{method="GET",route="\/v1\/items\/:id",status="404"\} 1$/m,
      /^sdfn_request_seconds_count\{method="POST",route="\/v1\/search"\} [1-9]/m,
      /^sdfn_stage_seconds_sum\{stage="encode"\} \d+\.\d/m,
      /^sdfn_batch_size_count [1-9]/m,
      /^sdfn_items 12$/m,
      /^sdfn_waiting 0$/m,
      /^nodejs_eventloop_lag_p99_seconds /m,
      /^process_resident_memory_bytes /m,
    ]) {
      expect(text).toMatch(pattern);
    }
  });

  it("is described by a page that loads nothing from elsewhere", async () => {
    const page = await service.get("/docs");
    const html = await page.text();
    const addresses = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address ?? "");
    expect(addresses.length).toBeGreaterThan(3);
    for (const address of addresses) {
      const file = await service.get(address);
      expect([address, file.status]).toEqual([address, 200]);
      await file.arrayBuffer();
    }
    expect(page.headers.get("content-security-policy")).toMatch(/^default-src 'self';/);
  });
});

describe("the page", () => {
  it("is served with its files, asked for anew each time where names stay", async () => {
    const page = await service.get("/");
    expect(await page.text()).toContain("<title>Shop</title>");
    expect(page.headers.get("cache-control")).toBe("no-cache");
    expect(page.headers.get("content-security-policy")).toMatch(/img-src 'self' blob: data:/);
    const script = await service.get("/assets/main-abc123.js");
    expect(script.headers.get("content-type")).toMatch(/javascript/);
    expect(script.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    for (const path of [
      "/..%2fcatalogue.csv",
      "/%2e%2e/catalogue.csv",
      "/assets/..%5c..%5ccatalogue.csv",
      "/assets/%00",
    ]) {
      expect((await outcome(service.get(path))).status, path).toBeGreaterThanOrEqual(400);
    }
  });

  it("is said to be missing where it was not built", async () => {
    const bare = await start({ index: place.index, webFolder: join(place.root, "nowhere") });
    const response = await bare.get("/");
    expect([response.status, await response.text()]).toEqual([404, expect.stringContaining("npm run build")]);
    await bare.close();
  });
});

describe("health", () => {
  it("is ready, until the service stops", async () => {
    const other = await start({ index: place.index });
    expect(await (await other.get("/healthz")).json()).toEqual({ status: "alive" });
    expect(await (await other.get("/readyz")).json()).toEqual({
      status: "ready",
      slots: {
        queries: { taken: 0, free: 64 },
        uploadBytes: { taken: 0, free: 256 * 2 ** 20 },
        bodies: { waiting: 0 },
      },
    });
    await other.close();
    await expect(other.get("/readyz")).rejects.toThrow();
  });
});
