/** One address that asks for more than its share is slowed; others, and holders of keys, are served meanwhile. */
import { once } from "node:events";
import { join } from "node:path";
import sharp from "sharp";
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
let keys: Awaited<ReturnType<typeof keyFile>>;
beforeAll(async () => {
  place = await makeSmallIndex();
  keys = await keyFile(join(place.root, "keys.json"));
});
afterAll(() => place?.remove());

const query = { queries: [{ reference: { id: "A1" }, text: "is red" }], limit: 1 };
/** Behind a proxy, which says who asks. */
const trustProxy = "127.0.0.1";
const from = (client: string) => ({ "x-forwarded-for": client });
const greedy = from("203.0.113.1");
const other = from("203.0.113.2");

describe("the model's time", () => {
  let service: Running;
  beforeAll(async () => {
    // Any search takes longer than a millisecond, which then is an hour's debt and more.
    service = await start({
      index: place.copy("timed"),
      keys: keys.file,
      trustProxy,
      modelMsPerAddress: 1,
    });
  });
  afterAll(() => service?.close());

  it("is paid by the address that used it, and by no other", async () => {
    expect((await service.search(query, greedy)).status).toBe(200);
    const refused = await service.search(query, greedy);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(1);
    expect(await outcome(refused)).toMatchObject({
      code: "MODEL_TIME_LIMITED",
      message: expect.stringMatching(/used its 0.001 s of the model's time a minute; ask again in \d+ s$/),
    });
    expect((await service.search(query, other)).status).toBe(200);
    // What needs no model is answered, and a key is not an address.
    expect((await service.get("/v1/items/A1", greedy)).status).toBe(200);
    for (let i = 0; i < 3; i += 1)
      expect((await service.search(query, { ...greedy, ...keys.headers })).status).toBe(200);
    // Keys do not pay for their address either.
    const third = from("203.0.113.3");
    expect((await service.search(query, { ...third, ...keys.headers })).status).toBe(200);
    expect((await service.search(query, third)).status).toBe(200);
  });

  it("is not paid for searches without a query", async () => {
    const client = from("203.0.113.4");
    const asked = () => service.search({ limit: 1 }, client);
    expect([(await asked()).status, (await asked()).status]).toEqual([200, 200]);
  });

  it("is the client's that a trusted proxy names, and the proxy's own otherwise", async () => {
    const direct = await start({ index: place.index, modelMsPerAddress: 1 });
    expect((await direct.search(query, greedy)).status).toBe(200);
    expect((await direct.search(query, other)).status).toBe(429);
    expect(await (await direct.get("/metrics")).text()).toMatch(
      /^sdfn_errors_total\{code="MODEL_TIME_LIMITED"\} 1$/m,
    );
    await direct.close();
  });
});

describe("what an address has under way", () => {
  it("is bounded for searches, and leaves room for another address and for keys", async () => {
    const service = await start({
      index: place.copy("crowd"),
      keys: keys.file,
      trustProxy,
      requestsPerAddress: 2,
    });
    const crowd = Promise.all(Array.from({ length: 24 }, () => service.search(query, greedy)));
    const beside = await Promise.all([
      service.search(query, other),
      ...Array.from({ length: 8 }, () => service.search(query, { ...greedy, ...keys.headers })),
    ]);
    expect(beside.map(({ status }) => status)).toEqual(beside.map(() => 200));
    const answers = await crowd;
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(24 - refused.length);
    expect(refused[0]?.headers.get("retry-after")).toBe("1");
    expect((await outcome(refused[0] as Response)).code).toBe("CONCURRENCY_LIMITED");
    expect((await service.search(query, greedy)).status).toBe(200);
    await service.close();
  });

  it("is bounded for pictures that are not fetched to their end", async () => {
    const service = await start({ index: place.copy("slow"), keys: keys.file, requestsPerAddress: 1 });
    // More than the buffers between the two take.
    const noise = { width: 2200, height: 2200, channels: 3 as const, background: "white" };
    const picture = await sharp({
      create: { ...noise, noise: { type: "gaussian", mean: 128, sigma: 60 } },
    })
      .png({ compressionLevel: 0 })
      .toBuffer();
    const put = await fetch(`${service.address}/v1/items/large`, {
      method: "PUT",
      headers: keys.headers,
      body: form({ item: { category: "x" }, picture }),
    });
    expect(put.status).toBe(201);
    const slow = Array.from({ length: 8 }, () =>
      rawClient(service.address, "GET /v1/items/large/picture HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    );
    await Promise.all(
      slow.map(async ({ socket }) => {
        await once(socket, "data");
        socket.pause();
      }),
    );
    expect(await outcome(service.get("/v1/items/A1"))).toMatchObject({
      status: 429,
      code: "CONCURRENCY_LIMITED",
      message: "8 requests of this address are under way, at most 8 may be; ask again when some are done",
    });
    expect((await service.get("/v1/items/A1", keys.headers)).status).toBe(200);
    const elsewhere = rawClient(
      service.address,
      "GET /v1/items/A1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
      { from: "127.0.0.2" },
    );
    await elsewhere.closed;
    expect(elsewhere.status()).toBe(200);
    for (const { socket } of slow) socket.destroy();
    await Promise.all(slow.map(({ closed }) => closed));
    for (let i = 0; i < 100 && (await service.get("/v1/items/A1")).status !== 200; i += 1)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await service.get("/v1/items/A1")).status).toBe(200);
    await service.close();
  });
});
