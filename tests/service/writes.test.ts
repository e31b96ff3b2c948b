/** Writing over HTTP, who may, and what is kept when a service stops. */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StoreError } from "../../src/errors.js";
import { CatalogueIndex } from "../../src/search/index/catalogue-index.js";
import { catalogueSchema, itemSchema, searchResponseSchema } from "../../src/service/api.js";
import { CatalogueWriter } from "../../src/service/catalogue-writer.js";
import { ServedCatalogue } from "../../src/service/served-catalogue.js";
import { Upkeep } from "../../src/service/upkeep.js";
import { sdfn } from "../search/shop.js";
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

const writer = (name: string, options = {}) =>
  start({ index: place.copy(name), keys: keys.file, ...options });
const put = (service: Running, id: string, parts: Readonly<Record<string, unknown>>) =>
  fetch(`${service.address}/v1/items/${id}`, { method: "PUT", headers: keys.headers, body: form(parts) });
const remove = (service: Running, id: string) =>
  fetch(`${service.address}/v1/items/${id}`, { method: "DELETE", headers: keys.headers });
const drawn = (red: number, format: "png" | "jpeg" = "png") =>
  sharp({ create: { width: 50, height: 70, channels: 3, background: { r: red, g: 90, b: 200 } } })
    .toFormat(format)
    .toBuffer();
const idsOf = async (response: Promise<Response>) =>
  searchResponseSchema.parse(await (await response).json()).items.map(({ item }) => item.id);

/** Asks again until it is so. */
async function eventually(check: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i += 1) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect.fail("not so after 20 s");
}

describe("PUT and DELETE /v1/items/{id}", () => {
  let service: Running;
  beforeAll(async () => {
    service = await writer("written");
  });
  afterAll(() => service?.close());

  it("add, replace and remove an item that searches find at once", async () => {
    const picture = await drawn(250, "jpeg");
    const item = {
      category: "hat",
      title: "Straw hat",
      price: 9.5,
      attributes: { colour: [" yellow ", "yellow"], fit: [] },
    };
    const added = await put(service, "new%20hat", { item, picture });
    expect(added.status).toBe(201);
    const stored = itemSchema.parse(await added.json());
    expect(stored).toMatchObject({
      id: "new hat",
      title: "Straw hat",
      price: 9.5,
      attributes: { colour: ["yellow"] },
    });
    expect(Buffer.from(await (await service.get(stored.pictureUrl)).arrayBuffer())).toEqual(picture);
    expect((await service.get(stored.thumbnailUrl)).headers.get("content-type")).toBe("image/webp");
    const filter = [{ kind: "category", anyOf: ["hat"] }];
    expect(await idsOf(service.search({ filter, queries: [{ text: "is red" }] }))).toEqual(["new hat"]);
    expect(
      await idsOf(service.search({ queries: [{ reference: { id: "A1" }, text: "is red" }], filter })),
    ).toEqual(["new hat"]);
    // Without a picture it keeps its own.
    const replaced = await put(service, "new%20hat", { item: { category: "cap" } });
    expect(replaced.status).toBe(200);
    expect(itemSchema.parse(await replaced.json())).toEqual({
      id: "new hat",
      category: "cap",
      attributes: {},
      pictureUrl: stored.pictureUrl,
      thumbnailUrl: stored.thumbnailUrl,
    });
    const other = await put(service, "new%20hat", { item: { category: "cap" }, picture: await drawn(3) });
    expect(itemSchema.parse(await other.json()).thumbnailUrl).not.toBe(stored.thumbnailUrl);
    expect((await remove(service, "new%20hat")).status).toBe(204);
    expect((await remove(service, "new%20hat")).status).toBe(204);
    expect((await service.get("/v1/items/new%20hat")).status).toBe(404);
    expect(await idsOf(service.search({ filter }))).toEqual([]);
  });

  it("keep the picture of an item that came from a catalogue's file", async () => {
    const replaced = await put(service, "A2", { item: { category: "skirt" } });
    expect(replaced.status).toBe(200);
    const picture = await service.get("/v1/items/A2/picture");
    expect(Buffer.from(await picture.arrayBuffer())).toEqual(readFileSync(place.picture("A2")));
  });

  it("count the contents anew in the background", async () => {
    await put(service, "counted", {
      item: { category: "sock", attributes: { toes: ["five"] } },
      picture: await drawn(7),
    });
    const contents = async () =>
      catalogueSchema.parse(await (await service.get("/v1/catalogue")).json()).contents;
    await eventually(async () => (await contents()).categories.some(({ value }) => value === "sock"));
    expect((await contents()).attributes).toContainEqual(expect.objectContaining({ name: "toes", items: 1 }));
  });

  it("refuse what no item can be, and write nothing of it", async () => {
    const picture = await drawn(9);
    const item = { category: "dress" };
    const refused = async (id: string, parts: Readonly<Record<string, unknown>>) =>
      outcome(put(service, id, parts));
    const wrong = await refused("B1", {
      item: { category: "", price: -1, attributes: { a: "x" }, more: 1 },
      picture,
    });
    expect(wrong).toMatchObject({ status: 400, code: "INPUT_INVALID" });
    for (const part of ["category", "price", "attributes.a", "more"]) expect(wrong.message).toContain(part);
    expect(
      (await refused("B1", { item: { category: "a\nb", attributes: { id: ["x"], a: ["x|y"] } }, picture }))
        .message,
    ).toMatch(
      /category: must be .*on one line; attributes\.id: is no attribute; attributes\.a\[0\]: must have no \|/,
    );
    for (const id of ["..%2fetc", ".hidden", "a%00b", "a%0ab", "x".repeat(201), "%5cx"]) {
      expect(await refused(id, { item, picture }), id).toMatchObject({ status: 400, code: "INPUT_INVALID" });
    }
    expect((await refused("B1", { item })).message).toMatch(/a new item needs a picture/);
    expect((await refused("B1", { picture })).message).toMatch(/^item: /);
    expect((await refused("B1", { item, picture, second: picture })).message).toMatch(
      /parts besides item and picture; got second/,
    );
    expect(await refused("B1", { item, picture: Buffer.from("<svg/>") })).toMatchObject({
      status: 400,
      code: "IMAGE_INVALID",
    });
    const json = await fetch(`${service.address}/v1/items/B1`, {
      method: "PUT",
      body: JSON.stringify(item),
      headers: { ...keys.headers, "content-type": "application/json" },
    });
    expect(await outcome(json)).toMatchObject({ status: 415, code: "UNSUPPORTED_TYPE" });
    expect((await service.get("/v1/items/B1")).status).toBe(404);
  });

  it("take effect in one order when several clients write one item", async () => {
    const answers = await Promise.all(
      Array.from({ length: 6 }, async (_, i) =>
        put(service, "same", { item: { category: `c${i}` }, picture: await drawn(i) }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 201]);
    const last = itemSchema.parse(await (await service.get("/v1/items/same")).json());
    const written = await Promise.all(answers.map(async (answer) => itemSchema.parse(await answer.json())));
    expect(written).toContainEqual(last);
    const picture = await (await service.get(last.pictureUrl)).arrayBuffer();
    expect(Buffer.from(picture)).toEqual(await drawn(Number(last.category.slice(1))));
  });
});

describe("CatalogueWriter", () => {
  it("makes changes that come together one after the other", async () => {
    const catalogue = await ServedCatalogue.open(place.copy("direct"), {
      isWritable: true,
      onBatch: () => undefined,
    });
    const upkeep = new Upkeep(catalogue.index, () => undefined);
    const direct = new CatalogueWriter(catalogue, upkeep);
    const written = { category: "a", attributes: {} };
    const { entry } = await direct.put("X", written, await drawn(5));
    const results = await Promise.allSettled([
      direct.put("X", { ...written, category: "b" }, undefined),
      direct.delete("X"),
      direct.put("X", written, undefined),
      direct.delete("A1"),
      direct.delete("A1"),
      direct.put("A2", { ...written, category: "c" }, undefined),
      direct.put("A2", written, undefined),
    ]);
    expect(results.map(({ status }) => status)).toEqual([
      "fulfilled",
      "fulfilled",
      "rejected",
      "fulfilled",
      "fulfilled",
      "fulfilled",
      "fulfilled",
    ]);
    expect(results[0]).toMatchObject({
      value: { isNew: false, entry: { category: "b", picture: entry.picture } },
    });
    expect(results[2]).toMatchObject({ reason: { code: "INPUT_INVALID" } });
    for (const id of ["X", "A1"]) expect(await catalogue.index.get(id)).toBeUndefined();
    expect((await catalogue.index.get("A2"))?.entry).toMatchObject({ category: "a", image: "A2.png" });
    await direct.close();
    expect(catalogue.index.manifest.contents.items).toBe(11);
    await expect(direct.delete("A2")).rejects.toThrow();
    await catalogue.close();
  });
});

describe("an index", () => {
  it("has one service that writes, whatever others want", async () => {
    const service = await writer("claimed");
    const folder = join(place.root, "claimed");
    await expect(start({ index: folder, keys: keys.file })).rejects.toThrow(
      /another process writes to this index; got process/,
    );
    expect(await sdfn("index", "delete", "--out", folder, "--ids", "A1")).toMatchObject({
      code: 1,
      errors: expect.stringMatching(/another process writes to this index/),
    });
    await service.close();
    const next = await start({ index: folder, keys: keys.file });
    expect(next.isWritable).toBe(true);
    await next.close();
  });

  it("is read by others, which see every write, and the contents once they were counted", async () => {
    const service = await writer("shared");
    const reader = await start({ index: join(place.root, "shared") });
    expect(reader.isWritable).toBe(false);
    await put(service, "B1", { item: { category: "scarf" }, picture: await drawn(77) });
    const filter = [{ kind: "category", anyOf: ["scarf"] }];
    expect(await idsOf(reader.search({ filter }))).toEqual(["B1"]);
    expect((await reader.get("/v1/items/B1/picture")).status).toBe(200);
    await service.close();
    const { contents } = catalogueSchema.parse(await (await reader.get("/v1/catalogue")).json());
    expect(contents).toMatchObject({
      items: 13,
      categories: expect.arrayContaining([{ value: "scarf", items: 1 }]),
    });
    await reader.close();
  });
});

describe("a service that stops", () => {
  it("answers the writes under way, keeps what it acknowledged, and counts it", async () => {
    const service = await writer("stopped");
    const pictures = await Promise.all(Array.from({ length: 8 }, (_, i) => drawn(20 * i)));
    // More than are made durable together: when the first is answered, others are under way.
    const writes = Array.from({ length: 40 }, (_, i) =>
      put(service, `B${i}`, { item: { category: "late" }, picture: pictures[i % 8] as Uint8Array }).then(
        ({ status }) => status,
        () => 0,
      ),
    );
    await Promise.race(writes);
    const [answers] = await Promise.all([Promise.all(writes), service.close()]);
    const kept = answers.flatMap((status, i) => (status === 201 ? [`B${i}`] : []));
    expect(kept.length).toBeGreaterThan(0);
    expect(answers.every((status) => [201, 503, 0].includes(status))).toBe(true);
    const index = await CatalogueIndex.open(join(place.root, "stopped"), { access: "write" });
    for (const id of kept) expect(await index.get(id), id).toBeDefined();
    expect(index.manifest.contents.items).toBe(await index.store.count());
    await index.close();
  });

  it("does not wait for connections that ask nothing", async () => {
    const service = await start({ index: place.index });
    // As browsers open some ahead of need: one silent, one in the middle of a first line, one that was answered.
    const sockets = ["", "GET /heal", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"].map((bytes) => {
      const socket = connect(Number(new URL(service.address).port), "127.0.0.1");
      socket.write(bytes);
      return socket;
    });
    await once(sockets[2] as Socket, "data");
    const startMs = performance.now();
    await service.close();
    expect(performance.now() - startMs).toBeLessThan(10_000);
    for (const socket of sockets) socket.destroy();
  });

  it("does not wait for ever for a client that sends nothing more", async () => {
    const service = await writer("patient", { stopWithinMs: 500 });
    let send: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        send = controller;
        controller.enqueue(Buffer.from("--x\r\n"));
      },
    });
    const stuck = fetch(`${service.address}/v1/items/B1`, {
      method: "PUT",
      body,
      duplex: "half",
      headers: { ...keys.headers, "content-type": "multipart/form-data; boundary=x" },
    } as RequestInit);
    await eventually(async () =>
      /active_handles|sdfn_items/.test(await (await service.get("/metrics")).text()),
    );
    await expect(service.close()).rejects.toThrow(
      /did not stop within 0\.5 s; what was acknowledged is safe/,
    );
    await expect(stuck).rejects.toThrow();
    send?.error(new Error("over"));
    // Once the client is gone, it ends after all.
    await eventually(async () => {
      try {
        const index = await CatalogueIndex.open(join(place.root, "patient"), { access: "write" });
        await index.close();
        return true;
      } catch (error) {
        expect(error).toBeInstanceOf(StoreError);
        return false;
      }
    });
  });
});
