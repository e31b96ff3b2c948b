/** Every status that the OpenAPI document says of an operation can be had of it. */
import { renameSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { form, keyFile, makeSmallIndex, type Running, type SmallIndex, start } from "./small-index.js";

let place: SmallIndex;
let keyOptions: { readonly keys: string };
let writer: Readonly<Record<string, string>>;
let reader: Readonly<Record<string, string>>;
const hash = "0".repeat(64);

beforeAll(async () => {
  place = await makeSmallIndex();
  const keys = await keyFile(join(place.root, "keys.json"));
  reader = (await keyFile(keys.file, "read")).headers;
  writer = keys.headers;
  keyOptions = { keys: keys.file };
});
afterAll(() => place?.remove());

interface Request {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | FormData;
}

/** How an operation is asked; `path` with `{x}` for the part that the client chooses. */
const operations: Readonly<
  Record<string, { readonly method: string; readonly path: string; readonly x?: string }>
> = {
  search: { method: "POST", path: "/v1/search" },
  getItem: { method: "GET", path: "/v1/items/{x}", x: "A1" },
  putItem: { method: "PUT", path: "/v1/items/{x}", x: "A1" },
  deleteItem: { method: "DELETE", path: "/v1/items/{x}", x: "none" },
  getPicture: { method: "GET", path: "/v1/items/{x}/picture", x: "A1" },
  getThumbnail: { method: "GET", path: "/v1/thumbnails/{x}", x: hash },
  getCatalogue: { method: "GET", path: "/v1/catalogue" },
  getSuggestions: { method: "GET", path: "/v1/suggestions" },
  getHealth: { method: "GET", path: "/healthz" },
  getReadiness: { method: "GET", path: "/readyz" },
  getMetrics: { method: "GET", path: "/metrics" },
};
const bodies: Readonly<Record<string, () => Request>> = {
  search: () => ({
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ queries: [{ text: "is red" }] }),
  }),
  putItem: () => ({ body: form({ item: { category: "dress" } }) }),
};

async function statusOf(service: Running, id: string, request: Request = {}): Promise<number> {
  const { method = "GET", path = "", x = "" } = operations[id] ?? {};
  const usual: Request = bodies[id]?.() ?? {};
  const { headers, body, path: part = x } = { ...usual, ...request };
  const needsKey = id === "putItem" || id === "deleteItem" ? writer : {};
  const answer = await fetch(service.address + path.replace("{x}", part), {
    method,
    headers: { ...needsKey, ...headers },
    body: body ?? null,
  });
  await answer.arrayBuffer();
  return answer.status;
}

/** By status: what makes an operation answer with it. Of the rest, other tests tell. */
const provoked: Readonly<Record<string, (id: string, service: Running) => Promise<number>>> = {
  304: async (id, service) => {
    const { items = [] } = (await (await service.search({ limit: 1 })).json()) as {
      items?: { item: { thumbnailUrl: string } }[];
    };
    const picture = items[0]?.item.thumbnailUrl.split("/").at(-1) ?? "";
    const request = { headers: { "if-none-match": "*" } };
    return statusOf(service, id, id === "getThumbnail" ? { ...request, path: picture } : request);
  },
  400: (id, service) => {
    const wrong: Readonly<Record<string, Request>> = {
      search: { body: "{" },
      putItem: { body: form({ item: {} }) },
    };
    return statusOf(service, id, wrong[id] ?? { path: "%20" });
  },
  401: (id, service) => statusOf(service, id, { headers: { authorization: "Bearer sdfn_x" } }),
  403: (id, service) => statusOf(service, id, { headers: reader }),
  404: (id, service) => statusOf(service, id, { path: id === "getThumbnail" ? hash : "none" }),
  413: (id, service) => {
    const large = {
      headers: { ...writer, "content-type": "application/json" },
      body: `"${"x".repeat(300_000)}"`,
    };
    if (id !== "putItem") return statusOf(service, id, large);
    return statusOf(service, id, { body: form({ item: { category: "x".repeat(300_000) } }) });
  },
  414: (id, service) => statusOf(service, id, { path: "x".repeat(4000) }),
  415: (id, service) =>
    statusOf(service, id, { headers: { ...writer, "content-type": "text/csv" }, body: "a,b" }),
};

/** Silent bodies, names and slow answers have tests of their own; 500 is a bug. */
const elsewhere = new Set(["408", "421", "500", "504"]);

async function documented(service: Running): Promise<readonly (readonly [id: string, status: string])[]> {
  const document = (await (await service.get("/openapi.json")).json()) as {
    paths: Record<string, Record<string, { operationId: string; responses: object }>>;
  };
  return Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).flatMap(({ operationId, responses }) =>
      Object.keys(responses).map((status) => [operationId, status] as const),
    ),
  );
}

describe("statuses of the document", () => {
  it("are had by asking wrongly", async () => {
    const service = await start({ index: place.copy("asked"), ...keyOptions });
    const isChosen = (id: string) => operations[id]?.x !== undefined || bodies[id] !== undefined;
    for (const [id, status] of await documented(service)) {
      const provoke = provoked[status];
      // What has nothing that a client chooses refuses only what is no HTTP, or has two Host headers.
      if (provoke === undefined || (status === "400" && !isChosen(id))) continue;
      expect([id, status, await provoke(id, service)]).toEqual([id, status, Number(status)]);
    }
    await service.close();
  });

  it("are had by asking too often", async () => {
    const service = await start({
      index: place.copy("often"),
      ratePerAddress: 1,
      ratePerKey: 1,
      ...keyOptions,
    });
    for (const [id, status] of await documented(service)) {
      if (status !== "429") continue;
      const answers: number[] = [];
      for (let i = 0; i < 22 && answers.at(-1) !== 429; i += 1) answers.push(await statusOf(service, id));
      expect([id, answers.at(-1)]).toEqual([id, 429]);
    }
    await service.close();
  });

  it("are had while the index is gone", async () => {
    const folder = place.copy("gone");
    const service = await start({ index: folder, ...keyOptions });
    const all = await documented(service);
    renameSync(folder, `${folder}.aside`);
    for (const [id, status] of all) {
      // These need no index: only a service that stops refuses them so.
      if (status !== "503" || id === "getSuggestions" || id === "getThumbnail") continue;
      expect([id, await statusOf(service, id)]).toEqual([id, 503]);
    }
    renameSync(`${folder}.aside`, folder);
    await service.close();
  });

  it("are all had here or said to be had elsewhere", async () => {
    const service = await start({ index: place.index });
    const here = new Set([...Object.keys(provoked), "200", "201", "204", "429", "503"]);
    const rest = (await documented(service)).filter(
      ([, status]) => !here.has(status) && !elsewhere.has(status),
    );
    expect(rest).toEqual([]);
    await service.close();
  });
});
