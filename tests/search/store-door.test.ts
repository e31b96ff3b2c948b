/** Commands, library and service over an index work with every kind of store that its `index.json` may name. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CatalogueIndex } from "../../src/search/index/catalogue-index.js";
import { searchResponseSchema } from "../../src/service/api.js";
import { isCompiled, project } from "../fixtures/compiled.js";
import { testedStores } from "../fixtures/tested-stores.js";
import { form, keyFile, makeSmallIndex, type SmallIndex, start } from "../service/small-index.js";
import { sdfn, sdfnJson } from "./shop.js";

interface Shown {
  readonly id: string;
  readonly score: number;
}

/** Answers by kind of store: all kinds compare all of twelve items. */
const answers = new Map<string, readonly Shown[]>();

describe.each(testedStores)("an index with a store of kind $kind", (settings) => {
  let small: SmallIndex;
  beforeAll(async () => {
    small = await makeSmallIndex({ store: settings });
  });
  afterAll(() => small.remove());

  const manifest = (folder: string) => JSON.parse(readFileSync(join(folder, "index.json"), "utf8"));
  const catalogue = () => join(small.root, "catalogue.csv");
  const indexAgain = (out: string) =>
    sdfnJson("index", "--bundle", join(small.root, "bundle"), "--catalogue", catalogue(), "--out", out);

  it("is searched by commands, with filters", async () => {
    const search = (...more: string[]) => sdfnJson("search", "--index", small.index, ...more);
    const found = await search("--image", "A1", "--text", "is red", "-k", "12");
    expect(found).toMatchObject({ fitting: 11, plan: "exact", damaged: { items: [], files: [] } });
    answers.set(settings.kind, found.items);
    const filtered = await search("--text", "is red", "--filter", "category=shirt", "--filter", "price<=90");
    expect(filtered.items.map(({ id }: Shown) => id).sort()).toEqual(["A7", "A8", "A9"]);
  });

  it("is checked, brought up to date and emptied by commands, and keeps its kind", async () => {
    const folder = small.copy("changing");
    const before = manifest(folder);
    expect(await sdfnJson("index", "check", folder, "-k", "5")).toMatchObject({
      items: 12,
      damaged: [],
      damagedFiles: [],
      samples: 12,
      filters: [{ recall: 1 }, { recall: 1 }, { recall: 1 }, { recall: 1 }],
    });
    expect(await sdfnJson("index", "delete", "--out", folder, "--ids", "A1", "A2")).toMatchObject({
      deleted: 2,
    });
    expect(await indexAgain(folder)).toMatchObject({ added: 2, updated: 0, unchanged: 10 });
    const { updated: _, ...now } = manifest(folder);
    expect(now).toEqual({ ...before, updated: undefined });
  });

  it("tells damaged items, and gets them back from the catalogue", async () => {
    const folder = small.copy("damaged");
    const index = await CatalogueIndex.open(folder, { access: "write" });
    const row = (await index.store.get(["A3"])).get("A3");
    if (row === undefined) throw new Error("A3 is not there");
    await index.store.upsert([{ ...row, details: row.details.replace("Number", "Nomber") }]);
    await index.close();
    const check = await sdfn("index", "check", folder, "--json");
    expect([check.code, JSON.parse(check.output).damaged]).toEqual([1, ["A3"]]);
    expect(await indexAgain(folder)).toMatchObject({ repaired: 1, damaged: [] });
    expect(await sdfnJson("index", "check", folder)).toMatchObject({ items: 12, damaged: [] });
  });

  it("is served: searched, listed, written; one process writes", async () => {
    const folder = small.copy("served");
    const { file, headers } = await keyFile(join(small.root, "keys.json"));
    const service = await start({ index: folder, keys: file });
    try {
      const ids = async (body: object) => {
        const response = await service.search(body);
        return searchResponseSchema.parse(await response.json()).items.map(({ item }) => item.id);
      };
      const hats = { filter: [{ kind: "category", anyOf: ["hat"] }] };
      const body = form({ item: { category: "hat" }, picture: readFileSync(small.picture("A1")) });
      const put = await fetch(`${service.address}/v1/items/new`, { method: "PUT", headers, body });
      expect(put.status).toBe(201);
      expect(await ids(hats)).toEqual(["new"]);
      expect(await ids({ ...hats, queries: [{ reference: { id: "A1" }, text: "is red" }] })).toEqual(["new"]);
      expect((await service.get("/v1/items/new")).status).toBe(200);
      expect(await ids({ limit: 3 })).toEqual(["A1", "A10", "A11"]);
      await expect(CatalogueIndex.open(folder, { access: "write" })).rejects.toThrow(
        /another process writes to this index/,
      );
      const gone = await fetch(`${service.address}/v1/items/new`, { method: "DELETE", headers });
      expect(gone.status).toBe(204);
      expect(await ids(hats)).toEqual([]);
    } finally {
      await service.close();
    }
    expect(await sdfnJson("index", "check", folder)).toMatchObject({ items: 12, damaged: [] });
  });

  it("is served to readers while a command writes", async () => {
    const folder = small.copy("read");
    const service = await start({ index: folder });
    try {
      await sdfnJson("index", "delete", "--out", folder, "--ids", "A1");
      const response = await service.search({ limit: 20 });
      expect(searchResponseSchema.parse(await response.json())).toMatchObject({ fitting: 11 });
      expect((await service.get("/v1/items/A1")).status).toBe(404);
    } finally {
      await service.close();
    }
  });

  it.skipIf(!isCompiled)("loads LanceDB's library only where it is the store", () => {
    const program = `
      import { CatalogueIndex } from "sdfn";
      const index = await CatalogueIndex.open(process.argv[1], { access: "read" });
      const { entries } = await index.list();
      await index.close();
      const isLoaded = process.report.getReport().sharedObjects.some((name) => name.includes("lancedb"));
      console.log(JSON.stringify({ items: entries.length, isLoaded }));`;
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", program, small.index], {
      cwd: project,
      encoding: "utf8",
    });
    expect(JSON.parse(output)).toEqual({ items: 12, isLoaded: settings.kind === "lance" });
  });
});

it("gives the same answers whatever its store", () => {
  const [first = [], ...others] = [...answers.values()];
  expect([answers.size, first.length]).toEqual([testedStores.length, 11]);
  for (const other of others) {
    expect(other.map(({ id }) => id)).toEqual(first.map(({ id }) => id));
    for (const [i, { score }] of other.entries()) expect(score).toBeCloseTo(first[i]?.score ?? 0, 5);
  }
});
