/** What a grid and the process of one of its cells say to each other. */
import type { ModelFile } from "../models/registry.js";
import type { CellEvent, CellFailure, CellSurroundings, CellTask } from "./run-cell.js";

/** A cell as plain data. */
export interface CellRequest {
  readonly kind: "run";
  readonly task: Omit<CellTask, "config"> & { readonly fields: Readonly<Record<string, unknown>> };
  readonly data: { readonly root: string; readonly name: string };
  readonly surroundings: Omit<CellSurroundings, "dataset">;
  /** The file of a model of the user's own. */
  readonly modelFile: ModelFile | undefined;
}

/** To the cell's process: first what to do, then perhaps to stop. */
export type ToCell = CellRequest | { readonly kind: "stop" };

/** How a cell ended. */
export type CellVerdict =
  /** Its evaluation is in the run's folder. */
  | { readonly kind: "finished" }
  | { readonly kind: "failed"; readonly failure: CellFailure }
  /** As it was told; the run is saved. */
  | { readonly kind: "stopped" };

/** From the cell's process: events, and one verdict. */
export type FromCell = { readonly kind: "event"; readonly event: CellEvent } | CellVerdict;
