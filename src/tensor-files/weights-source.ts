/** A weights file open for reading: parts of it, never past its end. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { WeightsError } from "../errors.js";

/** Larger files are refused; the largest published ResNet takes 0.7 GB. */
const maxFileBytes = 16 * 2 ** 30;

/** Close it when done. */
export class WeightsSource {
  readonly file: string;
  readonly sizeBytes: number;
  readonly #descriptor: number;

  /** @throws WeightsError when there is no such file, when it is a folder, or too large. */
  constructor(file: string) {
    this.file = file;
    try {
      this.#descriptor = openSync(file, "r");
    } catch (cause) {
      throw new WeightsError(`${file}: cannot be opened; got ${(cause as Error).message}; check the path`, {
        cause,
      });
    }
    const stats = fstatSync(this.#descriptor);
    this.sizeBytes = stats.size;
    if (!stats.isFile()) this.#refuse("is not a file; give the path of a weights file");
    if (stats.size > maxFileBytes) this.#refuse(`must have at most ${maxFileBytes} bytes; got ${stats.size}`);
  }

  /** `length` bytes from `position` on, in a buffer of their own. @throws WeightsError when the file is shorter. */
  read(position: number, length: number): Uint8Array<ArrayBuffer> {
    if (!Number.isSafeInteger(position + length) || position + length > this.sizeBytes) {
      throw new WeightsError(
        `${this.file}: cut short; got ${this.sizeBytes} bytes, needs ${position + length}; copy or download it again`,
      );
    }
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const count = readSync(this.#descriptor, bytes, done, length - done, position + done);
      if (count === 0)
        throw new WeightsError(`${this.file}: ended while it was read; is another program writing it?`);
      done += count;
    }
    return bytes;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #refuse(reason: string): never {
    this.close();
    throw new WeightsError(`${this.file}: ${reason}`);
  }
}
