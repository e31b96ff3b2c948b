import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type LocalServer,
  redirect,
  stalling,
  startLocalServer,
  truncated,
} from "../../../tests/fetch/local-server.js";
import { HttpClient, type HttpOptions } from "./http.js";

let server: LocalServer;
const clients: HttpClient[] = [];
beforeEach(async () => {
  server = await startLocalServer();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.close();
});

const content = Buffer.from("0123456789".repeat(1000));

function client(options: Partial<HttpOptions> = {}): HttpClient {
  const made = new HttpClient({
    signal: new AbortController().signal,
    stallMs: 150,
    maxRedirects: 3,
    allowedHosts: new Set(["127.0.0.1"]),
    parallel: 2,
    ...options,
  });
  clients.push(made);
  return made;
}

async function text(path: string, options: Partial<HttpOptions> = {}): Promise<string> {
  const chunks: Buffer[] = [];
  const answer = await client(options).get(server.url + path);
  for await (const chunk of answer.body()) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe("HttpClient", () => {
  it("gives bytes as they are, and any status", async () => {
    server.serve("/file", content);
    expect(await text("file")).toBe(content.toString());
    expect((await client().get(`${server.url}gone`)).status).toBe(404);
  });

  it("follows redirects, relative ones too, up to the limit", async () => {
    server.serve("/file", "here");
    server.on("/1", redirect("/file", 301));
    server.on("/2", redirect(`${server.url}1`, 307));
    server.on("/3", redirect("../x/../2"));
    server.on("/4", redirect("/3"));
    expect(await text("3")).toBe("here");
    await expect(text("4")).rejects.toMatchObject({
      kind: "refused",
      reason: expect.stringContaining("3 redirects"),
    });
  });

  it.each([
    ["file:///etc/passwd", "only http and https"],
    ["ftp://127.0.0.1/", "only http and https"],
    ["http://127.0.0.2/", "private host (127.0.0.2)"],
    ["http://169.254.169.254/latest/meta-data/", "private host"],
    ["http://[::1]/", "private host (::1)"],
    ["http://localhost:9/", "private host"],
    ["//10.0.0.1/x", "private host (10.0.0.1)"],
  ])("refuses a redirect to %s", async (location, reason) => {
    server.on("/away", redirect(location));
    await expect(text("away")).rejects.toMatchObject({
      kind: "refused",
      reason: expect.stringContaining(reason),
    });
  });

  it("refuses a private host that was not named, and takes it when it was", async () => {
    server.serve("/file", "here");
    await expect(text("file", { allowedHosts: new Set() })).rejects.toMatchObject({ kind: "refused" });
    server.on("/name", redirect(`http://localhost:${server.port}/file`));
    expect(await text("name", { allowedHosts: new Set(["127.0.0.1", "localhost"]) })).toBe("here");
  });

  it("gives up on silence before and within an answer", async () => {
    server.on("/silent", () => undefined);
    server.on("/stalls", stalling(content));
    await expect(text("silent")).rejects.toMatchObject({
      kind: "unavailable",
      reason: "nothing came for 0.15 s",
    });
    await expect(text("stalls")).rejects.toMatchObject({
      kind: "unavailable",
      reason: "nothing came for 0.15 s",
    });
  });

  it("does not take a slow answer for a silent one", async () => {
    server.on("/slow", (_, response) => {
      let count = 0;
      const timer = setInterval(() => {
        response.write("x");
        count += 1;
        if (count === 8) {
          clearInterval(timer);
          response.end();
        }
      }, 50);
    });
    expect(await text("slow")).toBe("xxxxxxxx");
  });

  it("notices an answer that was cut off, with and without a known length", async () => {
    server.on("/cut", truncated(content));
    server.on("/chunked", (_, response) => response.write("some", () => response.destroy()));
    await expect(text("cut")).rejects.toMatchObject({
      kind: "unavailable",
      reason: expect.stringContaining("cut off"),
    });
    await expect(text("chunked")).rejects.toMatchObject({ kind: "unavailable" });
  });

  it("calls a closed port unavailable", async () => {
    const { url } = server;
    await server.close();
    await expect(client().get(url)).rejects.toMatchObject({
      kind: "unavailable",
      reason: expect.stringContaining("ECONNREFUSED"),
    });
    server = await startLocalServer();
  });

  it("stops when it is told to, with the signal's reason", async () => {
    server.on("/stalls", stalling(content));
    const abort = new AbortController();
    const reading = text("stalls", { signal: abort.signal, stallMs: 60_000 });
    setTimeout(() => abort.abort(new Error("enough")), 50);
    await expect(reading).rejects.toThrow("enough");
  });
});
