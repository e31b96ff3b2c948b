/** The folder that a grid owns: what is in it, and which of its cells are done. */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { RunError, SdfnError, UsageError } from "../errors.js";
import type { SeedEvaluation } from "../evaluation/comparison.js";
import type { Protocol } from "../evaluation/protocols.js";
import type { EvaluationResult } from "../evaluation/result.js";
import { claimLock } from "../files/folder-lock.js";
import { readJsonSync } from "../files/read-json.js";
import { writeWholeSync } from "../files/whole.js";
import { modelFileOf } from "../models/registry.js";
import { resolveRunConfig } from "../runs/run-config.js";
import { type RunManifest, readManifest } from "../runs/run-files.js";
import { checkpointFolder, checkpointNumbers } from "../training/checkpoint-files.js";
import { readEvaluation } from "./cell-files.js";
import type { GridCell } from "./grid-cells.js";
import { dataDifferences, type GridData, gridDataSchema } from "./grid-data.js";

/** Says that a folder is a grid's, so that its unfinished cells may be started again, and what they are trained on. */
const markerFile = "grid.json";
const markerSchema = z.object({ data: gridDataSchema });
const cellsFolder = "cells";
const logsFolder = "logs";

/** What the folder's cells are measured on and how. */
export interface GridMeasure {
  /** Folder of the data set. */
  readonly root: string;
  readonly split: EvaluationResult["split"];
  readonly protocol: Protocol;
  /** SHA-256 of the files that trainings start from, where there are any. */
  readonly weights?: {
    readonly backboneWeights?: string | undefined;
    readonly wordVectors?: string | undefined;
  };
}

/** How far a cell came. */
export type CellState =
  | { readonly kind: "finished"; readonly evaluation: SeedEvaluation }
  /** Trained to the end, not evaluated. */
  | { readonly kind: "trained" }
  /** Stopped, with a checkpoint that it continues from. */
  | { readonly kind: "stopped" }
  /** Not begun, stopped before its first checkpoint, or diverged: it begins anew. */
  | { readonly kind: "open" };

/** A grid's folder, held by this process. */
export class GridFolder {
  readonly #root: string;
  readonly #measure: GridMeasure;
  readonly #release: () => Promise<void>;

  private constructor(root: string, measure: GridMeasure, release: () => Promise<void>) {
    this.#root = root;
    this.#measure = measure;
    this.#release = release;
  }

  /**
   * Makes or opens the folder.
   * @throws UsageError when it holds something else, or cells that were trained on other data than `data`; RunError when
   * another process works in it.
   */
  static async open(
    out: string,
    command: string,
    { measure, data }: { readonly measure: GridMeasure; readonly data: GridData },
  ): Promise<GridFolder> {
    const root = resolve(out);
    const content = existsSync(root) ? readdirSync(root) : [];
    if (content.length > 0 && !content.includes(markerFile)) {
      throw new UsageError(
        `--out: the folder is not empty and not a grid's; got ${content.slice(0, 3).join(", ")} in ${root}; choose a new folder`,
      );
    }
    mkdirSync(root, { recursive: true });
    const lock = join(root, "lock");
    const busy = (owner: number) =>
      new RunError(
        `${root}: another process works on this grid; got process ${owner}; wait for it, or remove ${lock}`,
      );
    const release = await claimLock(lock, busy);
    try {
      const then = readGridData(root);
      if (hasWork(root)) requireSameData(root, then, data);
      const marker = { format: 1, command, data: { ...then, ...data } };
      writeWholeSync(join(root, markerFile), `${JSON.stringify(marker)}\n`);
      return new GridFolder(root, measure, release);
    } catch (error) {
      await release();
      throw error;
    }
  }

  /** Lets other processes work in it. */
  close(): Promise<void> {
    return this.#release();
  }

  file(name: string): string {
    return join(this.#root, name);
  }

  runOf({ name }: GridCell): string {
    return join(this.#root, cellsFolder, name);
  }

  manifestOf(cell: GridCell): RunManifest {
    return readManifest(this.runOf(cell));
  }

  /**
   * How far the cells came.
   * @throws UsageError that lists cells of another configuration, data set or protocol, stopped ones included: their
   * numbers would stand beside others that they cannot be compared with.
   */
  states(cells: readonly GridCell[]): ReadonlyMap<GridCell, CellState> {
    const problems: string[] = [];
    const states = new Map(
      cells.map((cell) => {
        const { state, differences } = this.#stateOf(cell);
        if (differences.length > 0) problems.push(`\n  - ${cell.name}: ${differences.join(", ")}`);
        return [cell, state];
      }),
    );
    if (problems.length > 0) {
      throw new UsageError(
        `${this.#root}: holds cells that are not what is asked for:${problems.join("")}\nchoose a new folder for --out, or ask for the same again`,
      );
    }
    return states;
  }

  /** Makes room for a cell's training. */
  clear(cell: GridCell): string {
    const runDir = this.runOf(cell);
    rmSync(runDir, { recursive: true, force: true });
    return runDir;
  }

  /** File for what a cell's own process says. */
  logOf({ name }: GridCell): string {
    const logs = join(this.#root, logsFolder);
    mkdirSync(logs, { recursive: true });
    return join(logs, `${name}.log`);
  }

  #stateOf(cell: GridCell): { readonly state: CellState; readonly differences: readonly string[] } {
    const open = { state: { kind: "open" }, differences: [] } as const;
    const run = runIn(this.runOf(cell));
    if (run.kind === "open") return open;
    const { kind, manifest } = run;
    const evaluation = kind === "trained" ? readEvaluation(this.runOf(cell)) : undefined;
    const differences = [
      ...changed("model file", manifest.modelFile?.sha256, modelFileOf(cell.config.model)?.sha256),
      ...configDifferences(manifest.config, cell.config.fields),
      ...weightsDifferences(manifest, this.#measure),
      ...changed("data", resolve(manifest.dataset.root), resolve(this.#measure.root)),
      ...(evaluation ? measureDifferences(evaluation.result, this.#measure) : []),
    ];
    return { state: evaluation ? { kind: "finished", evaluation } : { kind }, differences };
  }
}

/** How far the run in a cell's folder came. */
function runIn(
  runDir: string,
): { readonly kind: "trained" | "stopped"; readonly manifest: RunManifest } | { readonly kind: "open" } {
  try {
    const manifest = readManifest(runDir);
    if (manifest.status === "complete") return { kind: "trained", manifest };
    const hasCheckpoint = checkpointNumbers(join(runDir, checkpointFolder)).length > 0;
    return manifest.status !== "diverged" && hasCheckpoint ? { kind: "stopped", manifest } : { kind: "open" };
  } catch (error) {
    if (error instanceof RunError) return { kind: "open" }; // no run, or one that a stop left in pieces
    throw error;
  }
}

/** Is there a cell, asked for or not, that data could have changed under? */
function hasWork(root: string): boolean {
  const cells = join(root, cellsFolder);
  return existsSync(cells) && readdirSync(cells).some((name) => runIn(join(cells, name)).kind !== "open");
}

/** What the folder's cells are trained on; empty where nothing is known. */
function readGridData(root: string): GridData {
  return readJsonSync(join(root, markerFile), markerSchema, () => undefined)?.data ?? {};
}

function requireSameData(root: string, then: GridData, now: GridData): void {
  const differences = dataDifferences(then, now);
  if (differences.length === 0) return;
  throw new UsageError(
    `${root}: the data have changed since its cells were trained:${differences.map((line) => `\n  - ${line}`).join("")}\n` +
      "put back what it was, or choose a new folder for --out",
  );
}

/** Fields that differ; a field that is newer than the run had its default. */
function configDifferences(
  stored: Readonly<Record<string, unknown>>,
  asked: Readonly<Record<string, unknown>>,
): readonly string[] {
  let then: Readonly<Record<string, unknown>>;
  try {
    then = resolveRunConfig({ file: stored }).fields;
  } catch (error) {
    if (error instanceof SdfnError) return ["its configuration cannot be read by this version"];
    throw error;
  }
  return [...new Set([...Object.keys(then), ...Object.keys(asked)])].flatMap((name) =>
    changed(name, then[name], asked[name]),
  );
}

function weightsDifferences(
  { initialWeights: then }: RunManifest,
  { weights: now }: GridMeasure,
): readonly string[] {
  return [
    ...changed("backbone weights", then?.backboneWeights?.sha256, now?.backboneWeights),
    ...changed("word vectors", then?.wordVectors?.sha256, now?.wordVectors),
  ];
}

function measureDifferences(
  { split, protocol, reference, captions }: EvaluationResult,
  { split: askedSplit, protocol: asked }: GridMeasure,
): readonly string[] {
  return [
    ...changed("split", split, askedSplit),
    ...changed("protocol", protocol, asked.name),
    ...changed("reference", reference, asked.reference),
    ...changed("captions", captions, asked.captions),
  ];
}

function changed(name: string, then: unknown, now: unknown): readonly string[] {
  return isDeepStrictEqual(then, now) ? [] : [`${name} ${JSON.stringify(then)}, now ${JSON.stringify(now)}`];
}
