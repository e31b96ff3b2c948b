/** Keys, rates, what is logged, and what an operator is told. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConfigError, EnvironmentError, UsageError } from "../../src/errors.js";
import { addKey, KeyRing, removeKey } from "../../src/service/keys.js";
import { sdfn, sdfnJson } from "../search/shop.js";
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

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const put = (service: Running, id: string, headers: Readonly<Record<string, string>> = {}) =>
  outcome(
    fetch(`${service.address}/v1/items/${id}`, {
      method: "PUT",
      headers,
      body: form({ item: { category: "dress" }, picture: readFileSync(place.picture("A1")) }),
    }),
  );

describe("a service that only reads", () => {
  let service: Running;
  beforeAll(async () => {
    service = await start({ index: place.index });
  });
  afterAll(() => service?.close());

  it("answers whoever asks, and refuses to write whoever wants to", async () => {
    expect((await service.search({ limit: 1 })).status).toBe(200);
    const refused = await put(service, "B1", bearer("sdfn_made-up"));
    expect(refused).toMatchObject({ status: 401, code: "KEY_INVALID" });
    expect(await put(service, "B1")).toMatchObject({
      status: 403,
      code: "NOT_ALLOWED",
      message: expect.stringMatching(/only reads: .* start it with --keys/),
    });
    const gone = await outcome(fetch(`${service.address}/v1/items/A1`, { method: "DELETE" }));
    expect(gone).toMatchObject({ status: 403, code: "NOT_ALLOWED" });
    // Another scheme is a reverse proxy's.
    expect((await service.get("/v1/items/A1", { authorization: "Basic abc" })).status).toBe(200);
  });

  it("is one of several on an index", async () => {
    const other = await start({ index: place.index });
    expect((await other.search({ limit: 1 })).status).toBe(200);
    expect((await service.search({ limit: 1 })).status).toBe(200);
    await other.close();
  });
});

describe("keys", () => {
  let service: Running;
  let file: string;
  let write: string;
  let read: string;
  beforeAll(async () => {
    file = join(place.root, "keys.json");
    write = (await keyFile(file, "write")).key;
    read = (await keyFile(file, "read")).key;
    service = await start({ index: place.copy("keyed"), keys: file, requireReadKey: true });
  });
  afterAll(() => service?.close());

  it("are needed for everything but the page, its description and health", async () => {
    for (const path of [
      "/v1/catalogue",
      "/v1/items/A1",
      "/v1/items/A1/picture",
      "/v1/suggestions",
      "/metrics",
    ]) {
      const refused = await service.get(path);
      expect([path, refused.status, refused.headers.get("www-authenticate")]).toEqual([path, 401, "Bearer"]);
      expect((await service.get(path, bearer(read))).status, path).toBe(200);
      expect((await service.get(path, bearer(write))).status, path).toBe(200);
    }
    expect(await outcome(service.search({}))).toMatchObject({ status: 401, code: "KEY_NEEDED" });
    expect(await outcome(service.search({}, bearer(`${read}x`)))).toMatchObject({
      status: 401,
      code: "KEY_INVALID",
    });
    expect((await service.search({}, bearer(read))).status).toBe(200);
    for (const path of ["/healthz", "/readyz", "/docs", "/openapi.json"]) {
      expect((await service.get(path)).status, path).toBe(200);
    }
    expect((await service.get("/")).status).not.toBe(401);
  });

  it("that may read may not write", async () => {
    expect(await put(service, "B1")).toMatchObject({ status: 401, code: "KEY_NEEDED" });
    expect(await put(service, "B1", bearer(read))).toMatchObject({ status: 403, code: "NOT_ALLOWED" });
    expect(await put(service, "B1", bearer(write))).toMatchObject({ status: 201 });
  });

  it("that expired are refused, and those of the last day are not", async () => {
    const day = (ms: number) => new Date(Date.now() + ms).toISOString().slice(0, 10);
    const expired = await addKey(file, { name: "expired", may: "read", expires: day(-86_400_000) });
    const last = await addKey(file, { name: "last day", may: "read", expires: day(0) });
    await service.reloadKeys();
    expect(await outcome(service.search({}, bearer(expired)))).toMatchObject({
      status: 401,
      code: "KEY_INVALID",
    });
    expect((await service.search({}, bearer(last))).status).toBe(200);
  });

  it("that are withdrawn are refused from then on; a wrong file changes nothing", async () => {
    const key = await addKey(file, { name: "trial", may: "read" });
    await service.reloadKeys();
    expect((await service.search({}, bearer(key))).status).toBe(200);
    await removeKey(file, "trial");
    expect((await service.search({}, bearer(key))).status).toBe(200);
    await service.reloadKeys();
    expect((await service.search({}, bearer(key))).status).toBe(401);
    const text = readFileSync(file, "utf8");
    writeFileSync(file, "{");
    await expect(service.reloadKeys()).rejects.toThrow(ConfigError);
    writeFileSync(file, text);
    expect((await service.search({}, bearer(read))).status).toBe(200);
  });
});

describe("sdfn key", () => {
  it("prints a key once and keeps its hash, in a file for its owner alone", async () => {
    const file = join(place.root, "made.json");
    const made = await sdfnJson(
      "key",
      "add",
      "--keys",
      file,
      "--name",
      "shop 1",
      "--may",
      "write",
      "--expires",
      "2999-12-31",
    );
    expect(made).toMatchObject({
      key: expect.stringMatching(/^sdfn_[\w-]{43}$/),
      name: "shop 1",
      may: "write",
    });
    expect(readFileSync(file, "utf8")).not.toContain(made.key.slice(5));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const printed = await sdfn("key", "add", "--keys", file, "--name", "second", "--may", "read");
    expect((await KeyRing.read(file)).find(printed.output.trim())).toMatchObject({
      name: "second",
      may: "read",
    });
    expect((await KeyRing.read(file)).find(made.key)).toMatchObject({ name: "shop 1" });
    expect(await sdfn("key", "add", "--keys", file, "--name", "second", "--may", "read")).toMatchObject({
      code: 2,
      errors: expect.stringMatching(/USAGE: .*has a key of this name; got second/),
    });
    expect(await sdfnJson("key", "remove", "--keys", file, "--name", "second")).toMatchObject({
      removed: "second",
    });
    expect((await KeyRing.read(file)).find(printed.output.trim())).toBeUndefined();
    expect((await sdfn("key", "remove", "--keys", file, "--name", "second")).errors).toMatch(/it has shop 1/);
    expect(
      (await sdfn("key", "add", "--keys", file, "--name", "../x", "--may", "all", "--expires", "soon"))
        .errors,
    ).toMatch(/--name must be.*--may must be one of read, write.*--expires must be a day/s);
  });

  it("loses none of several made at once", async () => {
    const file = join(place.root, "crowd.json");
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) => addKey(file, { name: `k${i}`, may: "read" })),
    );
    const made = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    expect(made.length).toBeGreaterThan(0);
    const ring = await KeyRing.read(file);
    for (const key of made) expect(ring.find(key)).toBeDefined();
    for (const result of results) {
      if (result.status === "rejected") expect(String(result.reason)).toMatch(/another process changes it/);
    }
  });

  it("says what is wrong with a file", async () => {
    const file = join(place.root, "wrong.json");
    await expect(KeyRing.read(file)).rejects.toThrow(/there is no such file; got ENOENT; `sdfn key add/);
    writeFileSync(file, '{"keys":[{"name":"a","sha256":"abc","may":"all"}]}');
    await expect(KeyRing.read(file)).rejects.toThrow(/64 hexadecimal digits[\s\S]*may/);
    await expect(start({ index: place.index, keys: file })).rejects.toThrow(ConfigError);
    await expect(start({ index: place.index, requireReadKey: true })).rejects.toThrow(UsageError);
  });
});

describe("rates", () => {
  it("bound searches by address, apart from each key, and reading items apart from searches", async () => {
    const { file, headers } = await keyFile(join(place.root, "rates.json"), "read", "reader");
    const other = await keyFile(file, "read", "other");
    const service = await start({ index: place.index, keys: file, ratePerAddress: 3, ratePerKey: 5 });
    const statuses = async (count: number, own: Readonly<Record<string, string>> = {}) => {
      const answers: number[] = [];
      for (let i = 0; i < count; i += 1)
        answers.push((await outcome(service.search({ limit: 1 }, own))).status);
      return answers;
    };
    expect(await statuses(4)).toEqual([200, 200, 200, 429]);
    expect(await statuses(6, headers)).toEqual([200, 200, 200, 200, 200, 429]);
    expect(await statuses(1, other.headers)).toEqual([200]);
    // A wrong key is no way around.
    expect(await statuses(1, bearer("sdfn_x"))).toEqual([429]);
    const refused = await service.search({});
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await outcome(refused)).message).toMatch(/at most 3 requests of this kind a minute/);
    expect((await service.get("/v1/items/A1")).status).toBe(200);
    const cheap = await Promise.all(
      Array.from({ length: 60 }, () => service.get("/v1/items/A1").then((r) => r.status)),
    );
    expect(cheap.filter((status) => status === 429)).toHaveLength(1);
    for (let i = 0; i < 70; i += 1) expect((await service.get("/healthz")).status).toBe(200);
    await service.close();
  });

  it("go by the client's address behind a proxy that is trusted, and by the proxy's otherwise", async () => {
    for (const [trustProxy, expected] of [
      ["127.0.0.1", [200, 200]],
      [undefined, [200, 429]],
    ] as const) {
      const service = await start({ index: place.index, ratePerAddress: 1, trustProxy });
      const answers: number[] = [];
      for (const client of ["203.0.113.1", "203.0.113.2"]) {
        answers.push((await service.search({ limit: 1 }, { "x-forwarded-for": client })).status);
      }
      expect(answers).toEqual(expected);
      await service.close();
    }
    await expect(start({ index: place.index, trustProxy: "proxy" })).rejects.toThrow(
      /addresses or ranges.*got proxy/,
    );
  });
});

describe("the log", () => {
  it("has a line for each request, and nothing of what it asked for", async () => {
    const { file, key, headers } = await keyFile(join(place.root, "logged.json"));
    const service = await start({ index: place.copy("logged"), keys: file, logLevel: "debug" });
    const secret = "zebrastripes";
    await service.search({ queries: [{ reference: { id: "A1" }, text: secret }] }, headers);
    await service.search({ queries: [{ text: secret, wieght: secret }] });
    await service.get(`/v1/suggestions?prefix=${secret}`);
    await service.get(`/v1/${secret}?q=${secret}`);
    await service.get(`/v1/items/${secret}`, bearer(`sdfn_${secret}`));
    const picture = await put(service, "B1", headers);
    expect(picture.status).toBe(201);
    const answered = service.lines().filter(({ msg }) => msg === "answered");
    expect(answered.map(({ method, route, status, key: name }) => [method, route, status, name])).toEqual([
      ["POST", "/v1/search", 200, "write"],
      ["POST", "/v1/search", 400, undefined],
      ["GET", "/v1/suggestions", 200, undefined],
      ["GET", "none", 404, undefined],
      ["GET", "/v1/items/:id", 401, undefined],
      ["PUT", "/v1/items/:id", 201, "write"],
    ]);
    for (const line of answered) {
      expect(line).toMatchObject({
        ms: expect.any(Number),
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      });
    }
    await service.close();
    expect(service.logged()).not.toContain(secret);
    expect(service.logged()).not.toContain(key.slice(5));
    expect(service.logged()).not.toMatch(/PNG|IHDR/);
  });

  it("finds the request of an answer by its id, with what the client was not told", async () => {
    const folder = place.copy("vanished");
    const service = await start({ index: folder });
    writeFileSync(join(folder, "index.json"), "{");
    const refused = await service.get("/v1/catalogue");
    const { error } = (await refused.json()) as { error: { requestId: string; message: string } };
    expect(refused.status).toBe(503);
    expect(refused.headers.get("x-request-id")).toBe(error.requestId);
    expect(error.message).not.toContain(folder);
    const line = service.lines().find(({ requestId, err }) => requestId === error.requestId && err);
    expect(JSON.stringify(line)).toContain(folder);
    await service.close();
  });
});

describe("an address", () => {
  it("that cannot be had is said", async () => {
    const service = await start({ index: place.index });
    const port = Number(new URL(service.address).port);
    await expect(start({ index: place.index, port })).rejects.toThrow(EnvironmentError);
    await expect(start({ index: place.index, port })).rejects.toThrow(
      `127.0.0.1:${port}: another program listens there`,
    );
    await expect(start({ index: place.index, host: "203.0.113.7" })).rejects.toThrow(
      /must be an address of this machine/,
    );
    await service.close();
  });

  it("that others reach is warned of once, when a key is not required or crosses the network", async () => {
    const { file } = await keyFile(join(place.root, "open.json"));
    const open = await start({ index: place.copy("open"), host: "0.0.0.0", keys: file });
    const warnings = open.lines().filter(({ level }) => level === "warn");
    expect(warnings.map(({ msg }) => msg)).toEqual([
      expect.stringMatching(/whoever reaches this address may search/),
      expect.stringMatching(/plain HTTP/),
    ]);
    await open.close();
    const local = await start({ index: place.index });
    expect(local.lines().filter(({ level }) => level === "warn")).toEqual([]);
    await local.close();
  });
});
