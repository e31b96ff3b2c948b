/** Rows that could not be indexed, one JSON object a line. */
import { appendFile, rm } from "node:fs/promises";

export interface RowError {
  /** As in the catalogue: a CSV's header is row 1. */
  readonly row: number;
  readonly id?: string;
  readonly problems: readonly string[];
}

/** A file that is there only when there are errors. */
export class RowErrors {
  readonly #path: string;
  #waiting: RowError[] = [];
  #rows = 0;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Removes the file of an earlier run. */
  static async create(path: string): Promise<RowErrors> {
    await rm(path, { force: true });
    return new RowErrors(path);
  }

  get rows(): number {
    return this.#rows;
  }

  /** The file, if there is one. */
  get file(): string | undefined {
    return this.#rows === 0 ? undefined : this.#path;
  }

  add(error: RowError): void {
    this.#waiting.push(error);
    this.#rows += 1;
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
