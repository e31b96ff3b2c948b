/** Texts over HTTP: one normal form for what is written, asked for and filtered by, and none that JSON cannot hold. */
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { catalogueSchema, itemSchema, searchResponseSchema } from "../../src/service/api.js";
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
let service: Running;
let keys: Awaited<ReturnType<typeof keyFile>>;
let picture: Uint8Array;
beforeAll(async () => {
  place = await makeSmallIndex();
  keys = await keyFile(join(place.root, "keys.json"));
  service = await start({ index: place.copy("texts"), keys: keys.file });
  picture = await sharp({ create: { width: 40, height: 40, channels: 3, background: "red" } })
    .png()
    .toBuffer();
});
afterAll(async () => {
  await service?.close();
  place?.remove();
});

/** @param item as JSON text, where an object cannot say it. */
function put(id: string, item: unknown) {
  const body = form({ picture });
  body.append("item", typeof item === "string" ? item : JSON.stringify(item));
  return fetch(`${service.address}/v1/items/${id}`, { method: "PUT", headers: keys.headers, body });
}
const got = async (id: string) => itemSchema.parse(await (await service.get(`/v1/items/${id}`)).json());
const idsOf = async (body: unknown) => {
  const answer = await service.search(body);
  return searchResponseSchema.parse(await answer.json()).items.map(({ item }) => item.id);
};

describe("composed and decomposed spellings", () => {
  const [composed, decomposed] = ["M%C3%BCtze", "Mu%CC%88tze"];

  it("are one item, one category, one value, whoever spells it how", async () => {
    expect((await put("%EF%BB%BFMu%CC%88tze", { category: "Mu\u0308tze", attributes: {} })).status).toBe(201);
    const item = {
      category: "Mu\u0308tzen",
      title: "gru\u0308n",
      attributes: { "to\u0308ne": ["gru\u0308n", "grün"] },
    };
    expect((await put(composed, item)).status).toBe(200);
    const stored = { id: "Mütze", category: "Mützen", title: "grün", attributes: { töne: ["grün"] } };
    for (const id of [composed, decomposed, `%EF%BB%BF${composed}`])
      expect(await got(id)).toMatchObject(stored);
    for (const form of ["NFC", "NFD"]) {
      for (const filter of [
        { kind: "id", anyOf: ["Mütze".normalize(form)] },
        { kind: "category", anyOf: ["Mützen".normalize(form)] },
        { kind: "attribute", name: "töne".normalize(form), anyOf: ["GRÜN".normalize(form)] },
      ]) {
        expect(await idsOf({ filter: [filter] }), JSON.stringify(filter)).toEqual(["Mütze"]);
        expect(await idsOf({ filter: [{ ...filter, not: true }] })).not.toContain("Mütze");
      }
      const reference = { id: "Mütze".normalize(form) };
      expect(await idsOf({ queries: [{ reference }] })).not.toContain("Mütze");
    }
    const remove = { method: "DELETE", headers: keys.headers };
    expect((await fetch(`${service.address}/v1/items/${decomposed}`, remove)).status).toBe(204);
    expect((await service.get(`/v1/items/${composed}`)).status).toBe(404);
  });
});

describe("an item", () => {
  it.each([
    ['{"category": "\\ud83d"}', /category: .*half characters/],
    ['{"category": "d", "title": "x\\ude00"}', /title: .*half characters/],
    ['{"category": "d", "attributes": {"a\\ud83d": ["x"]}}', /attributes.*its name must be text/],
    ['{"category": "d", "attributes": {"a": ["\\ud83d"]}}', /attributes\.a.*half characters/],
    ['{"category": "d", "attributes": {"__proto__": ["x"], "a": ["x"]}}', /none can be __proto__/],
    ['{"category": "d", "attributes": {"gru\\u0308n": ["x"], "grün": ["y"]}}', /must be different/],
    ['{"category": "d", "price": 1e400}', /price/],
    ['{"category": "\\ufeff"}', /category: must not be empty/],
  ])("%s is refused", async (item, reason) => {
    const answer = await outcome(put("N1", item));
    expect(answer).toMatchObject({
      status: 400,
      code: "INPUT_INVALID",
      message: expect.stringMatching(reason),
    });
  });

  it("has names that objects have too, whole cents, and long texts that are in no filter", async () => {
    const text = `soft\n${"x".repeat(600)}`;
    const item = {
      category: "constructor",
      price: 30.000000000000004,
      attributes: { constructor: ["c"], toString: ["t"], "main\ncolour": ["red"], text: [text] },
    };
    expect((await put("__proto__", item)).status).toBe(201);
    expect(await got("__proto__")).toMatchObject({
      id: "__proto__",
      category: "constructor",
      price: 30,
      attributes: { constructor: ["c"], toString: ["t"], "main colour": ["red"], text: [text] },
    });
    for (const name of ["constructor", "toString"]) {
      const filter = [{ kind: "attribute", name, anyOf: [name.slice(0, 1)] }];
      expect(await idsOf({ filter })).toEqual(["__proto__"]);
    }
    expect(await idsOf({ filter: [{ kind: "attribute", name: "hasOwnProperty", anyOf: ["x"] }] })).toEqual(
      [],
    );
    for (let i = 0; i < 100; i += 1) {
      const { contents } = catalogueSchema.parse(await (await service.get("/v1/catalogue")).json());
      const names = contents.attributes.map(({ name }) => name);
      if (names.includes("constructor")) {
        expect(names).toEqual(expect.arrayContaining(["toString", "main colour"]));
        expect(names).not.toContain("text");
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect.fail("the contents were not counted within 10 s");
  });
});

it("filters that no catalogue can have are refused, not guessed at", async () => {
  for (const filter of [
    { kind: "id", anyOf: ["\ud83d"] },
    { kind: "attribute", name: "\ud83d", anyOf: ["x"] },
    { kind: "category", anyOf: ["\uFEFF"] },
  ]) {
    const answer = service.search({ filter: [filter] });
    expect(await outcome(answer)).toMatchObject({
      status: 400,
      code: "INPUT_INVALID",
    });
  }
});

it("answers have no half characters, whatever is asked", async () => {
  for (const body of [
    { queries: [{ text: "is red \ud83d" }] },
    { queries: [{ text: "x", "\ud83d": 1 }] },
    { queries: [{ reference: { upload: "\ud83d" }, text: "x" }] },
    { "\ud83d": 1 },
  ]) {
    const answer = await service.search(body);
    expect(answer.status).toBe(400);
    expect(await answer.text()).not.toMatch(/\\ud[89a-f]/i);
  }
});
