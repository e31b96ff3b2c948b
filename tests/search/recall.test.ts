/** An index of vectors finds what exact search finds, under any filter. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/engine/tensor/random.js";
import { ExactStore } from "../../src/search/store/exact-store.js";
import type { Filter } from "../../src/search/store/filter.js";
import { LanceStore } from "../../src/search/store/lance-store.js";
import type { StoredItem } from "../../src/search/store/vector-store.js";
import { manyItems, randomUnit } from "../fixtures/retrieval-items.js";

describe("LanceStore with a vector index", () => {
  const wide = 64;
  // More items in a cluster than answers, and fewer under a filter: then answers lie in many partitions.
  const many = manyItems(45_000, { embedDim: wide, clusters: 560 });
  let folder: string;
  let store: LanceStore;
  let exact: ExactStore;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "store-many-"));
    store = await LanceStore.open(folder, { embedDim: wide, access: "create" });
    for (let start = 0; start < many.length; start += 15_000)
      await store.upsert(many.slice(start, start + 15_000));
    await store.optimise();
    exact = await ExactStore.copyOf(store);
  });
  afterAll(async () => {
    await store.close();
    await exact.close();
    rmSync(folder, { recursive: true });
  });

  const filters: Readonly<Record<string, { filter: Filter | undefined; plan: string }>> = {
    none: { filter: undefined, plan: "some partitions" },
    "four of five": { filter: { kind: "price", min: 0 }, plan: "all partitions" },
    "all but one": {
      filter: { kind: "not", filter: { kind: "id", anyOf: ["it'em 3"] } },
      plan: "some partitions",
    },
    "nearly half": {
      filter: {
        kind: "all",
        of: [
          { kind: "price", max: 60 },
          { kind: "not", filter: { kind: "id", anyOf: ["x"] } },
        ],
      },
      plan: "all partitions",
    },
    few: { filter: { kind: "price", min: 10, max: 10 }, plan: "exact" },
  };
  for (const [name, { filter, plan }] of Object.entries(filters)) {
    it(`recalls at least 99 % of exact search under a filter that lets through: ${name}`, async () => {
      const random = new Random(9);
      let found = 0;
      for (let i = 0; i < 30; i += 1) {
        const vector = many[random.integer(many.length)]?.vector ?? new Float32Array();
        const answer = await store.query({ vector, limit: 50, filter });
        expect(answer.plan).toBe(plan);
        expect(answer.hits).toHaveLength(50);
        const wanted = new Set((await exact.query({ vector, limit: 50, filter })).hits.map(({ id }) => id));
        found += answer.hits.filter(({ id }) => wanted.has(id)).length;
      }
      expect(found / (30 * 50)).toBeGreaterThanOrEqual(0.99);
    });
  }

  it("finds items that were written after the index was built, and no deleted ones", async () => {
    const fresh = { ...(many[0] as StoredItem), id: "fresh", vector: randomUnit(new Random(11), wide) };
    await store.upsert([fresh]);
    expect((await store.query({ vector: fresh.vector, limit: 1 })).hits[0]?.id).toBe("fresh");
    await store.delete(["fresh"]);
    expect((await store.query({ vector: fresh.vector, limit: 50 })).hits.map(({ id }) => id)).not.toContain(
      "fresh",
    );
  });
});
