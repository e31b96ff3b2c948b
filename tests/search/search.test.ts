/** Searches in an indexed catalogue, compared with the same ranking by hand. */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type OpenedModel, openModel } from "../../src/cli/encoders/open-model.js";
import type { Encoder } from "../../src/embedding/encoder.js";
import { ImageError, StoreError, UsageError } from "../../src/errors.js";
import { CatalogueIndex } from "../../src/search/index/catalogue-index.js";
import { CatalogueSearch, type CatalogueSearchRequest } from "../../src/search/index/catalogue-search.js";
import type { Filter } from "../../src/search/store/filter.js";
import { isCompiled, project } from "../fixtures/compiled.js";
import { idOf, openShop, rowsOf, type Shop, sdfn, sdfnJson, trainAnother } from "./shop.js";

let shop: Shop;
let folder: string;
let index: CatalogueIndex;
let model: OpenedModel;
let encoder: Encoder;
let search: CatalogueSearch;
let ids: string[];
let embeddings: Map<string, Float32Array>;

beforeAll(async () => {
  shop = await openShop();
  folder = join(shop.root, "index");
  await sdfnJson("index", "--run", shop.run, "--catalogue", shop.catalogue, "--out", folder);
  index = await CatalogueIndex.open(folder, { access: "read" });
  model = await openModel({ run: shop.run });
  encoder = model.encoder;
  search = new CatalogueSearch(index, encoder);
  ids = rowsOf(shop.catalogue).slice(1).map(idOf);
  embeddings = new Map();
  for await (const part of index.store.items()) for (const { id, vector } of part) embeddings.set(id, vector);
});
afterAll(async () => {
  await index.close();
  await model.close();
  rmSync(shop.root, { recursive: true });
});

const picture = (id: string | undefined) => join(shop.data, "images", `${id}.jpg`);

/** Ids by their cosine with a vector, in float64. */
function ranking(vector: Float32Array, without: readonly string[] = []): string[] {
  const score = (id: string) =>
    (embeddings.get(id) ?? new Float32Array()).reduce((sum, x, d) => sum + x * (vector[d] ?? 0), 0);
  return ids.filter((id) => !without.includes(id)).sort((a, b) => score(b) - score(a));
}

const found = async (request: CatalogueSearchRequest) =>
  (await search.search(request)).hits.map(({ entry }) => entry.id);

describe("CatalogueSearch", () => {
  it("ranks for an item and a text, without the item unless asked", async () => {
    const id = ids[3] as string;
    const text = "is red with zzyy sleeves";
    const [encoded] = await encoder.embedQueries([{ picture: picture(id), text }]);
    const vector = encoded?.embedding ?? new Float32Array();
    const queries = [{ reference: { id }, text }];
    const answer = await search.search({ queries, limit: 15 });
    expect(answer.hits.map(({ entry }) => entry.id)).toEqual(ranking(vector, [id]).slice(0, 15));
    expect(answer).toMatchObject({
      fitting: ids.length - 1,
      plan: "exact",
      queries: [{ unknownWords: ["zzyy"] }],
    });
    expect(answer.queries[0]?.routes.length).toBeGreaterThan(0);
    expect(answer.hits[0]).toMatchObject({ rank: 1, score: expect.any(Number) });
    expect(answer.timesMs.total).toBeGreaterThanOrEqual(answer.timesMs.encode);
    expect(await found({ queries, limit: 1000, includeReferences: true })).toEqual(ranking(vector));
    expect(await found({ queries, limit: 5, offset: 7 })).toEqual(ranking(vector, [id]).slice(7, 12));
    expect((await search.search({ queries, limit: 5, offset: 7 })).hits[0]?.rank).toBe(8);
  });

  it("ranks for an item alone, a picture alone, its bytes, and a text alone", async () => {
    const id = ids[5] as string;
    const own = embeddings.get(id) ?? new Float32Array();
    expect(await found({ queries: [{ reference: { id } }], limit: 10 })).toEqual(
      ranking(own, [id]).slice(0, 10),
    );
    for (const reference of [{ picture: picture(id) }, { picture: readFileSync(picture(id)) }]) {
      const [first, ...others] = await found({ queries: [{ reference, text: " " }], limit: 10 });
      expect(first).toBe(id);
      expect(others).toEqual(ranking(own, [id]).slice(0, 9));
    }
    const [words] = await encoder.embedQueries([{ text: "is blue" }]);
    expect(await found({ queries: [{ text: "is blue" }], limit: 10 })).toEqual(
      ranking(words?.embedding ?? own).slice(0, 10),
    );
  });

  it("adds several queries up by their weights", async () => {
    const [a, b] = [ids[0], ids[1]] as [string, string];
    const sum = (embeddings.get(a) ?? new Float32Array()).map(
      (x, d) => 2 * x - 0.5 * (embeddings.get(b)?.[d] ?? 0),
    );
    const queries = [
      { reference: { id: a }, weight: 2 },
      { reference: { id: b }, weight: -0.5 },
    ];
    const answer = await search.search({ queries, limit: 8 });
    expect(answer.hits.map(({ entry }) => entry.id)).toEqual(ranking(sum, [a, b]).slice(0, 8));
    expect(Math.abs(answer.hits[0]?.score ?? 2)).toBeLessThanOrEqual(1);
    const opposed = [{ reference: { id: a } }, { reference: { id: a }, weight: -1 }];
    await expect(search.search({ queries: opposed })).rejects.toThrow(
      /cancel each other out; got weights 1, -1/,
    );
  });

  it("answers only with what fits the filter", async () => {
    const filter: Filter = {
      kind: "all",
      of: [
        { kind: "category", anyOf: ["dress", "shirt"] },
        { kind: "price", max: 60 },
        { kind: "not", filter: { kind: "attribute", name: "colour", anyOf: ["RED", "black"] } },
      ],
    };
    const { hits, fitting } = await search.search({ queries: [{ text: "is red" }], filter, limit: 1000 });
    expect(hits.length).toBeGreaterThan(5);
    expect(hits).toHaveLength(fitting);
    for (const { entry } of hits) {
      expect(["dress", "shirt"]).toContain(entry.category);
      expect(entry.price).toBeLessThanOrEqual(60);
      expect(["red", "black"]).not.toContain(entry.attributes.colour?.[0]);
    }
  });

  it("takes the thumbnail as reference where the picture is gone", async () => {
    const id = ids[2] as string;
    const bytes = readFileSync(picture(id));
    rmSync(picture(id));
    try {
      expect(await found({ queries: [{ reference: { id }, text: "is red" }], limit: 3 })).toHaveLength(3);
    } finally {
      writeFileSync(picture(id), bytes);
    }
  });

  it("says everything that is wrong with a request", async () => {
    const wrong: CatalogueSearchRequest = {
      queries: [{}, { text: "x".repeat(2001), weight: Number.NaN }],
      limit: 0,
      offset: -1,
    };
    await expect(search.search(wrong)).rejects.toThrow(
      /limit must be .*; got 0\n.*offset must be .*; got -1\n.*query 1 needs a reference or a text.*\n.*query 2: the text .*2001\n.*query 2: the weight/,
    );
    let deep: Filter = { kind: "all", of: [] };
    for (let i = 0; i < 100_000; i += 1) deep = { kind: "not", filter: deep };
    const wide: Filter = { kind: "category", anyOf: Array.from({ length: 1000 }, String) };
    for (const filter of [deep, wide]) {
      await expect(search.search({ queries: [{ text: "red" }], filter })).rejects.toThrow(
        /at most 1000 conditions/,
      );
    }
    await expect(search.search({ queries: [] })).rejects.toThrow(UsageError);
    for (const id of ["missing", "../../etc/passwd", "' OR true --"]) {
      await expect(search.search({ queries: [{ reference: { id } }] })).rejects.toThrow(
        `no item of this id in the index; got ${id}`,
      );
    }
    for (const text of ["", "is red"]) {
      const bytes = Buffer.from("<html>");
      await expect(search.search({ queries: [{ reference: { picture: bytes }, text }] })).rejects.toThrow(
        ImageError,
      );
    }
    const other = await openModel({ run: await trainAnother(shop) });
    expect(() => new CatalogueSearch(index, other.encoder)).toThrow(StoreError);
    await other.close();
  });
});

describe("CatalogueIndex.list", () => {
  it("lists the entries that fit, page by page, and refuses pages that cannot be meant", async () => {
    const sorted = [...ids].sort();
    const first = await index.list({ limit: 7 });
    expect(first.entries.map(({ id }) => id)).toEqual(sorted.slice(0, 7));
    expect(first.fitting).toBe(ids.length);
    const rest = await index.list({ limit: 1000, offset: 7 });
    expect(rest.entries.map(({ id }) => id)).toEqual(sorted.slice(7));
    expect((await index.list()).entries).toHaveLength(20);
    const { entries, fitting } = await index.list({
      filter: { kind: "category", anyOf: ["dress"] },
      limit: 1000,
    });
    expect(entries).toHaveLength(fitting);
    expect(fitting).toBeLessThan(ids.length);
    for (const entry of entries) {
      expect(entry.category).toBe("dress");
      expect(entry).toEqual((await index.get(entry.id))?.entry);
    }
    await expect(index.list({ limit: 1001, offset: -1 })).rejects.toThrow(
      /limit must be .*; got 1001\n.*offset .*; got -1/,
    );
  });
});

describe("sdfn search --index", () => {
  it("prints ranked items, and writes a page with their pictures", async () => {
    const html = join(shop.root, "found.html");
    const id = ids[4] as string;
    const args = ["search", "--index", folder, "--image", id, "--text", "is red qqq", "--category", "dress"];
    const { code, output, errors } = await sdfn(...args, "-k", "3", "--html", html);
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    expect(output).toMatch(/^rank +score +id/);
    expect(output).toContain("words that the model does not know: qqq");
    expect(output).toContain("route weights");
    expect(readFileSync(html, "utf8").match(/data:image\/webp;base64/g)).toHaveLength(4);
    const found = await sdfnJson(...args, "-k", "3", "--filter", "price=20..80", "--exact");
    expect(found.items).toHaveLength(3);
    expect(found).toMatchObject({ model: "sdfn", plan: "exact", modules: ["jrm", "cam", "gtm", "rcm"] });
    for (const { category, price } of found.items)
      expect([category, price >= 20, price <= 80]).toEqual(["dress", true, true]);
  });

  it("takes files, several queries with weights, and pages", async () => {
    const file = join(shop.root, "own.png");
    await sharp({ create: { width: 40, height: 60, channels: 3, background: "red" } }).toFile(file);
    const args = ["search", "--index", folder, "--image", file, "--image", ids[0] ?? "", "--text", "is long"];
    const found = await sdfnJson(...args, "--weight", "1", "--weight", "-0.3", "-k", "4");
    expect(found.items).toHaveLength(4);
    expect(found.queries).toHaveLength(2);
    const next = await sdfnJson(...args, "--weight", "1", "--weight", "-0.3", "-k", "2", "--offset", "2");
    expect(next.items).toEqual(found.items.slice(2));
  });

  it("reports options that cannot be meant", async () => {
    const refused = async (...args: string[]) => {
      const { code, errors } = await sdfn("search", ...args);
      expect(code).toBe(2);
      return errors;
    };
    expect(await refused("--index", folder)).toMatch(/--image or --text is needed/);
    expect(await refused("--index", folder, "--run", "r", "--split", "val", "--text", "a")).toMatch(
      /--run, --split cannot stand beside --index/,
    );
    expect(await refused("--run", "r", "--data", "d", "--filter", "a=b")).toMatch(/--filter need --index/);
    expect(await refused("--run", "r", "--data", "d", "--text", "a", "--text", "b")).toMatch(
      /--text may be given once only without --index; got a b/,
    );
    expect(
      await refused(
        "--index",
        folder,
        "--text",
        "a",
        "--filter",
        "colour",
        "--filter",
        "price<=cheap",
        "-k",
        "0",
      ),
    ).toMatch(/"colour" is no filter.*"price<=cheap" needs plain numbers.*-k must be/s);
    expect(
      await refused(
        "--index",
        folder,
        "--image",
        "a",
        "--image",
        "b",
        "--text",
        "x",
        "--text",
        "y",
        "--text",
        "z",
        "--weight",
        "1",
      ),
    ).toMatch(/as many --text as --image.*one --weight for each/);
  });
});

describe.skipIf(!isCompiled)("docs/search.md", () => {
  const linesOf = async (heading: string) => {
    const text = readFileSync(join(project, "docs", "search.md"), "utf8");
    const program = new RegExp(`## ${heading}\\n.*?\`\`\`ts\\n(.*?)\`\`\``, "s").exec(text)?.[1] ?? "";
    writeFileSync(join(shop.root, "program.mjs"), program);
    const { stdout } = await promisify(execFile)(process.execPath, ["program.mjs"], { cwd: shop.root });
    return stdout.trimEnd().split("\n");
  };

  it("has programs that run as they are written", async () => {
    for (const path of ["node_modules", "data"]) mkdirSync(join(shop.root, path), { recursive: true });
    symlinkSync(project, join(shop.root, "node_modules", "sdfn"));
    symlinkSync(folder, join(shop.root, "data", "small-index"));
    symlinkSync(shop.data, join(shop.root, "data", "small"));
    const lines = await linesOf("From a program");
    for (const [i, line] of lines.entries())
      expect(line).toMatch(new RegExp(`^${i + 1} -?0\\.\\d{3} \\w{10} .*dress`));
    expect(await linesOf("Stores")).toEqual([`${ids.length} exact`]);
  });
});

describe("sdfn index check", () => {
  it("reports recall and latency with and without filters", async () => {
    const check = await sdfnJson("index", "check", folder, "--samples", "20", "-k", "5");
    expect(check).toMatchObject({ items: ids.length, samples: 20, k: 5, model: "sdfn" });
    expect(check.filters).toHaveLength(4);
    for (const { recall, approximateMs, fitting } of check.filters) {
      expect(recall).toBe(1);
      expect(approximateMs.p95).toBeGreaterThanOrEqual(approximateMs.p50);
      expect(fitting).toBeGreaterThan(0);
    }
    expect((await sdfn("index", "check", folder)).output).toMatch(/filter +items +recall/);
  });
});
