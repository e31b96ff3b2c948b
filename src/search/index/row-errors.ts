/** What of a catalogue could not be used, and what is to be known of the rest: one JSON object a line. */
import { appendFile, rm } from "node:fs/promises";
import { wellFormed } from "../../catalogue/normal-text.js";

export interface RowError {
  /** As in the catalogue: a CSV's header is row 1. */
  readonly row: number;
  /** Absent where it could not be read. */
  readonly id?: string | undefined;
  /** "row": there is no item of it. "value": the item is there without it. "note": the item is there, and whole. */
  readonly kind: "row" | "value" | "note";
  /** Absent where the row as a whole is meant. */
  readonly column?: string | undefined;
  readonly reason: string;
}

/** A file that is there only when there is something to say. */
export class RowErrors {
  readonly #path: string;
  #waiting: RowError[] = [];
  readonly #counts = { row: 0, value: 0, note: 0 };
  #lastRefused = 0;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Removes the file of an earlier run. */
  static async create(path: string): Promise<RowErrors> {
    await rm(path, { force: true });
    return new RowErrors(path);
  }

  /** Rows without an item, values left out, notes. */
  get counts(): Readonly<Record<RowError["kind"], number>> {
    return this.#counts;
  }

  /** The file, if there is one. */
  get file(): string | undefined {
    const { row, value, note } = this.#counts;
    return row + value + note === 0 ? undefined : this.#path;
  }

  add(error: RowError): void {
    this.#waiting.push(error);
    // Several problems of one row are told one after the other.
    if (error.kind !== "row" || error.row !== this.#lastRefused) this.#counts[error.kind] += 1;
    if (error.kind === "row") this.#lastRefused = error.row;
  }

  async flush(): Promise<void> {
    if (this.#waiting.length === 0) return;
    // Columns and reasons quote the catalogue, whatever it has.
    const lines = this.#waiting.map((error) => `${JSON.stringify(error, withoutHalves)}\n`).join("");
    this.#waiting = [];
    await appendFile(this.#path, lines);
  }

  async close(): Promise<void> {
    await this.flush();
  }
}

function withoutHalves(_: string, value: unknown): unknown {
  return typeof value === "string" ? wellFormed(value) : value;
}
