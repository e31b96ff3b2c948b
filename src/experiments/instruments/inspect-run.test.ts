import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { session, tinyCatalogue, tinyFields, tinySdfn } from "../../../tests/training/tiny-training.js";
import { openFashionIq } from "../../data/datasets/fashion-iq.js";
import { ModelEmbedder } from "../../embedding/model-embedder.js";
import { scoreSplit } from "../../evaluation/evaluate.js";
import type { RunInstruments } from "../../evaluation/instruments/run-instruments.js";
import { defaultProtocol } from "../../evaluation/protocols.js";
import { recallAtK } from "../../evaluation/recall.js";
import { resolveRunConfig } from "../../runs/run-config.js";
import { readMetrics } from "../../runs/run-files.js";
import { train } from "../../training/train.js";
import { inspectRun } from "./inspect-run.js";
import { type LaidRun, withLaidRun } from "./lay-run.js";

const { folder, data } = tinyCatalogue();
const runOf = (name: string) => join(folder, name);

/** One category, so that recall over queries is that over categories too. */
const fields = { category: "dress", batchSize: 4, epochs: 2, learningRate: 2e-3 };

async function trained(name: string, given: object, own: object = fields): Promise<void> {
  const config = resolveRunConfig({ file: { ...given, ...own } });
  const featureCacheDir = join(folder, "features");
  await train({ dataset: openFashionIq(data), config, runDir: runOf(name), featureCacheDir, session });
}

function inspect(name: string, queries = 100): Promise<RunInstruments> {
  return inspectRun({ dataset: openFashionIq(data), runDir: runOf(name), queries, batches: 2 });
}

/** Rank of every held-out query, as evaluation finds it. */
async function heldOutRanks({ run, images, data: { parts } }: LaidRun) {
  const { imagePx, maxWords } = run.config.training;
  const options = { images, vocabulary: run.vocabulary, imagePx, maxWords };
  const embedder = await ModelEmbedder.compile(run.model, options, session);
  const found: { readonly category: string; readonly rank: number }[] = [];
  const split = parts.validation ?? parts.training;
  await scoreSplit(split, embedder, {
    protocol: defaultProtocol,
    onCategory: async ({ category, ranks }) => {
      found.push(...ranks.map((rank) => ({ category, rank })));
    },
  });
  await embedder.release();
  return found;
}

describe("inspectRun", () => {
  let sdfn: RunInstruments;
  const progress: (readonly [number, number])[] = [];

  beforeAll(async () => {
    await trained("sdfn", { ...tinySdfn, lambda2: 0.5 });
    const onProgress = (done: number, total: number): void => {
      progress.push([done, total]);
    };
    const dataset = openFashionIq(data);
    sdfn = await inspectRun({ dataset, runDir: runOf("sdfn"), queries: 100, batches: 2, onProgress });
  });

  it("ranks the queries that training held out, and finds along its own routes what training found", () => {
    const last = readMetrics(runOf("sdfn")).findLast((line) => line.kind === "epoch");
    const { r1, r10, r50, queries } = last?.validation ?? {};
    const [own, ...others] = sdfn.routes?.trials?.trials ?? [];
    expect(sdfn).toMatchObject({ queries, from: "held out" });
    expect(own).toMatchObject({ name: "its own routes", difference: 0, interval: { low: 0, high: 0 } });
    for (const [mine, theirs] of [
      [own?.r1, r1],
      [own?.r10, r10],
      [own?.r50, r50],
    ])
      expect(mine).toBeCloseTo(Number(theirs), 6);
    expect(others.map(({ name }) => name)).toEqual([
      "equal weights",
      "its mean route",
      "another query's route",
      ...["path", "half"].flatMap((family) =>
        ["best for all", "best by kind", "oracle", "random turns", "others' moves"].map(
          (what) => `${family}: ${what}`,
        ),
      ),
    ]);
  });

  it("ranks each query in its own category's gallery", async () => {
    await trained("mixed", tinySdfn, { holdOut: 0.5 });
    const { routes } = await inspect("mixed");
    const own = routes?.trials?.trials[0];
    const ranks = await withLaidRun({ dataset: openFashionIq(data), runDir: runOf("mixed") }, heldOutRanks);
    expect(new Set(ranks.map(({ category }) => category)).size).toBeGreaterThan(1);
    expect(own?.r1).toBeCloseTo(
      recallAtK(
        ranks.map(({ rank }) => rank),
        1,
      ),
      9,
    );
    expect(own?.r10).toBeCloseTo(
      recallAtK(
        ranks.map(({ rank }) => rank),
        10,
      ),
      9,
    );
    expect(own?.r1).toBeGreaterThan(0);
  });

  it("lets an oracle lose nothing, and tries every path of a small network", () => {
    const { trials = [], candidates, isExhaustive } = sdfn.routes?.trials ?? {};
    expect([candidates, isExhaustive]).toEqual([16, true]);
    for (const { name, difference, r10 } of trials) {
      if (/oracle|turns|moves/.test(name)) expect(difference).toBeGreaterThanOrEqual(0);
      expect(r10).toBeLessThanOrEqual(100);
    }
  });

  it("says how routes follow the attributes that the catalogue's triplets change", () => {
    const { kindsFrom, information } = sdfn.routes ?? {};
    expect(kindsFrom).toBe("attributes");
    expect(information?.layers).toHaveLength(2);
    for (const { entropy, aboutQuery, aboutKind } of information?.layers ?? []) {
      expect(entropy + aboutQuery).toBeLessThanOrEqual(1 + 1e-9);
      expect(aboutKind).toBeLessThanOrEqual(aboutQuery + 1e-9);
      expect(aboutQuery).toBeGreaterThan(0);
    }
    const names = information?.kinds.map(({ kind }) => kind) ?? [];
    expect(names).toContain("colour");
    for (const { shifts } of information?.kinds ?? []) {
      expect(shifts.reduce((sum, shift) => sum + shift, 0)).toBeCloseTo(0, 6);
    }
  });

  it("measures what every loss asks of every part: routers get distillation, the scale does not", () => {
    const { losses, parameters, batches } = sdfn.gradients;
    expect(batches).toBe(2);
    expect(Object.keys(parameters).sort()).toEqual([
      "composition",
      "image encoder",
      "routers",
      "scale",
      "text encoder",
    ]);
    expect(losses.map(({ loss }) => loss)).toEqual(["classification", "distillation", "consistency"]);
    const [classification, distillation] = losses;
    for (const { norm } of Object.values(classification?.groups ?? {})) expect(norm).toBeGreaterThan(0);
    expect(distillation?.groups.routers?.norm).toBeGreaterThan(0);
    expect(distillation?.groups.scale).toEqual({ norm: 0, agreement: null });
  });

  it("counts every batch and route as it goes", () => {
    expect(progress.at(-1)).toEqual([2 + 4 + 2 * 16, 2 + 4 + 2 * 16]);
    expect(progress.map(([done]) => done)).toEqual(progress.map((_, i) => i + 1));
  });

  it("looks at fewer queries in the same gallery when it is told to", async () => {
    expect((await inspect("sdfn", 3)).queries).toBe(3);
  });

  it("stops when it is told to", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    const options = { dataset: openFashionIq(data), runDir: runOf("sdfn"), queries: 5, signal };
    await expect(inspectRun(options)).rejects.toThrow("enough");
  });
});

describe("inspectRun of other models", () => {
  it("finds no difference between equal weights and the routes of a model without routers", async () => {
    await trained("equal", { ...tinySdfn, router: "none", lambda1: 0, lambda2: 0 });
    const { routes, gradients } = await inspect("equal");
    const [own, equal, mean, other] = routes?.trials?.trials ?? [];
    for (const { r1, difference } of [equal, mean, other].flatMap((trial) => trial ?? [])) {
      expect([r1, difference]).toEqual([own?.r1, 0]);
    }
    expect(routes?.information.layers).toMatchObject([{ aboutQuery: 0 }, { aboutQuery: 0 }]);
    expect(Object.keys(gradients.parameters)).not.toContain("routers");
  });

  it("has gradients alone where there are no routes, from a frozen backbone's maps as well", async () => {
    await trained("tirg", { ...tinyFields, model: "tirg", freezeBackbone: true, flip: false });
    const { routes, gradients } = await inspect("tirg");
    expect(routes).toBeUndefined();
    expect(gradients.losses.map(({ loss }) => loss)).toEqual(["classification"]);
    expect(gradients.parameters["image encoder"]).toBe(16 * 32 + 16);
  });

  it("looks at triplets that were trained on where none are held out", async () => {
    await trained("all", { ...tinySdfn, holdOut: 0 });
    expect(await inspect("all", 7)).toMatchObject({ queries: 7, from: "trained on" });
  });
});
