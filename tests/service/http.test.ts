/** HTTP as clients, caches and proxies expect it: methods, conditional requests, compressed text. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { METHODS } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rawRequest } from "./raw-request.js";
import { keyFile, makeSmallIndex, type Running, type SmallIndex, start } from "./small-index.js";

let place: SmallIndex;
let service: Running;
let thumbnail: string;
let headers: Readonly<Record<string, string>>;
/** Long enough to be worth compressing. */
const script = `export const words = [${Array.from({ length: 400 }, (_, i) => `"word ${i}"`)}];\n`;

beforeAll(async () => {
  place = await makeSmallIndex();
  const web = join(place.root, "web");
  mkdirSync(join(web, "assets"), { recursive: true });
  writeFileSync(join(web, "index.html"), `<!doctype html><title>Shop</title>${" ".repeat(2000)}`);
  writeFileSync(join(web, "assets", "main-abc123.js"), script);
  writeFileSync(join(web, "assets", "main-abc123.css"), `/* ${"a ".repeat(1000)} */`);
  writeFileSync(
    join(web, "assets", "icon-abc123.svg"),
    `<svg xmlns="http://www.w3.org/2000/svg">${" ".repeat(2000)}</svg>`,
  );
  cpSync(place.picture("A1"), join(web, "assets", "photo-abc123.png"));
  const keys = await keyFile(join(place.root, "keys.json"));
  headers = keys.headers;
  service = await start({ index: place.copy("served"), webFolder: web, keys: keys.file });
  thumbnail = ((await (await service.get("/v1/items/A3")).json()) as { thumbnailUrl: string }).thumbnailUrl;
});
afterAll(async () => {
  await service?.close();
  place?.remove();
});

/** Every address that is there, and what it takes. */
const addresses = (): Readonly<Record<string, string>> => {
  const read = [
    "/v1/catalogue",
    "/v1/suggestions?prefix=is",
    "/v1/items/A3/picture",
    thumbnail,
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/",
    "/index.html",
    "/assets/main-abc123.js",
    "/docs",
    "/docs/",
    "/docs/json",
    "/docs/static/swagger-ui.css",
  ];
  const written = { "/v1/search": "POST", "/v1/items/A3": "DELETE, GET, HEAD, PUT" };
  return { ...written, ...Object.fromEntries(read.map((path) => [path, "GET, HEAD"])) };
};
const allowed = (list: string) => [...list.split(", "), "OPTIONS"].sort();
const allowOf = (text: string) => (/^allow: (.*)\r$/im.exec(text)?.[1] ?? "").split(", ").sort();

describe("a known address", () => {
  it("refuses every method that it has not with 405, and names those that it has", async () => {
    for (const [path, list] of Object.entries(addresses())) {
      // CONNECT is for proxies: Node.js ends the connection. HEAD has no body to look at.
      for (const method of METHODS.filter((name) => name !== "CONNECT" && !allowed(list).includes(name))) {
        const { status, text } = await rawRequest(service.address, path, { method });
        expect([method, path, status], text).toEqual([method, path, 405]);
        expect(allowOf(text), `${method} ${path}`).toEqual(allowed(list));
        if (method !== "HEAD") expect(text).toContain('"code":"METHOD_NOT_ALLOWED"');
      }
    }
  });

  it("refuses the method whatever body comes with it", async () => {
    for (const type of [
      "application/json",
      "text/plain",
      "multipart/form-data",
      "multipart/form-data; boundary=x",
    ]) {
      const { status } = await rawRequest(service.address, "/v1/catalogue", {
        method: "POST",
        headers: { "content-type": type },
        body: "{",
      });
      expect([type, status]).toEqual([type, 405]);
    }
  });

  it("says its methods when it is asked for its options", async () => {
    for (const [path, list] of Object.entries(addresses())) {
      const answer = await fetch(service.address + path, { method: "OPTIONS" });
      expect([path, answer.status, await answer.text()]).toEqual([path, 204, ""]);
      expect((answer.headers.get("allow") ?? "").split(", ").sort()).toEqual(allowed(list));
    }
  });

  it("answers HEAD as GET, without the body", async () => {
    const changing = new Set([
      "date",
      "x-request-id",
      "content-length",
      "transfer-encoding",
      "connection",
      "keep-alive",
    ]);
    const told = ({ headers: all }: Response) => [...all].filter(([name]) => !changing.has(name));
    for (const [path, list] of Object.entries(addresses())) {
      if (!list.includes("HEAD")) continue;
      for (const encoding of ["identity", "br"]) {
        const asked = { headers: { "accept-encoding": encoding } };
        const get = await fetch(service.address + path, asked);
        const head = await fetch(service.address + path, { ...asked, method: "HEAD" });
        await get.arrayBuffer();
        expect([path, head.status, await head.text()]).toEqual([path, get.status, ""]);
        expect([path, told(head)]).toEqual([path, told(get)]);
      }
    }
  });
});

it("an unknown address is 404 whatever the method", async () => {
  for (const path of ["/nothing", "/v1/nothing", "/v1/items", "/assets/other.js", "/main.js.map"]) {
    for (const method of ["GET", "POST", "PUT", "OPTIONS", "PROPFIND"]) {
      const { status } = await rawRequest(service.address, path, { method });
      expect([method, path, status]).toEqual([method, path, 404]);
    }
  }
});

describe("a conditional request", () => {
  const tagged = () => [
    "/v1/catalogue",
    "/v1/suggestions?prefix=is",
    "/v1/items/A3",
    "/v1/items/A3/picture",
    thumbnail,
    "/openapi.json",
    "/",
    "/assets/main-abc123.js",
    "/assets/photo-abc123.png",
    "/docs",
    "/docs/static/swagger-ui.css",
  ];

  it("is 304 for the tag in every form that a list of tags may have", async () => {
    for (const path of tagged()) {
      const first = await service.get(path);
      await first.arrayBuffer();
      const tag = first.headers.get("etag") ?? "";
      expect([path, tag]).toEqual([path, expect.stringMatching(/^(W\/)?"[^"]+"$/)]);
      const bare = tag.replace(/^W\//, "");
      for (const list of [tag, bare, `W/${bare}`, `"x", ${bare}`, `W/"x",W/${bare} , "y"`, "*"]) {
        for (const method of ["GET", "HEAD"]) {
          const again = await fetch(service.address + path, { method, headers: { "if-none-match": list } });
          expect([path, method, list, again.status, await again.text()]).toEqual([
            path,
            method,
            list,
            304,
            "",
          ]);
          expect([path, again.headers.get("etag")]).toEqual([path, tag]);
          expect(again.headers.get("content-encoding")).toBeNull();
          expect([path, again.headers.get("vary")]).toEqual([path, first.headers.get("vary")]);
        }
      }
      for (const other of ['"x"', 'W/"x", "y"', bare.slice(1, -1), ""]) {
        const again = await service.get(path, { "if-none-match": other });
        expect([path, other, again.status]).toEqual([path, other, 200]);
        await again.arrayBuffer();
      }
    }
  });

  it("is answered whole when the item changed", async () => {
    const first = await service.get("/v1/items/A5");
    const before = await first.json();
    const data = new FormData();
    data.append("item", JSON.stringify({ category: "dress", title: "Changed" }));
    await fetch(`${service.address}/v1/items/A5`, { method: "PUT", headers, body: data });
    const again = await service.get("/v1/items/A5", { "if-none-match": first.headers.get("etag") ?? "" });
    expect(again.status).toBe(200);
    expect(await again.json()).not.toEqual(before);
  });

  it("does not turn a refusal, a search or a health check into 304", async () => {
    const any = { "if-none-match": "*" };
    expect((await service.get("/v1/items/none", any)).status).toBe(404);
    expect((await service.search({ limit: 1 }, any)).status).toBe(200);
    for (const path of ["/healthz", "/readyz", "/metrics"])
      expect((await service.get(path, any)).status).toBe(200);
  });
});

describe("text", () => {
  const unpack = { br: brotliDecompressSync, gzip: gunzipSync };

  /** The bytes as they were sent: fetch would unpack them. */
  async function sent(
    path: string,
    accepted: string,
    options: { readonly method?: string; readonly body?: string } = {},
  ) {
    const { text } = await rawRequest(service.address, path, {
      ...options,
      headers: {
        "accept-encoding": accepted,
        ...(options.body ? { "content-type": "application/json" } : {}),
      },
    });
    const end = text.indexOf("\r\n\r\n");
    const head = text.slice(0, end).toLowerCase();
    const body = Buffer.from(text.slice(end + 4), "latin1");
    const bytes = head.includes("transfer-encoding: chunked") ? joined(body) : body;
    const headerOf = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(head)?.[1]?.trim();
    return { bytes, headerOf };
  }

  function joined(chunked: Buffer): Buffer {
    const parts: Buffer[] = [];
    for (let at = 0; ; ) {
      const lineEnd = chunked.indexOf("\r\n", at);
      const size = Number.parseInt(chunked.toString("latin1", at, lineEnd), 16);
      if (!(size > 0)) return Buffer.concat(parts);
      parts.push(chunked.subarray(lineEnd + 2, lineEnd + 2 + size));
      at = lineEnd + 2 + size + 2;
    }
  }

  it("is compressed as the client takes it, and says that it depends on that", async () => {
    const search = { method: "POST", body: JSON.stringify({ limit: 12 }) };
    const texts = [
      "/",
      "/assets/main-abc123.js",
      "/assets/main-abc123.css",
      "/assets/icon-abc123.svg",
      "/openapi.json",
      "/docs/static/swagger-ui.css",
      "/v1/search",
    ];
    for (const path of texts) {
      const options = path === "/v1/search" ? search : {};
      const plain = await sent(path, "identity", options);
      expect([path, plain.headerOf("content-encoding")]).toEqual([path, undefined]);
      expect([path, plain.headerOf("vary")]).toEqual([path, "accept-encoding"]);
      for (const encoding of ["br", "gzip"] as const) {
        const packed = await sent(path, encoding, options);
        expect([path, packed.headerOf("content-encoding")]).toEqual([path, encoding]);
        expect([path, packed.headerOf("vary")]).toEqual([path, "accept-encoding"]);
        expect(packed.bytes.length).toBeLessThan(plain.bytes.length);
        const text = unpack[encoding](packed.bytes).toString();
        if (path !== "/v1/search") expect(text).toBe(plain.bytes.toString());
        else expect(JSON.parse(text).items).toHaveLength(12);
        // One tag for all encodings says "the same content", not "the same bytes".
        if (path !== "/v1/search") expect(packed.headerOf("etag")).toBe(plain.headerOf("etag"));
        if (path !== "/v1/search") expect(packed.headerOf("etag")).toMatch(/^w\//);
      }
    }
    expect((await sent("/assets/main-abc123.js", "gzip, deflate, br")).headerOf("content-encoding")).toBe(
      "br",
    );
    expect((await sent("/assets/main-abc123.js", "br;q=0, gzip")).headerOf("content-encoding")).toBe("gzip");
    expect((await sent("/assets/main-abc123.js", "zstd")).headerOf("content-encoding")).toBeUndefined();
  });

  it("is left as it is when it is short, a picture, or a part of a file", async () => {
    for (const path of [
      "/healthz",
      "/v1/items/A3",
      "/v1/items/A3/picture",
      thumbnail,
      "/assets/photo-abc123.png",
    ]) {
      const answer = await sent(path, "br, gzip");
      expect([path, answer.headerOf("content-encoding")]).toEqual([path, undefined]);
    }
    expect((await sent("/v1/items/A3/picture", "br")).bytes).toEqual(readFileSync(place.picture("A3")));
    expect((await sent("/v1/items/A3/picture", "br")).headerOf("vary")).toBeUndefined();
    const part = await service.get("/assets/main-abc123.js", { range: "bytes=0-9", "accept-encoding": "br" });
    expect([part.status, await part.text()]).toEqual([206, script.slice(0, 10)]);
  });

  it("is no trouble of the server's when the client goes away meanwhile", async () => {
    const goAway = async (path: string, afterMs: number) => {
      const socket = connect(Number(new URL(service.address).port), "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: br\r\n\r\n`);
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      socket.destroy();
    };
    const paths = ["/docs/static/swagger-ui-bundle.js", "/openapi.json"];
    await Promise.all(Array.from({ length: 100 }, (_, i) => paths.map((path) => goAway(path, 2 * i))).flat());
    await expect
      .poll(() => service.lines().filter(({ status }) => status === 499).length, { timeout: 20_000 })
      .toBeGreaterThan(0);
    expect(service.lines().filter(({ level }) => level === "error")).toEqual([]);
  });

  it("makes the built page's script a third or less", async () => {
    const built = new URL("../../dist/web", import.meta.url).pathname;
    if (!existsSync(join(built, "index.html"))) throw new Error("the page is not built: run npm run build");
    const other = await start({ index: place.index, webFolder: built });
    const html = await (await other.get("/")).text();
    const path = /src="\.?(\/assets\/[^"]+\.js)"/.exec(html)?.[1] ?? "";
    const { text } = await rawRequest(other.address, path, { headers: { "accept-encoding": "br" } });
    const size = (await (await other.get(path)).text()).length;
    expect(text.length).toBeLessThan(size / 3);
    await other.close();
  });
});
