/** The folder that a grid owns: what is in it, and which of its cells are done. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { claimLock } from "../../data/folder-lock.js";
import { RunError, SdfnError, UsageError } from "../../errors.js";
import type { SeedEvaluation } from "../../evaluation/comparison.js";
import type { Protocol } from "../../evaluation/protocols.js";
import type { EvaluationResult } from "../../evaluation/result.js";
import { evaluationFileSchema } from "../../evaluation/result-schema.js";
import { resolveRunConfig } from "../../training/run-config.js";
import { type RunManifest, readManifest } from "../../training/run-files.js";
import { writeDurably } from "../../weights/durable-file.js";
import type { GridCell } from "./grid-cells.js";

/** Says that a folder is a grid's, so that its unfinished cells may be started again. */
const markerFile = "grid.json";
const evaluationFile = "evaluation.json";

/** What the folder's cells are measured on and how. */
export interface GridMeasure {
  /** Folder of the data set. */
  readonly root: string;
  readonly split: EvaluationResult["split"];
  readonly protocol: Protocol;
}

/** Why a cell came to nothing. */
export interface CellFailure {
  readonly code: string;
  readonly message: string;
}

/** How far a cell came. */
export type CellState =
  | { readonly kind: "finished"; readonly evaluation: SeedEvaluation }
  /** Trained to the end, not evaluated. */
  | { readonly kind: "trained" }
  /** Not begun, stopped, or failed: it begins anew. */
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
   * @throws UsageError when it holds something else, RunError when another process works in it.
   */
  static async open(out: string, command: string, measure: GridMeasure): Promise<GridFolder> {
    const root = resolve(out);
    const content = existsSync(root) ? readdirSync(root) : [];
    if (content.length > 0 && !content.includes(markerFile)) {
      throw new UsageError(
        `--out: the folder is not empty and not a grid's; got ${content.slice(0, 3).join(", ")} in ${root}; choose a new folder`,
      );
    }
    mkdirSync(root, { recursive: true });
    writeFileSync(join(root, markerFile), `${JSON.stringify({ format: 1, command })}\n`);
    const lock = join(root, "lock");
    const busy = (owner: number) =>
      new RunError(
        `${root}: another process works on this grid; got process ${owner}; wait for it, or remove ${lock}`,
      );
    return new GridFolder(root, measure, await claimLock(lock, busy));
  }

  /** Lets other processes work in it. */
  close(): Promise<void> {
    return this.#release();
  }

  file(name: string): string {
    return join(this.#root, name);
  }

  runOf({ name }: GridCell): string {
    return join(this.#root, "cells", name);
  }

  manifestOf(cell: GridCell): RunManifest {
    return readManifest(this.runOf(cell));
  }

  /**
   * How far the cells came.
   * @throws UsageError that lists finished cells of another configuration, data set or protocol: their numbers would
   * stand beside others that they cannot be compared with.
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
        `${this.#root}: holds finished cells that are not what is asked for:${problems.join("")}\nchoose a new folder for --out, or ask for the same again`,
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

  writeEvaluation(cell: GridCell, { result, ranks }: SeedEvaluation): void {
    writeDurably(join(this.runOf(cell), evaluationFile), [
      `${JSON.stringify({ format: 1, result, ranks })}\n`,
    ]);
  }

  #stateOf(cell: GridCell): { readonly state: CellState; readonly differences: readonly string[] } {
    const open = { state: { kind: "open" }, differences: [] } as const;
    const manifest = this.#trainedManifest(cell);
    if (!manifest) return open;
    const evaluation = this.#readEvaluation(cell);
    const differences = [
      ...configDifferences(manifest.config, cell.config.fields),
      ...changed("data", resolve(manifest.dataset.root), resolve(this.#measure.root)),
      ...(evaluation ? measureDifferences(evaluation.result, this.#measure) : []),
    ];
    return { state: evaluation ? { kind: "finished", evaluation } : { kind: "trained" }, differences };
  }

  /** The manifest of a run that was trained to the end. */
  #trainedManifest(cell: GridCell): RunManifest | undefined {
    try {
      const manifest = this.manifestOf(cell);
      return manifest.status === "complete" ? manifest : undefined;
    } catch (error) {
      if (error instanceof RunError) return undefined; // no run, or one that a stop left in pieces
      throw error;
    }
  }

  /** Undefined where there is none, or one that is damaged: the cell is evaluated again. */
  #readEvaluation(cell: GridCell): SeedEvaluation | undefined {
    const file = join(this.runOf(cell), evaluationFile);
    if (!existsSync(file)) return undefined;
    try {
      const { result, ranks } = evaluationFileSchema.parse(JSON.parse(readFileSync(file, "utf8")));
      return { result, ranks };
    } catch {
      return undefined;
    }
  }
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
