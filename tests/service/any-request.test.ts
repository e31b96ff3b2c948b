/** Whatever is sent, the service answers, never with 500, and continues. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { searchResponseSchema } from "../../src/service/api.js";
import { rawRequest } from "./raw-request.js";
import { form, keyFile, makeSmallIndex, type Running, type SmallIndex, start } from "./small-index.js";

let place: SmallIndex;
let service: Running;
let keys: Awaited<ReturnType<typeof keyFile>>;
beforeAll(async () => {
  place = await makeSmallIndex();
  keys = await keyFile(join(place.root, "keys.json"));
  service = await start({ index: place.copy("served"), keys: keys.file });
});
afterAll(async () => {
  await service?.close();
  place?.remove();
});

const runs = { numRuns: 150, seed: 20_260_301 };
/** Strings with everything in them that a string may have. */
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.constantFrom(
    "",
    " ",
    "A1",
    "A2",
    "is red",
    "dress",
    "colour",
    "red",
    "__proto__",
    "constructor",
    "toString",
  ),
);
/** Halves of characters have no code in an address. */
const encoded = (raw: string) => encodeURIComponent(raw.replaceAll(/\p{Surrogate}/gu, "?"));
const names = fc.array(text, { minLength: 1, maxLength: 3 });
const not = fc.option(fc.boolean(), { nil: undefined });
const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(0, -0, 1e-320, 1e308, Number.MAX_SAFE_INTEGER),
);
const condition = fc.oneof(
  fc.record({ kind: fc.constantFrom("id", "category"), anyOf: names, not }),
  fc.record({ kind: fc.constant("attribute"), name: text, anyOf: names, not }),
  fc.record({ kind: fc.constant("price"), min: number, max: number, not }, { requiredKeys: ["kind"] }),
);
const query = fc.record(
  {
    reference: fc.oneof(fc.record({ id: fc.constantFrom("A1", "A2", "A12", "B1") }), fc.record({ id: text })),
    text,
    weight: number,
  },
  { requiredKeys: [] },
);
const body = fc.record(
  {
    queries: fc.array(query, { maxLength: 3 }),
    filter: fc.array(condition, { maxLength: 3 }),
    limit: fc.integer({ min: 1, max: 200 }),
    offset: fc.integer({ min: 0, max: 10_000 }),
    includeReferences: fc.boolean(),
    exact: fc.boolean(),
    attention: fc.boolean(),
  },
  { requiredKeys: [] },
);
type Body = typeof body extends fc.Arbitrary<infer T> ? T : never;

/** A body with one value, somewhere, made another. */
const mutated = fc.tuple(body, fc.nat(), fc.jsonValue({ maxDepth: 3 })).map(([valid, place, value]) => {
  let count = 0;
  const copy = JSON.parse(
    JSON.stringify(valid, (_, part) => (Number.isFinite(part) || typeof part !== "number" ? part : null)),
  );
  const change = (part: unknown): unknown => {
    count += 1;
    if (count === 1 + (place % 12)) return value;
    if (Array.isArray(part)) return part.map(change);
    if (typeof part !== "object" || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, change(inner)]));
  };
  return change(copy);
});

const known = new Set([200, 201, 204, 304, 400, 401, 403, 404, 408, 413, 414, 415, 431]);

describe("whatever is searched for", () => {
  it("is answered by the schema, or refused with what is wrong", async () => {
    await fc.assert(
      fc.asyncProperty(body, async (asked: Body) => {
        const answer = await service.search(asked);
        const content: unknown = await answer.json();
        expect([200, 400]).toContain(answer.status);
        if (answer.status === 200) searchResponseSchema.parse(content);
        else expect(content).toMatchObject({ error: { code: expect.stringMatching(/USAGE|INPUT_INVALID/) } });
      }),
      runs,
    );
  });

  it("is refused where it is wrong", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, fc.jsonValue({ maxDepth: 4 })), async (asked) => {
        const answer = await service.search(asked);
        await answer.arrayBuffer();
        expect([200, 400, 413]).toContain(answer.status);
      }),
      runs,
    );
  });

  it("may be any bytes", async () => {
    const types = [
      "application/json",
      "multipart/form-data; boundary=x",
      "multipart/form-data",
      "text/plain",
      "",
    ];
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(...types), async (bytes, type) => {
        const { status } = await rawRequest(service.address, "/v1/search", {
          method: "POST",
          body: bytes,
          headers: { "content-type": type },
        });
        expect([...known]).toContain(status);
      }),
      runs,
    );
  });

  it("may be a form that was damaged anywhere", async () => {
    const request = new Request("http://x/", {
      method: "POST",
      body: form({
        request: { queries: [{ reference: { upload: "a" }, text: "is red" }], limit: 1 },
        a: readFileSync(place.picture("A3")),
      }),
    });
    const type = request.headers.get("content-type") ?? "";
    const whole = new Uint8Array(await request.arrayBuffer());
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), fc.boolean(), async (at, value, isCut) => {
        const bytes = isCut ? whole.slice(0, at) : whole.slice();
        if (!isCut) bytes[at] = value;
        const { status } = await rawRequest(service.address, "/v1/search", {
          method: "POST",
          body: bytes,
          headers: { "content-type": type },
        });
        expect([200, 400, 413]).toContain(status);
      }),
      runs,
    );
  });
});

describe("whatever is written", () => {
  it("is an item that is read as it was acknowledged, or is refused", async () => {
    const item = fc.record(
      {
        category: text,
        title: text,
        price: number,
        attributes: fc.dictionary(text, fc.array(text, { maxLength: 3 }), { maxKeys: 3 }),
      },
      { requiredKeys: ["category"] },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof({ weight: 2, arbitrary: fc.constant("B1") }, { weight: 1, arbitrary: text }),
        item,
        async (id, written) => {
          const path = `/v1/items/${encoded(id)}`;
          const answer = await fetch(service.address + path, {
            method: "PUT",
            headers: keys.headers,
            body: form({ item: written, picture: readFileSync(place.picture("A5")) }),
          });
          const content: unknown = await answer.json();
          if (path.length > "/v1/items/".length && !/\/\.+$/.test(path))
            expect([200, 201, 400, 414]).toContain(answer.status);
          if (answer.status >= 400) return;
          expect(await (await service.get(path)).json()).toEqual(content);
        },
      ),
      { ...runs, numRuns: 60 },
    );
  });
});

describe("whatever else is asked", () => {
  it("is answered for any path and method", async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "v1",
        "items",
        "search",
        "A1",
        "picture",
        "thumbnails",
        "docs",
        "static",
        "metrics",
        "..",
        "%2e%2e",
        "%00",
        "%",
        "assets",
      ),
      fc.string({ unit: "binary-ascii", maxLength: 12 }).map((raw) => raw.replaceAll(/[^\x21-\x7e]/g, "%")),
      text.map((raw) => encoded(raw)),
    );
    const methods = fc.constantFrom("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE");
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 5 }),
        methods,
        fc.boolean(),
        async (pieces, method, hasKey) => {
          const { status } = await rawRequest(service.address, `/${pieces.join("/")}`, {
            method,
            headers: hasKey ? keys.headers : {},
          });
          expect([...known, 405, 501]).toContain(status);
        },
      ),
      { ...runs, numRuns: 300 },
    );
  });

  it("is answered for any headers", async () => {
    const value = fc
      .string({ unit: "binary-ascii", maxLength: 80 })
      .map((raw) => raw.replaceAll(/[^\x20-\x7e]/g, "?"));
    const name = fc.constantFrom(
      "authorization",
      "accept",
      "accept-encoding",
      "accept-version",
      "content-type",
      "content-length",
      "cookie",
      "expect",
      "host",
      "if-none-match",
      "range",
      "transfer-encoding",
      "upgrade",
      "x-forwarded-for",
      "x-forwarded-host",
      "x-http-method-override",
      "__proto__",
      "constructor",
      "connection",
      "origin",
      "te",
      "trailer",
    );
    const paths = fc.constantFrom(
      "/v1/items/A1",
      "/v1/items/A1/picture",
      "/v1/search",
      "/docs",
      "/metrics",
      "/",
    );
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(name, value, { maxKeys: 4, noNullPrototype: true }),
        paths,
        async (headers, path) => {
          const { status } = await rawRequest(service.address, path, {
            headers,
            method: path === "/v1/search" ? "POST" : "GET",
          });
          expect([...known, 0, 206, 416, 417, 421]).toContain(status);
        },
      ),
      runs,
    );
  });

  it("was no bug, and the service is as it was", async () => {
    expect(service.lines().filter(({ level }) => level === "error")).toEqual([]);
    expect((await service.search({ queries: [{ text: "is red" }] })).status).toBe(200);
    expect(await (await service.get("/metrics")).text()).toMatch(/^sdfn_waiting 0$/m);
  });
});
