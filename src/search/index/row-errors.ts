/** Rows that could not be indexed, and notes on rows that were, one JSON object a line. */
import { appendFile, rm } from "node:fs/promises";

export interface RowError {
  /** As in the catalogue: a CSV's header is row 1. */
  readonly row: number;
  readonly id?: string;
  readonly problems: readonly string[];
}

/** A row that was indexed, and what is worth knowing of it. */
export interface RowNote {
  readonly row: number;
  readonly id: string;
  readonly notes: readonly string[];
}

/** A file that is there only when there is something in it. */
export class RowErrors {
  readonly #path: string;
  #waiting: (RowError | RowNote)[] = [];
  #rows = 0;
  #notes = 0;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Removes the file of an earlier run. */
  static async create(path: string): Promise<RowErrors> {
    await rm(path, { force: true });
    return new RowErrors(path);
  }

  /** Rows that could not be indexed. */
  get rows(): number {
    return this.#rows;
  }

  get notes(): number {
    return this.#notes;
  }

  /** The file, if there is one. */
  get file(): string | undefined {
    return this.#rows + this.#notes === 0 ? undefined : this.#path;
  }

  add(error: RowError): void {
    this.#waiting.push(error);
    this.#rows += 1;
  }

  note(note: RowNote): void {
    this.#waiting.push(note);
    this.#notes += 1;
  }

  async flush(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const lines = this.#waiting.map((error) => `${JSON.stringify(error)}\n`).join("");
    this.#waiting = [];
    await appendFile(this.#path, lines);
  }

  async close(): Promise<void> {
    await this.flush();
  }
}
