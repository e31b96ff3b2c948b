/** When there is too much, too slow, or nothing left to serve. */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StoreError } from "../../src/errors.js";
import { form, keyFile, makeSmallIndex, outcome, type SmallIndex, start } from "./small-index.js";

let place: SmallIndex;
beforeAll(async () => {
  place = await makeSmallIndex();
});
afterAll(() => place?.remove());

const query = { queries: [{ reference: { id: "A1" }, text: "is red" }], limit: 1 };

describe("a crowd", () => {
  it("is told to come back when too many wait, and all others are answered", async () => {
    const service = await start({ index: place.index, maxWaiting: 3 });
    const answers = await Promise.all(Array.from({ length: 24 }, () => service.search(query)));
    const busy = answers.filter(({ status }) => status === 503);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(3);
    expect(busy.length).toBeGreaterThan(0);
    expect(busy[0]?.headers.get("retry-after")).toBe("1");
    expect(await outcome(busy[0] as Response)).toMatchObject({ code: "OVERLOADED" });
    expect((await service.search(query)).status).toBe(200);
    // One request with more queries than may wait is answered when nobody else waits.
    const many = { queries: Array.from({ length: 5 }, () => ({ text: "is red" })) };
    expect((await service.search(many)).status).toBe(200);
    await service.close();
  });

  it("leaves no place taken by clients that went away", async () => {
    const service = await start({ index: place.index, maxWaiting: 2 });
    for (let i = 0; i < 6; i += 1) {
      const gone = new AbortController();
      const asked = fetch(`${service.address}/v1/search`, {
        method: "POST",
        signal: gone.signal,
        body: form({
          request: { queries: [{ reference: { upload: "a" }, text: "is red" }] },
          a: readFileSync(place.picture("A1")),
        }),
      });
      setTimeout(() => gone.abort(), 3 * i);
      await asked.then(
        (answer) => answer.arrayBuffer(),
        () => undefined,
      );
    }
    // A form that ends in its middle.
    const socket = connect(Number(new URL(service.address).port), "127.0.0.1");
    socket.write(
      "POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 5000\r\n\r\n" +
        '--x\r\nContent-Disposition: form-data; name="a"; filename="a.png"\r\n\r\nPNG',
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(service.lines().some(({ status }) => status === 499)).toBe(true);
    expect((await service.search(query)).status).toBe(200);
    expect(await (await service.get("/metrics")).text()).toMatch(/^sdfn_waiting 0$/m);
    expect(service.lines().filter(({ level }) => level === "error")).toEqual([]);
    await service.close();
  });
});

describe("a slow client", () => {
  it("is answered that its time is up", async () => {
    const service = await start({ index: place.index, timeoutMs: 400 });
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(new URL(service.address).port), "127.0.0.1");
      let text = "";
      socket.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes("requestId")) socket.destroy();
      });
      socket.on("close", () => resolve(text));
      socket.write(
        "POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 5000\r\n\r\n--x\r\n",
      );
    });
    expect(answer).toMatch(/^HTTP\/1\.1 504 /);
    expect(answer).toContain('"code":"TIMEOUT"');
    await service.close();
  });
});

describe("an index that is gone", () => {
  it("makes the service not ready, not dead, and it is ready when the index is back", async () => {
    const keys = await keyFile(join(place.root, "keys.json"));
    for (const options of [{}, { keys: keys.file }]) {
      const folder = place.copy("going");
      const service = await start({ index: folder, ...options });
      expect((await service.search(query)).status).toBe(200);
      renameSync(folder, `${folder}.aside`);
      const ready = await service.get("/readyz");
      expect([ready.status, await ready.json()]).toEqual([
        503,
        {
          status: "not ready",
          reason: "the index cannot be read (INDEX_INVALID)",
          slots: expect.objectContaining({ queries: { taken: 0, free: 64 } }),
        },
      ]);
      const asked = [
        service.search(query),
        service.search({}),
        service.search({ queries: [{ text: "is red" }] }),
        service.get("/v1/catalogue"),
        service.get("/v1/items/A1"),
        service.get("/v1/items/A1/picture"),
        ...("keys" in options
          ? [
              fetch(`${service.address}/v1/items/A1`, { method: "DELETE", headers: keys.headers }),
              fetch(`${service.address}/v1/items/B1`, {
                method: "PUT",
                headers: keys.headers,
                body: form({ item: { category: "x" }, picture: readFileSync(place.picture("A1")) }),
              }),
            ]
          : []),
      ];
      for (const answer of await Promise.all(asked)) {
        expect(answer.headers.get("retry-after")).toBe("5");
        const { status, code, message } = await outcome(answer);
        expect({ status, code }).toEqual({ status: 503, code: "INDEX_INVALID" });
        expect(message).not.toContain(place.root);
      }
      expect((await service.get("/healthz")).status).toBe(200);
      expect((await service.get("/metrics")).status).toBe(200);
      renameSync(`${folder}.aside`, folder);
      expect((await service.get("/readyz")).status).toBe(200);
      expect((await service.search(query)).status).toBe(200);
      await service.close();
      rmSync(folder, { recursive: true });
    }
  });

  it("or was replaced by another version's or another model's is said so", async () => {
    const folder = place.copy("replaced");
    const service = await start({ index: folder });
    const manifest = JSON.parse(readFileSync(join(folder, "index.json"), "utf8"));
    for (const change of [{ format: 3 }, { modelId: "another" }, { contents: undefined }]) {
      writeFileSync(join(folder, "index.json"), JSON.stringify({ ...manifest, ...change }));
      expect((await service.get("/readyz")).status, JSON.stringify(change)).toBe(503);
      expect(await outcome(service.get("/v1/catalogue"))).toMatchObject({
        status: 503,
        code: "INDEX_INVALID",
      });
    }
    await service.close();
    writeFileSync(join(folder, "index.json"), JSON.stringify({ ...manifest, format: 3 }));
    await expect(start({ index: folder })).rejects.toThrow(
      /the index has format 3, this program reads 1 and 2/,
    );
    await expect(start({ index: join(place.root, "nowhere") })).rejects.toThrow(StoreError);
  });

  it("or damaged below the store answers with 503 as well", async () => {
    const folder = place.copy("damaged");
    const service = await start({ index: folder });
    rmSync(join(folder, "store"), { recursive: true });
    expect((await service.get("/readyz")).status).toBe(503);
    expect(await outcome(service.search(query))).toMatchObject({ status: 503, code: "INDEX_INVALID" });
    await service.close();
  });
});
