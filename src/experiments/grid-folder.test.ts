import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { seedEvaluation } from "../../tests/fixtures/seed-evaluation.js";
import { RunError, UsageError } from "../errors.js";
import { defaultProtocol } from "../evaluation/protocols.js";
import { unranked } from "../evaluation/recall.js";
import { type RunManifest, writeManifest } from "../runs/run-files.js";
import { writeEvaluation } from "./cell-files.js";
import { type GridCell, planCells } from "./grid-cells.js";
import { GridFolder } from "./grid-folder.js";

const root = mkdtempSync(join(tmpdir(), "grid-"));
afterAll(() => rmSync(root, { recursive: true }));

const measure = { root: "/data", split: "val", protocol: defaultProtocol } as const;
const data = { train: { triplets: 9, images: 5, content: "c", files: "f" } };
const plan = (set: readonly string[] = []) =>
  planCells({ rows: [{ name: "sum", title: "sum", model: "sum" }], seeds: [1], set }).cells as [GridCell];
const [cell] = plan();

const evaluation = seedEvaluation({ dress: [1, 20, unranked] });

let count = 0;
async function openWith(status?: RunManifest["status"], change: object = {}) {
  count += 1;
  const folder = await GridFolder.open(join(root, String(count)), "compare", { measure, data });
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
      step: 1,
      startedAt: "",
      seconds: 1,
      ...change,
    });
  }
  return folder;
}

function checkpointIn(folder: GridFolder): void {
  mkdirSync(join(folder.runOf(cell), "checkpoints"));
  writeFileSync(join(folder.runOf(cell), "checkpoints", "checkpoint-000001.json"), "");
}

describe("GridFolder", () => {
  it("knows a finished cell by its evaluation, queries without an answer included", async () => {
    const folder = await openWith("complete");
    writeEvaluation(folder.runOf(cell), evaluation);
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

  it("continues with what was stopped, when there is a checkpoint of this configuration", async () => {
    for (const status of ["training", "interrupted"] as const) {
      const folder = await openWith(status);
      checkpointIn(folder);
      expect(folder.states([cell]).get(cell)).toEqual({ kind: "stopped" });
      expect(() => folder.states(plan(["epochs=3"]))).toThrow(/sum-seed1: epochs 60, now 3/);
    }
  });

  it("begins anew what was stopped before a checkpoint, or diverged, whatever its configuration was", async () => {
    for (const status of ["training", "diverged"] as const) {
      const folder = await openWith(status);
      if (status === "diverged") checkpointIn(folder);
      const [other] = plan(["epochs=3"]);
      expect(folder.states([other]).get(other)).toEqual({ kind: "open" });
      expect(existsSync(folder.clear(cell))).toBe(false);
    }
  });

  it("refuses data that have changed under its cells with what differs, and takes them where no cell is left", async () => {
    const folder = await openWith("training");
    checkpointIn(folder);
    await folder.close();
    const openOn = (train: object) =>
      GridFolder.open(folder.file(""), "compare", {
        measure,
        data: { train: { ...data.train, ...train }, val: data.train },
      });
    await expect(openOn({ triplets: 8 })).rejects.toThrow(UsageError);
    await expect(openOn({ triplets: 8 })).rejects.toThrow(
      /have changed since its cells were trained:\n {2}- triplets of train: 9, now 8\nput back/,
    );
    await expect(openOn({ content: "d" })).rejects.toThrow(
      /texts or galleries of train: as many, but others/,
    );
    await expect(openOn({ files: "g" })).rejects.toThrow(/image files of train: as many, but other names/);
    await (await openOn({})).close();
    folder.clear(cell);
    await (await openOn({ triplets: 8 })).close();
  });

  it("refuses finished cells of another configuration, data set or protocol, all at once", async () => {
    const folder = await openWith("complete", { dataset: { name: "d", root: "/other" } });
    writeEvaluation(folder.runOf(cell), {
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
    const again = () => GridFolder.open(folder.file(""), "compare", { measure, data });
    await expect(again()).rejects.toThrow(RunError);
    await folder.close();
    await (await again()).close();
  });
});
