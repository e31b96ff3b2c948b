/** Clients that announce a body and do not send it: they keep nobody out, and nothing of them stays. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rawClient } from "./raw-client.js";
import {
  form,
  keyFile,
  makeSmallIndex,
  outcome,
  type Running,
  type SmallIndex,
  start,
} from "./small-index.js";

let place: SmallIndex;
beforeAll(async () => {
  place = await makeSmallIndex();
});
afterAll(() => place?.remove());

/** A real search with a picture. */
const searchWithPicture = (service: Running) =>
  outcome(
    fetch(`${service.address}/v1/search`, {
      method: "POST",
      body: form({
        request: { queries: [{ reference: { upload: "a" }, text: "is red" }], limit: 1 },
        a: readFileSync(place.picture("A1")),
      }),
    }),
  );

/** The head of a request with a body. */
const head = (line: string, ...headers: readonly string[]) =>
  [`${line} HTTP/1.1`, "Host: localhost", ...headers, "\r\n"].join("\r\n");
const formType = "Content-Type: multipart/form-data; boundary=x";
const pictureHead = '--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n';
/** Of a form as large as a form may be. */
const announcement = head("POST /v1/search", formType, `Content-Length: ${32 * 2 ** 20}`);

interface Readiness {
  readonly slots: {
    readonly uploadBytes: { readonly taken: number; readonly free: number };
    readonly bodies: { readonly waiting: number };
  };
}
const readiness = async (service: Running) => (await (await service.get("/readyz")).json()) as Readiness;
async function eventually(check: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200 && !(await check()); i += 1)
    await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await check()).toBe(true);
}

describe("clients that announce a form and send nothing", () => {
  it("leave every place free when they were answered and went away", async () => {
    const service = await start({ index: place.index, timeoutMs: 8000, bodyTimeoutMs: 60_000 });
    const clients = Array.from({ length: 8 }, () => rawClient(service.address, announcement + pictureHead));
    await Promise.all(clients.map(({ answered }) => answered));
    expect(clients.map(({ status }) => status())).toEqual(clients.map(() => 504));
    for (const { socket } of clients) socket.destroy();
    await Promise.all(clients.map(({ closed }) => closed));
    expect(await searchWithPicture(service)).toMatchObject({ status: 200 });
    expect((await readiness(service)).slots).toMatchObject({
      uploadBytes: { taken: 0 },
      bodies: { waiting: 0 },
    });
    await service.close();
  });

  it.each([8, 32])("keep nobody out while %i of them are silent", async (count) => {
    const service = await start({ index: place.index, bodyTimeoutMs: 60_000 });
    const clients = Array.from({ length: count }, () => rawClient(service.address, announcement));
    await Promise.all(clients.map(({ socket }) => new Promise((resolve) => socket.once("connect", resolve))));
    expect(await searchWithPicture(service)).toMatchObject({ status: 200 });
    expect((await service.search({ queries: [{ text: "is red" }] })).status).toBe(200);
    expect(clients.map(({ status }) => status())).toEqual(clients.map(() => 0));
    for (const { socket } of clients) socket.destroy();
    await service.close();
  });
});

describe("a body that does not advance", () => {
  let service: Running;
  beforeAll(async () => {
    const { file } = await keyFile(join(place.root, "keys.json"));
    service = await start({ index: place.copy("served"), keys: file, bodyTimeoutMs: 300 });
  });
  afterAll(() => service?.close());

  it.each([
    ["a form", announcement, 408],
    ["a form in chunks", head("POST /v1/search", formType, "Transfer-Encoding: chunked"), 408],
    ["JSON", head("POST /v1/search", "Content-Type: application/json", "Content-Length: 9"), 408],
    [
      "JSON in chunks",
      `${head("POST /v1/search", "Content-Type: application/json", "Transfer-Encoding: chunked")}2\r\n{"\r\n`,
      408,
    ],
    [
      "what no route takes",
      head("POST /v1/nothing", "Content-Type: application/json", "Content-Length: 9"),
      408,
    ],
    ["a refused one", head("PUT /v1/items/A1", formType, "Content-Length: 9"), 401],
    ["a wrong kind", head("POST /v1/search", "Content-Type: text/css", "Content-Length: 9"), 415],
    ["one of a GET", head("GET /healthz", "Content-Length: 9"), 200],
  ])("ends with its connection: %s", async (_, bytes, status) => {
    const client = rawClient(service.address, bytes);
    await client.closed;
    expect(client.status(), client.text()).toBe(status);
    if (status === 408) {
      expect(client.text()).toMatch(/connection: close/i);
      expect(client.text()).toMatch(
        /"code":"BODY_TIMEOUT","message":"the body does not advance: \d+ bytes of it came within 0.3 s; send it/,
      );
    }
    await eventually(async () => (await readiness(service)).slots.bodies.waiting === 0);
  });

  it("is one that drips, too", async () => {
    const client = rawClient(service.address, announcement + pictureHead);
    const drip = setInterval(() => client.socket.write("x"), 20);
    await client.closed;
    clearInterval(drip);
    expect(client.status(), client.text()).toBe(408);
  });

  it("is not one that is slow", async () => {
    const patient = await start({ index: place.index, bodyTimeoutMs: 1000 });
    const padding = "-".repeat(30 * 1024);
    const part = '--x\r\nContent-Disposition: form-data; name="request"\r\n\r\n{"limit":1}\r\n--x--\r\n';
    const body = `${padding}\r\n${part}`;
    const client = rawClient(
      patient.address,
      head("POST /v1/search", formType, `Content-Length: ${body.length}`),
    );
    for (let at = 0; at < body.length; at += 1024) {
      client.socket.write(body.slice(at, at + 1024));
      await new Promise((resolve) => setTimeout(resolve, 80));
    }
    await client.answered;
    expect(client.status(), client.text()).toBe(200);
    client.socket.destroy();
    await patient.close();
  });

  it("is counted among the errors", async () => {
    const numbers = await (await service.get("/metrics")).text();
    expect(numbers).toMatch(/^sdfn_errors_total\{code="BODY_TIMEOUT"\} [1-9]/m);
    expect(numbers).toMatch(/^sdfn_slots\{slots="uploadBytes",state="taken"\} 0$/m);
    expect(numbers).toMatch(/^sdfn_slots\{slots="queries",state="free"\} 64$/m);
    expect(numbers).toMatch(/^sdfn_bodies_waiting 0$/m);
    expect(service.lines().filter(({ level }) => level === "error")).toEqual([]);
  });
});

describe("slots of uploads", () => {
  it("count what arrived, not what was announced", async () => {
    const service = await start({ index: place.index, bodyTimeoutMs: 60_000 });
    const client = rawClient(service.address, announcement + pictureHead);
    await eventually(async () => (await readiness(service)).slots.uploadBytes.taken === pictureHead.length);
    client.socket.write(Buffer.alloc(2 ** 20));
    await eventually(
      async () => (await readiness(service)).slots.uploadBytes.taken === pictureHead.length + 2 ** 20,
    );
    expect((await readiness(service)).slots.bodies.waiting).toBe(1);
    client.socket.destroy();
    await eventually(async () => (await readiness(service)).slots.uploadBytes.taken === 0);
    await service.close();
  });

  it("are left to others when one address sends all that it can", async () => {
    const service = await start({ index: place.index, bodyTimeoutMs: 60_000 });
    const bytes = Buffer.concat([Buffer.from(announcement + pictureHead), Buffer.alloc(19 * 2 ** 20)]);
    const clients = Array.from({ length: 8 }, () => rawClient(service.address, bytes, { from: "127.0.0.2" }));
    await Promise.any(clients.map(({ answered }) => answered));
    const refused = clients.filter(({ status }) => status() !== 0);
    expect(refused[0]?.status()).toBe(429);
    expect(refused[0]?.text()).toMatch(/retry-after: 1\r\n[\s\S]*CONCURRENCY_LIMITED/);
    expect(await searchWithPicture(service)).toMatchObject({ status: 200 });
    for (const { socket } of clients) socket.destroy();
    await eventually(async () => (await readiness(service)).slots.uploadBytes.taken === 0);
    await service.close();
  });
});
