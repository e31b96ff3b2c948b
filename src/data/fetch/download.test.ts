import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  inTurn,
  type LocalServer,
  resumable,
  startLocalServer,
  truncated,
} from "../../../tests/fetch/local-server.js";
import { downloadBytes, downloadFile } from "./download.js";
import { HttpClient } from "./http.js";

let server: LocalServer;
let client: HttpClient;
let folder: string;
let path: string;
beforeEach(async () => {
  server = await startLocalServer();
  folder = await mkdtemp(join(tmpdir(), "sdfn-download-"));
  path = join(folder, "file.partial");
  const allowedHosts = new Set(["127.0.0.1"]);
  const { signal } = new AbortController();
  client = new HttpClient({ signal, stallMs: 500, maxRedirects: 1, allowedHosts, parallel: 1 });
});
afterEach(async () => {
  client.close();
  await server.close();
  await rm(folder, { recursive: true });
});

const content = Buffer.from(Array.from({ length: 100_003 }, (_, index) => index % 251));

describe("downloadBytes", () => {
  const limits = { maxBytes: 100_003, deadlineMs: 1000 };
  const get = (name: string, options = limits) => downloadBytes(client, server.url + name, options);

  it("takes a file of exactly the largest size and nothing larger, announced or not", async () => {
    server.serve("/file", content);
    server.on("/unannounced", (_, response) => {
      response.write(content.subarray(0, 50_000));
      response.end(content.subarray(50_000));
    });
    expect(Buffer.from(await get("file")).equals(content)).toBe(true);
    expect(await get("unannounced")).toHaveLength(100_003);
    const less = { ...limits, maxBytes: 100_002 };
    await expect(get("file", less)).rejects.toMatchObject({
      kind: "refused",
      reason: "is larger than 100002 bytes",
    });
    await expect(get("unannounced", less)).rejects.toMatchObject({ kind: "refused" });
  });

  it("ends a download that drips for too long", async () => {
    server.on("/drip", (_, response) => {
      const timer = setInterval(() => response.write("x"), 20);
      response.on("close", () => clearInterval(timer));
    });
    await expect(get("drip", { ...limits, deadlineMs: 100 })).rejects.toMatchObject({
      kind: "unavailable",
      reason: "was not whole after 0.1 s",
    });
  });

  it("refuses an encoding that it did not ask for", async () => {
    server.on("/packed", (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end("x"));
    await expect(get("packed")).rejects.toMatchObject({ kind: "refused" });
  });
});

describe("downloadFile", () => {
  const get = (maxBytes = 1e6) =>
    downloadFile(client, `${server.url}file`, { path, maxBytes, onBytes: (...call) => calls.push(call) });
  let calls: unknown[][] = [];
  beforeEach(() => {
    calls = [];
  });

  it("continues where it broke off", async () => {
    const ranges: unknown[] = [];
    const half = content.subarray(0, 50_001);
    server.on(
      "/file",
      inTurn(
        (_, response) => {
          response.writeHead(200, { etag: '"a"', "content-length": content.length });
          response.write(half);
          // Not before all of it has arrived, however busy the machine is.
          const hasArrived = async () => (await stat(path).catch(() => undefined))?.size === half.length;
          void vi.waitUntil(hasArrived, { timeout: 30_000 }).finally(() => response.destroy());
        },
        (request, response) => {
          ranges.push(request.headers.range, request.headers["if-range"]);
          resumable(content, '"a"')(request, response);
        },
      ),
    );
    await expect(get()).rejects.toMatchObject({ kind: "unavailable" });
    expect((await readFile(path)).equals(half)).toBe(true);
    await get();
    expect(ranges).toEqual(["bytes=50001-", '"a"']);
    expect((await readFile(path)).equals(content)).toBe(true);
    expect(calls.at(-1)).toEqual([100_003, 100_003]);
    expect(await readdir(folder)).toEqual(["file.partial"]);
  });

  it("starts anew when the file has changed, or nothing says that it has not", async () => {
    const changed = Buffer.from("another file, and shorter");
    server.on("/file", inTurn(truncated(content), resumable(content, '"a"')));
    await expect(get()).rejects.toMatchObject({ kind: "unavailable" });
    await get();
    expect((await readFile(path)).equals(content)).toBe(true);

    await writeFile(path, content.subarray(0, 1000));
    await writeFile(`${path}.from`, JSON.stringify({ address: `${server.url}file`, validator: '"a"' }));
    server.on("/file", resumable(changed, '"b"'));
    await get();
    expect((await readFile(path)).equals(changed)).toBe(true);
  });

  it("knows that a file is whole when there is no rest", async () => {
    await writeFile(path, content);
    await writeFile(`${path}.from`, JSON.stringify({ address: `${server.url}file`, validator: '"a"' }));
    server.on("/file", resumable(content, '"a"'));
    await get();
    expect((await readFile(path)).equals(content)).toBe(true);
    expect(await readdir(folder)).toEqual(["file.partial"]);
  });

  it("takes no rest that begins elsewhere", async () => {
    await writeFile(path, content.subarray(0, 1000));
    await writeFile(`${path}.from`, JSON.stringify({ address: `${server.url}file`, validator: '"a"' }));
    server.on("/file", (_, response) =>
      response.writeHead(206, { "content-range": "bytes 10-20/30" }).end("x"),
    );
    await expect(get()).rejects.toMatchObject({ kind: "refused" });
    expect(await readFile(path)).toHaveLength(1000);
  });

  it("keeps to the largest size", async () => {
    server.serve("/file", content);
    await expect(get(100_002)).rejects.toMatchObject({ kind: "refused" });
    await get(100_003);
  });
});
