import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { RunError, UsageError } from "../../errors.js";
import type { SeedEvaluation } from "../../evaluation/comparison.js";
import { defaultProtocol } from "../../evaluation/protocols.js";
import { unranked } from "../../evaluation/recall.js";
import { categoryResult, comparedMean, meanOf } from "../../evaluation/result.js";
import { writeManifest } from "../../training/run-files.js";
import { type GridCell, planCells } from "./grid-cells.js";
import { GridFolder } from "./grid-folder.js";

const root = mkdtempSync(join(tmpdir(), "grid-"));
afterAll(() => rmSync(root, { recursive: true }));

const measure = { root: "/data", split: "val", protocol: defaultProtocol } as const;
const plan = (set: readonly string[] = []) =>
  planCells({ rows: [{ name: "sum", title: "sum", model: "sum" }], seeds: [1], set }).cells as [GridCell];
const [cell] = plan();

const ranks = [1, 20, unranked];
const perCategory = { dress: categoryResult(ranks, 30) };
const mean = meanOf(Object.values(perCategory));
const evaluation: SeedEvaluation = {
  result: {
    ...({ model: "sum", dataset: "d", split: "val", protocol: "val-split", reference: "removed" } as const),
    ...({
      captions: "and",
      perCategory,
      mean,
      compared: comparedMean(mean, ["r10"]),
      seed: 1,
      commit: null,
    } as const),
    dropped: {
      images: { dropped: 0, of: 1, broken: 0 },
      triplets: { dropped: 0, of: 1 },
      galleryEntries: { dropped: 0, of: 1 },
    },
  },
  ranks: { dress: ranks.map((rank) => ({ reference: "r", target: "t", text: "x", rank })) },
};

let count = 0;
async function openWith(status?: "complete" | "training", change: object = {}) {
  count += 1;
  const folder = await GridFolder.open(join(root, String(count)), "compare", measure);
  if (status) {
    mkdirSync(folder.runOf(cell), { recursive: true });
    writeManifest(folder.runOf(cell), {
      ...({
        format: 1,
        status,
        commit: "c",
        dataset: { name: "d", root: "/data" },
        config: cell.config.fields,
      } as const),
      ...{ step: 1, startedAt: "", seconds: 1 },
      ...change,
    });
  }
  return folder;
}

describe("GridFolder", () => {
  it("knows a finished cell by its evaluation, queries without an answer included", async () => {
    const folder = await openWith("complete");
    folder.writeEvaluation(cell, evaluation);
    expect(folder.states([cell]).get(cell)).toEqual({ kind: "finished", evaluation });
  });

  it("evaluates anew what was trained, and where the evaluation is damaged", async () => {
    const folder = await openWith("complete");
    expect(folder.states([cell]).get(cell)).toEqual({ kind: "trained" });
    for (const text of [
      "",
      '{"format":1',
      JSON.stringify({ format: 1, ...evaluation, ranks: { dress: [1] } }),
    ]) {
      writeFileSync(join(folder.runOf(cell), "evaluation.json"), text);
      expect(folder.states([cell]).get(cell)).toEqual({ kind: "trained" });
    }
  });

  it("begins anew what was stopped, whatever its configuration was", async () => {
    const folder = await openWith("training");
    expect(folder.states([cell]).get(cell)).toEqual({ kind: "open" });
    const [other] = plan(["epochs=3"]);
    expect(folder.states([other]).get(other)).toEqual({ kind: "open" });
    expect(existsSync(folder.clear(cell))).toBe(false);
  });

  it("refuses finished cells of another configuration, data set or protocol, all at once", async () => {
    const folder = await openWith("complete", { dataset: { name: "d", root: "/other" } });
    folder.writeEvaluation(cell, {
      ...evaluation,
      result: { ...evaluation.result, protocol: "original" },
    });
    expect(() => folder.states(plan(["epochs=3"]))).toThrow(UsageError);
    expect(() => folder.states(plan(["epochs=3"]))).toThrow(
      /sum-seed1: epochs 60, now 3, data "\/other", now "\/data", protocol "original", now "val-split"/,
    );
  });

  it("takes a field that the run is older than for its default", async () => {
    const { tau: _tau, gradientClip: _clip, ...older } = cell.config.fields;
    const folder = await openWith("complete", { config: older });
    expect(folder.states([cell]).get(cell)).toEqual({ kind: "trained" });
  });

  it("keeps another one out until it is closed", async () => {
    const folder = await openWith();
    const again = () => GridFolder.open(folder.file(""), "compare", measure);
    await expect(again()).rejects.toThrow(RunError);
    await folder.close();
    await (await again()).close();
  });
});
