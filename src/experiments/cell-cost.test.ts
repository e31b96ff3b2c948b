import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { EmbeddableQuery } from "../embedding/model-embedder.js";
import { measureCost, medianCost, readCost, writeCost } from "./cell-cost.js";

const runDir = mkdtempSync(join(tmpdir(), "cost-"));
afterAll(() => rmSync(runDir, { recursive: true }));

const steps = [100, 50, 25].map((imagesPerSecond, i) => ({
  kind: "step",
  step: i + 1,
  epoch: 1,
  loss: { total: 1 },
  gradientNorm: 1,
  learningRate: 1,
  imagesPerSecond,
}));
writeFileSync(
  join(runDir, "metrics.jsonl"),
  [...steps, { kind: "epoch", epoch: 1, step: 3, loss: { total: 1 }, seconds: 9 }]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join(""),
);

/** An embedder that counts what it is asked. */
function countingEmbedder() {
  const asked: string[] = [];
  return {
    asked,
    embedDim: 2,
    embedImages: async () => new Float32Array(0),
    meanPicture: async () => new Float32Array(0),
    embedQueries: async (queries: readonly EmbeddableQuery[]) => {
      asked.push(queries.map(({ reference }) => reference).join());
      return Float32Array.of(1, 0);
    },
  };
}

function category(name: string, { queries, gallery }: { queries: number; gallery: number }) {
  return {
    category: name,
    galleryIds: Array.from({ length: gallery }, (_, i) => `${name} ${i}`),
    asked: Array.from({ length: queries }, (_, i) => ({
      triplet: { reference: `${name} ${i}`, target: "t", captions: ["text"], category: name },
      text: "text",
      paraphrases: [],
    })),
    task: {
      gallery: new Float32Array(2 * gallery),
      queries: new Float32Array(2 * queries),
      embedDim: 2,
      hits: [],
      masked: [],
    },
    ranks: [],
  };
}

describe("a cell's cost", () => {
  it("has the median step, and single queries against the largest gallery", async () => {
    const embedder = countingEmbedder();
    const categories = [
      category("dress", { queries: 40, gallery: 3 }),
      category("shirt", { queries: 2, gallery: 7 }),
    ];
    const cost = await measureCost({ runDir, parameters: 1234, batchSize: 50 }, embedder, categories);
    expect(cost).toMatchObject({ parameters: 1234, secondsPerStep: 2, gallery: 7, bytesPerItem: 8 });
    expect(cost.millisecondsPerQuery).toBeGreaterThan(0);
    expect(embedder.asked).toHaveLength(23);
    expect(embedder.asked[1]).toBe("dress 1");
    writeCost(runDir, cost);
    expect(readCost(runDir)).toEqual(cost);
  });

  it("is nothing where there was nothing to measure, or it is damaged", async () => {
    const cost = await measureCost(
      { runDir: join(runDir, "none"), parameters: 1, batchSize: 2 },
      countingEmbedder(),
      [],
    );
    expect(cost).toMatchObject({ secondsPerStep: null, millisecondsPerQuery: null, gallery: 0 });
    writeFileSync(join(runDir, "cost.json"), "{");
    expect(readCost(runDir)).toBeUndefined();
  });

  it("is the median over trainings", () => {
    const cost = { parameters: 3, secondsPerStep: 1, millisecondsPerQuery: 4, gallery: 7, bytesPerItem: 8 };
    const of = (secondsPerStep: number | null) => ({ ...cost, secondsPerStep });
    expect(medianCost([of(1), of(9), of(2)])).toEqual({ ...cost, secondsPerStep: 2 });
    expect(medianCost([of(1), of(null), of(2)])).toEqual({ ...cost, secondsPerStep: 1.5 });
    expect(medianCost([])).toBeNull();
  });
});
