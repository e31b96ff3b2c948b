import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CatalogueIndex } from "../../src/search/index/catalogue-index.js";
import { type SearchResponse, searchResponseSchema } from "../../src/service/api.js";
import { form, keyFile, makeSmallIndex, outcome, type SmallIndex, start } from "./small-index.js";

let small: SmallIndex;
beforeAll(async () => {
  small = await makeSmallIndex();
});
afterAll(() => small.remove());

const answer = async (response: Promise<Response>): Promise<SearchResponse> =>
  searchResponseSchema.parse(await (await response).json());

/** An index in which the title of one item is another than what was written. */
async function withDamagedItem(name: string, id: string): Promise<string> {
  const folder = small.copy(name);
  const index = await CatalogueIndex.open(folder, { access: "write" });
  const row = (await index.store.get([id])).get(id);
  if (row === undefined) throw new Error(`${id} is not there`);
  await index.store.upsert([{ ...row, details: row.details.replace("Number", "Nomber") }]);
  await index.close();
  return folder;
}

describe("a damaged item", () => {
  it("is left out of answers, which say so, and is in log and metrics", async () => {
    const service = await start({ index: await withDamagedItem("left-out", "A3") });
    try {
      const found = await answer(service.search({ queries: [{ reference: { id: "A1" } }] }));
      expect(found.damaged).toBe(1);
      const ids = found.items.map(({ item }) => item.id);
      expect([...ids].sort()).toEqual(small.ids.filter((id) => id !== "A1" && id !== "A3").sort());
      const ranks = found.items.map(({ rank }) => rank);
      expect(new Set(ranks).size).toBe(10);
      expect(Math.max(...ranks)).toBe(11); // the others keep their ranks
      const listed = await answer(service.search({ limit: 5 }));
      expect([listed.damaged, listed.items.length, listed.fitting]).toEqual([0, 5, 12]);
      const rest = await answer(service.search({ limit: 12 }));
      expect([rest.damaged, rest.items.length]).toEqual([1, 11]);
      expect(service.logged()).toContain('"ids":["A3"]');
      expect(service.logged()).toContain("sdfn index check");
      expect(await (await service.get("/metrics")).text()).toMatch(/^sdfn_damaged_items_total 2$/m);
      expect(JSON.stringify([found, listed, rest])).not.toContain("Nomber");
    } finally {
      await service.close();
    }
  });

  it("is refused where it is asked for, and may be replaced", async () => {
    const { file, headers } = await keyFile(join(small.root, "keys.json"));
    const service = await start({ index: await withDamagedItem("replaced", "A3"), keys: file });
    try {
      for (const path of ["/v1/items/A3", "/v1/items/A3/picture"]) {
        expect(await outcome(service.get(path)), path).toMatchObject({ status: 503, code: "ITEM_DAMAGED" });
      }
      expect(await outcome(service.search({ queries: [{ reference: { id: "A3" } }] }))).toMatchObject({
        status: 503,
        code: "ITEM_DAMAGED",
      });
      const body = form({ item: { category: "dress" }, picture: readFileSync(small.picture("A3")) });
      const put = await fetch(`${service.address}/v1/items/A3`, { method: "PUT", headers, body });
      expect(put.status).toBe(201);
      expect((await service.get("/v1/items/A3")).status).toBe(200);
    } finally {
      await service.close();
    }
  });
});

describe("a service over damaged files", () => {
  it("says so in its log and its metrics", async () => {
    const folder = small.copy("files");
    const data = join(folder, "store", "items.lance", "_transactions");
    const file = join(data, readdirSync(data)[0] ?? "");
    const bytes = readFileSync(file);
    bytes[3] = (bytes[3] as number) ^ 1;
    writeFileSync(file, bytes);
    const service = await start({ index: folder });
    try {
      await expect
        .poll(() => service.logged(), { timeout: 10_000 })
        .toContain("files of the index are damaged");
      expect(await (await service.get("/metrics")).text()).toMatch(/^sdfn_damaged_files 1$/m);
    } finally {
      await service.close();
      rmSync(folder, { recursive: true });
    }
  });
});
