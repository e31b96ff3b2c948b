import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { categories, colours, manyItems, randomUnit, unit } from "../../../tests/fixtures/retrieval-items.js";
import { testedStores } from "../../../tests/fixtures/tested-stores.js";
import { Random } from "../../engine/tensor/random.js";
import { DivergenceError, ShapeError, StoreError } from "../../errors.js";
import { ExactStore } from "./exact-store.js";
import { type Filter, predicateOf } from "./filter.js";
import { LanceStore } from "./lance-store.js";
import type { StoreSettings } from "./store-kind.js";
import { claimWriter, openStore } from "./store-kinds.js";
import type { StoredItem, VectorStore } from "./vector-store.js";

const embedDim = 7;
const items = manyItems(300, { embedDim });
const byId = new Map(items.map((item) => [item.id, item]));
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "store-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const openLance = (folder = root, access: "read" | "write" | "create" = "create") =>
  LanceStore.open(folder, { embedDim, access });

/** Gives free what was claimed. */
let giveFree: (() => Promise<void>) | undefined;
afterEach(async () => {
  await giveFree?.();
  giveFree = undefined;
});

const kinds: Readonly<Record<string, () => Promise<VectorStore>>> = {
  ...Object.fromEntries(
    testedStores.map((settings) => [`a store of kind ${settings.kind}`, () => openNew(settings)]),
  ),
  ExactStore: () => ExactStore.create(embedDim),
};

async function openNew(settings: StoreSettings): Promise<VectorStore> {
  giveFree = await claimWriter(settings, root);
  return openStore(settings, { folder: root, embedDim, access: "create" });
}

async function idsOf(store: VectorStore): Promise<string[]> {
  const ids: string[] = [];
  for await (const part of store.summaries()) ids.push(...part.map(({ id }) => id));
  return ids.sort();
}

const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);

/** By hand, in float64. */
function ranking(vector: Float32Array, filter: Filter = { kind: "all", of: [] }): StoredItem[] {
  return items
    .filter(predicateOf(filter))
    .sort((a, b) => cosine(vector, b.vector) - cosine(vector, a.vector));
}

for (const [kind, open] of Object.entries(kinds)) {
  describe(kind, () => {
    let store: VectorStore;
    beforeEach(async () => {
      store = await open();
      await store.upsert(items);
    });
    afterEach(() => store.close());

    it("answers with the nearest items, page by page, and their scores", async () => {
      const vector = randomUnit(new Random(5), embedDim);
      const expected = ranking(vector);
      const first = await store.query({ vector, limit: 4 });
      expect(first.fitting).toBe(300);
      expect(first.hits.map(({ id }) => id)).toEqual(expected.slice(0, 4).map(({ id }) => id));
      expect(first.hits[0]?.details).toBe(expected[0]?.details);
      for (const { id, score } of first.hits)
        expect(score).toBeCloseTo(cosine(vector, byId.get(id)?.vector ?? vector), 5);
      const second = await store.query({ vector, limit: 3, offset: 4 });
      expect(second.hits.map(({ id }) => id)).toEqual(expected.slice(4, 7).map(({ id }) => id));
      expect((await store.query({ vector, limit: 10, offset: 298 })).hits).toHaveLength(2);
      expect((await store.query({ vector, limit: 10, offset: 400 })).hits).toEqual([]);
    });

    it("gives ids and vectors of all items, or of those that fit, each once", async () => {
      const filter: Filter = { kind: "price", min: 20, max: 60 };
      for (const [given, expected] of [
        [undefined, items],
        [filter, items.filter(predicateOf(filter))],
        [{ kind: "id", anyOf: ["missing"] } as const, []],
      ] as const) {
        const found = new Map<string, Float32Array>();
        for await (const { ids, vectors } of store.vectors(given)) {
          expect(vectors).toHaveLength(ids.length * embedDim);
          for (const [i, id] of ids.entries()) found.set(id, vectors.slice(i * embedDim, (i + 1) * embedDim));
        }
        expect(found.size).toBe(expected.length);
        for (const { id, vector } of expected) expect(found.get(id)).toEqual(vector);
      }
    });

    it("takes zero and minus zero for one price", async () => {
      const [a, b] = items as [StoredItem, StoredItem];
      const prices = { plus: 0, minus: -0, least: Number.MIN_VALUE };
      await store.upsert(Object.entries(prices).map(([id, price]) => ({ ...a, id, price })));
      await store.upsert([{ ...b, price: undefined }]);
      for (const zero of [0, -0]) {
        const inRange = async (filter: Filter) =>
          (await store.list({ filter, limit: 300 })).items.map(({ id }) => id);
        const ofZero = ["minus", "plus"];
        expect(await inRange({ kind: "price", min: zero, max: zero })).toEqual(
          expect.arrayContaining(ofZero),
        );
        expect(await inRange({ kind: "price", max: zero })).toEqual(expect.arrayContaining(ofZero));
        expect(await inRange({ kind: "price", max: zero })).not.toContain("least");
        expect(await inRange({ kind: "price", min: zero })).toEqual(
          expect.arrayContaining([...ofZero, "least"]),
        );
      }
    });

    it("replaces by id, keeps the later of two in one call, and deletes", async () => {
      const [a, b] = items as [StoredItem, StoredItem];
      await store.upsert([
        { ...a, hash: "old", vector: b.vector },
        { ...a, hash: "new", price: undefined, tags: [], vector: unit(a.vector.map((value) => -value)) },
      ]);
      expect(await store.count()).toBe(300);
      const found = (await store.get([a.id, b.id, "missing", "' OR true --"])) as Map<string, StoredItem>;
      expect([...found.keys()].sort()).toEqual([a.id, b.id].sort());
      expect(found.get(a.id)).toMatchObject({
        hash: "new",
        price: undefined,
        tags: [],
        category: a.category,
      });
      expect(found.get(a.id)?.vector[3]).toBeCloseTo(-(a.vector[3] ?? 0), 6);
      expect(found.get(b.id)).toEqual(b);
      await store.delete([a.id, "missing", "x' OR 'a' = 'a"]);
      expect(await store.count()).toBe(299);
      expect(await idsOf(store)).toEqual(
        items
          .slice(1)
          .map(({ id }) => id)
          .sort(),
      );
      const { hits } = await store.query({ vector: a.vector, limit: 300 });
      expect(hits.map(({ id }) => id)).not.toContain(a.id);
    });

    it("lists items by id, page by page, and how many fit", async () => {
      const sorted = items
        .map(({ id, hash, details }) => ({ id, hash, details }))
        .sort((a, b) => (a.id < b.id ? -1 : 1));
      const pages = [];
      for (let offset = 0; offset < 300; offset += 130) {
        const page = await store.list({ limit: 130, offset });
        expect(page.fitting).toBe(300);
        pages.push(...page.items);
      }
      expect(pages).toEqual(sorted);
      expect(await store.list({ limit: 5, offset: 300 })).toEqual({ items: [], fitting: 300 });
      expect(await store.list({ limit: 0 })).toEqual({ items: [], fitting: 300 });
      const filter: Filter = { kind: "category", anyOf: [categories[1] ?? ""] };
      const fitting = sorted.filter(({ id }) => byId.get(id)?.category === categories[1]);
      expect(await store.list({ filter, limit: 7, offset: 3 })).toEqual({
        items: fitting.slice(3, 10),
        fitting: fitting.length,
      });
    });

    it("lists what is there now", async () => {
      const [item] = items as [StoredItem];
      await store.list({ limit: 1 });
      await store.delete(items.map(({ id }) => id));
      expect(await store.list({ limit: 5 })).toEqual({ items: [], fitting: 0 });
      const ids = ["", "A", "a", "ä", "\u4E00", "\u{1F9E5}"];
      await store.upsert([...ids].reverse().map((id) => ({ ...item, id })));
      expect((await store.list({ limit: 9 })).items.map(({ id }) => id)).toEqual(ids);
    });

    it("gives everything back, some at a time", async () => {
      const all: StoredItem[] = [];
      for await (const part of store.items()) all.push(...part);
      expect(new Map(all.map((item) => [item.id, item]))).toEqual(byId);
    });

    it("refuses vectors that cannot be compared, and writes nothing then", async () => {
      const [a, b] = items as [StoredItem, StoredItem];
      const fresh = { ...b, id: "fresh" };
      const wrong = [a.vector.subarray(1), new Float32Array(embedDim), a.vector.map((value) => value * 1.1)];
      for (const vector of wrong) {
        await expect(store.upsert([fresh, { ...a, vector }])).rejects.toThrow(ShapeError);
        await expect(store.query({ vector, limit: 1 })).rejects.toThrow(ShapeError);
      }
      const nan = a.vector.with(2, Number.NaN);
      await expect(store.upsert([fresh, { ...a, vector: nan }])).rejects.toThrow(DivergenceError);
      expect((await store.get(["fresh"])).size).toBe(0);
    });

    it("filters as written down, for any filter", async () => {
      const { filter } = fc.letrec<{ filter: Filter; leaf: Filter }>((tie) => ({
        leaf: fc.oneof(
          fc.record({ kind: fc.constant("id" as const), anyOf: someOf(items.map(({ id }) => id)) }),
          fc.record({ kind: fc.constant("category" as const), anyOf: someOf(categories) }),
          fc.record(
            {
              kind: fc.constant("price" as const),
              min: fc.nat(100),
              max: fc.constantFrom(0, 40, 1e21, Infinity),
            },
            { requiredKeys: ["kind"] },
          ),
          fc.record({
            kind: fc.constant("attribute" as const),
            name: fc.constantFrom("colour", "Colour", "a", "a=b", "col'our"),
            anyOf: someOf([...colours, "c", "b=c", "upper", "dark blue"]),
          }),
        ),
        filter: fc.oneof(
          { maxDepth: 3, depthSize: "small" },
          tie("leaf"),
          fc.record({ kind: fc.constant("not" as const), filter: tie("filter") }),
          fc.record({ kind: fc.constant("all" as const), of: fc.array(tie("filter"), { maxLength: 3 }) }),
        ),
      }));
      const vector = randomUnit(new Random(6), embedDim);
      await fc.assert(
        fc.asyncProperty(filter, async (filter) => {
          const expected = ranking(vector, filter).map(({ id }) => id);
          const answer = await store.query({ vector, limit: 20, filter });
          expect(answer.fitting).toBe(expected.length);
          expect(await store.count(filter)).toBe(expected.length);
          expect(answer.hits.map(({ id }) => id)).toEqual(expected.slice(0, 20));
        }),
        { numRuns: 60, seed: 4 },
      );
    });
  });
}

const odd = [
  "",
  "'",
  "x' OR 1=1",
  "\\",
  "\\'",
  "\u0000",
  "\uD800",
  "a\nb",
  "/*",
  "%",
  "🧥",
  "x".repeat(5000),
];

function someOf(values: readonly string[]) {
  return fc.array(fc.oneof(fc.constantFrom(...values), fc.constantFrom(...odd)), {
    maxLength: 4,
  });
}

describe("LanceStore on disk", () => {
  /** Stores that are never closed, as after a crash; kept so that their files are not closed by the collector. */
  const abandoned: LanceStore[] = [];
  const manifests = () =>
    readdirSync(join(root, "items.lance", "_versions")).filter((name) => name.endsWith("manifest"));
  const newest = () => join(root, "items.lance", "_versions", manifests().sort()[0] ?? "");

  it("opens after the newest manifest was lost with the power, and has all that was acknowledged", async () => {
    const writer = await openLance();
    await writer.upsert(items.slice(0, 10));
    await writer.upsert(items.slice(10, 20));
    await writer.delete(items.slice(0, 3).map(({ id }) => id));
    abandoned.push(writer); // the journal still has what the table has
    truncateSync(newest(), 0);
    await expect(openLance(root, "read")).rejects.toThrow(StoreError);
    const again = await openLance();
    expect(await idsOf(again)).toEqual(
      items
        .slice(3, 20)
        .map(({ id }) => id)
        .sort(),
    );
    expect(existsSync(join(root, "damaged"))).toBe(true);
    expect(await again.damagedFiles()).toEqual([]);
    await again.upsert(items.slice(20, 30));
    await again.close();
    const reader = await openLance(root, "read");
    expect(await reader.count()).toBe(27);
    await reader.close();
  });

  it.skipIf(process.getuid?.() !== 0)("does not carry out later what it refused", async () => {
    const writer = await openLance();
    await writer.upsert(items.slice(0, 3));
    abandoned.push(writer);
    for (const name of ["", ...readdirSync(root, { recursive: true, encoding: "utf8" })]) {
      chmodSync(join(root, name), 0o755);
    }
    process.seteuid?.(65534);
    try {
      await expect(writer.delete([items[0]?.id ?? ""])).rejects.toThrow(/store failed; got .*ermission/);
      await expect(writer.upsert(items.slice(3, 5))).rejects.toThrow(StoreError);
    } finally {
      process.seteuid?.(0);
    }
    const again = await openLance();
    expect(await idsOf(again)).toEqual(
      items
        .slice(0, 3)
        .map(({ id }) => id)
        .sort(),
    );
    await again.close();
  });

  it("says what to do when every manifest is damaged", async () => {
    await (await openLance()).close();
    for (const name of manifests()) truncateSync(join(root, "items.lance", "_versions", name), 5);
    await expect(openLance()).rejects.toThrow(/every version of the store is damaged/);
  });
});
