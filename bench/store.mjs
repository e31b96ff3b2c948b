// An index's store beside exact search: build time, size, recall@50 and latency, on synthetic clustered vectors.
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { latency } from "../dist/search/index/check-index.js";
import { ExactStore } from "../dist/search/store/exact-store.js";
import { LanceStore } from "../dist/search/store/lance-store.js";
import { clusters } from "./clusters.mjs";
import { countOption, itemsOption } from "./shared-options.mjs";

const [embedDim, k, batch] = [512, 50, 5000];
/** Queries before those that count. */
const uncounted = 5;

const filters = {
  none: undefined,
  "price, 41 %": { kind: "price", max: 41 },
  "category and price, 1.7 %": {
    kind: "all",
    of: [
      { kind: "category", anyOf: ["c3"] },
      { kind: "price", max: 34 },
    ],
  },
  "one shop, 0.1 %": { kind: "attribute", name: "shop", anyOf: ["s7"] },
};

export const store = {
  summary: "an index's store beside exact search",
  description: `An index's store of synthetic clustered vectors: time to build, size on disk, and recall@50 and latency beside exact search through
ONNX Runtime, query by query in turn, with and without filters. Takes 4 KB of disk and memory an item, and a minute at the end.`,
  options: [
    itemsOption,
    countOption("--queries <n>", "queries of each filter; five more are not counted", 200),
  ],
  examples: ["store --items 1000000", "store --items 1000 --queries 5"],
  run: runStore,
};

async function runStore({ items, queries }, say) {
  const folder = mkdtempSync(join(tmpdir(), "sdfn-bench-store-"));
  try {
    const draw = clusters(items, embedDim);
    const written = await LanceStore.open(folder, { embedDim, access: "create" });
    const exact = await ExactStore.create(embedDim);
    let ingestMs = 0;
    for (let start = 0; start < items; start += batch) {
      const part = Array.from({ length: Math.min(batch, items - start) }, (_, i) => draw.item(start + i));
      ingestMs += await timed(() => written.upsert(part));
      await exact.upsert(part);
      if ((start / batch) % 20 === 19) say(`${start + part.length} items, ${(ingestMs / 1000).toFixed(1)} s`);
    }
    const indexMs = await timed(() => written.optimise());
    await written.close();
    say(`ingested in ${(ingestMs / 1000).toFixed(1)} s, indexed in ${(indexMs / 1000).toFixed(1)} s`);
    const reader = await LanceStore.open(folder, { embedDim, access: "read" });
    const rows = {};
    for (const [name, filter] of Object.entries(filters)) {
      rows[name] = await compare(reader, exact, { filter, vectors: draw.queries(queries + uncounted) });
    }
    await reader.close();
    await exact.close();
    const sizes = await tidiedSizes(folder);
    const result = {
      embedDim,
      k,
      ingestSeconds: ingestMs / 1000,
      indexSeconds: indexMs / 1000,
      sizes,
      filters: rows,
      residentBytes: process.memoryUsage.rss(),
    };
    say(describe(result, items));
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Query by query in turn; a first few are not counted. */
async function compare(store, exact, { filter, vectors }) {
  const times = { store: [], exact: [] };
  let [found, wanted, plan] = [0, 0, ""];
  for (const [i, vector] of vectors.entries()) {
    let near;
    let all;
    const storeMs = await timed(async () => {
      near = await store.query({ vector, limit: k, filter });
    });
    const exactMs = await timed(async () => {
      all = await exact.query({ vector, limit: k, filter });
    });
    if (i < uncounted) continue;
    times.store.push(storeMs);
    times.exact.push(exactMs);
    const ids = new Set(near.hits.map(({ id }) => id));
    found += all.hits.filter(({ id }) => ids.has(id)).length;
    wanted += all.hits.length;
    plan = near.plan;
  }
  const [ms, exactMs] = [latency(times.store), latency(times.exact)];
  return { plan, recall: found / wanted, ms, exactMs, speedUp: exactMs.p50 / ms.p50 };
}

/** Sizes when the versions before the last are gone, which are kept for a minute. */
async function tidiedSizes(folder) {
  await new Promise((later) => setTimeout(later, 61_000));
  const store = await LanceStore.open(folder, { embedDim, access: "write" });
  await store.optimise();
  await store.close();
  return sizesOf(folder);
}

/** Bytes of the whole store, and of the vector index and the indexes of filters. */
function sizesOf(folder) {
  let [totalBytes, indexBytes] = [0, 0];
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const stat = statSync(join(folder, name));
    if (!stat.isFile()) continue;
    totalBytes += stat.size;
    if (name.includes("_indices")) indexBytes += stat.size;
  }
  return { totalBytes, indexBytes };
}

async function timed(work) {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

function describe({ ingestSeconds, indexSeconds, sizes, filters: rows, residentBytes }, items) {
  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;
  return [
    `${items} vectors of ${embedDim}: written in ${ingestSeconds.toFixed(1)} s, indexed in ${indexSeconds.toFixed(1)} s; ` +
      `${megabytes(sizes.totalBytes)} on disk, of which indexes ${megabytes(sizes.indexBytes)}; ` +
      `this process, exact search included: ${megabytes(residentBytes)}`,
    "filter                      plan              recall@50   p50 ms   p95 ms   exact p50   exact p95   speed-up",
    ...Object.entries(rows).map(([name, row]) => name.padEnd(28) + cellsOf(row).join("")),
  ].join("\n");
}

function cellsOf({ plan, recall, ms, exactMs, speedUp }) {
  return [
    plan.padEnd(18),
    recall.toFixed(4).padStart(9),
    ms.p50.toFixed(1).padStart(9),
    ms.p95.toFixed(1).padStart(9),
    exactMs.p50.toFixed(1).padStart(12),
    exactMs.p95.toFixed(1).padStart(12),
    speedUp.toFixed(2).padStart(11),
  ];
}
