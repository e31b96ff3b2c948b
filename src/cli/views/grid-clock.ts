/** How long a grid will still take: what cells took so far, row by row. */
import type { GridCell } from "../../experiments/grid-cells.js";

/** Part of a cell's time that is training; the rest is evaluation. A guess, for cells that are under way. */
const trainingShare = 0.9;

/** Below it, the time before the first step is most of a cell's: what it will take in all is guessed by others. */
const meaningful = 0.2;

interface CellTime {
  readonly row: string;
  readonly startMs: number;
  endMs: number | undefined;
  /** 0 to 1, and what of it was done before this process began. */
  part: number;
  before: number;
}

/** Rows differ in what a step costs: a cell is thought to take what others of its row took, or else what all took. */
export class GridClock {
  readonly #now: () => number;
  readonly #jobs: number;
  readonly #cells = new Map<string, CellTime>();
  #waiting: string[];

  /** @param waiting cells that are to be run. @param now in milliseconds. */
  constructor(waiting: readonly GridCell[], jobs: number, now: () => number) {
    this.#waiting = waiting.map(({ row }) => row.name);
    this.#jobs = jobs;
    this.#now = now;
  }

  begin({ name, row }: GridCell): void {
    const at = this.#waiting.indexOf(row.name);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.#cells.set(name, { row: row.name, startMs: this.#now(), endMs: undefined, part: 0, before: 0 });
  }

  /** Training goes on from `step` of `totalSteps`, which an earlier process did. */
  resume({ name }: GridCell, step: number, totalSteps: number): void {
    const cell = this.#cells.get(name);
    if (cell) cell.part = cell.before = (trainingShare * step) / totalSteps;
  }

  step({ name }: GridCell, step: number, totalSteps: number): void {
    const cell = this.#cells.get(name);
    if (cell) cell.part = (trainingShare * step) / totalSteps;
  }

  end({ name }: GridCell): void {
    const cell = this.#cells.get(name);
    if (!cell) return;
    cell.endMs = this.#now();
    cell.part = 1;
  }

  /** Parts of the cells under way that are done, together. */
  partsUnderWay(): number {
    return [...this.#cells.values()].reduce(
      (sum, { part, endMs }) => sum + (endMs === undefined ? part : 0),
      0,
    );
  }

  /** Seconds until the last cell ends; undefined as long as nothing is known. */
  secondsLeft(): number | undefined {
    const running = [...this.#cells.values()].filter(({ endMs }) => endMs === undefined);
    const cells = [...this.#cells.values()];
    const all = secondsACell(cells, meaningful, this.#now()) ?? secondsACell(cells, 0, this.#now());
    if (all === undefined) return undefined;
    const ofRow = (row: string) => {
      const own = cells.filter((cell) => cell.row === row);
      return secondsACell(own, meaningful, this.#now()) ?? all;
    };
    const left = [
      ...running.map(({ row, part }) => (1 - part) * ofRow(row)),
      ...this.#waiting.map((row) => ofRow(row)),
    ];
    const together = left.reduce((sum, seconds) => sum + seconds, 0);
    // Cells side by side end no sooner than the longest of them.
    return Math.max(together / Math.max(1, Math.min(this.#jobs, left.length)), ...left);
  }
}

/** Of cells that came further than the part `above`; one that is still looking at images says nothing. */
function secondsACell(all: readonly CellTime[], above: number, nowMs: number): number | undefined {
  const cells = all.filter(({ part, before }) => part - before > above);
  const parts = cells.reduce((sum, { part, before }) => sum + part - before, 0);
  if (parts <= 0) return undefined;
  const ms = cells.reduce((sum, { startMs, endMs }) => sum + (endMs ?? nowMs) - startMs, 0);
  return ms / 1000 / parts;
}
