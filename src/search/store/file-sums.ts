/** Checksums of a store's files, so that a flipped bit in any of them is noticed. */
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { isErrno } from "../../files/errno.js";
import { readJson } from "../../files/read-json.js";
import { writeWhole } from "../../files/whole.js";

const sumsSchema = z.strictObject({
  format: z.literal(1),
  /** CRC-32 of `files` as JSON. */
  sum: z.int().nonnegative(),
  /** Bytes and CRC-32 by name. */
  files: z.record(z.string(), z.tuple([z.int().nonnegative(), z.int().nonnegative()])),
});

/** Between two looks at a file that a writer may be busy with. */
const lookAgainMs = 200;

interface FileSum {
  readonly sizeBytes: number;
  readonly crc32: number;
}

/** A file beside those that it has the checksums of. Their names are relative to the folder. */
export class FileSums {
  readonly #folder: string;
  readonly #name: string;
  /** What the file says; undefined before it was read. */
  #known: Map<string, FileSum> | undefined;

  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
  }

  /**
   * Adds the checksums of files that are new or have grown, and forgets those that are gone. A file that has one already
   * keeps it, whatever became of the file. Nothing is done while the checksums themselves are damaged.
   * @param present bytes by name.
   */
  async keep(present: ReadonlyMap<string, number>): Promise<void> {
    const known = this.#known ?? (await this.#read());
    if (known === "damaged") return;
    const kept = new Map<string, FileSum>();
    let isChanged = this.#known === undefined || known.size !== present.size;
    for (const [name, sizeBytes] of present) {
      const before = known.get(name);
      const isSettled = before !== undefined && sizeBytes <= before.sizeBytes;
      const sum = isSettled ? before : await this.#sumOf(name);
      if (sum !== undefined) kept.set(name, sum);
      isChanged ||= !isSettled;
    }
    this.#known = kept;
    if (isChanged) await this.#write(kept);
  }

  /** Takes files as they are now; when the checksums themselves were damaged, all of them. */
  async renew(names: readonly string[]): Promise<void> {
    const before = this.#known ?? (await this.#read());
    const known = new Map(before === "damaged" ? [] : before);
    for (const name of names) {
      const sum = await this.#sumOf(name);
      if (sum === undefined || name === this.#name) known.delete(name);
      else known.set(name, sum);
    }
    this.#known = known;
    await this.#write(known);
  }

  /** Names of files that are not as they were; none where no checksums were kept. Files that are gone are not damaged. */
  async damaged(signal?: AbortSignal): Promise<readonly string[]> {
    if ((await this.#read()) === "damaged") return [this.#name];
    const suspect = await this.#differing(() => true, signal);
    if (suspect.length === 0) return [];
    // A writer may have put another file there, and its checksum a moment later.
    await setTimeout(lookAgainMs, undefined, signal === undefined ? {} : { signal });
    return this.#differing((name) => suspect.includes(name), signal);
  }

  async #differing(isAsked: (name: string) => boolean, signal?: AbortSignal): Promise<readonly string[]> {
    const differing: string[] = [];
    const known = await this.#read();
    for (const [name, { sizeBytes, crc32 }] of known === "damaged" ? [] : known) {
      if (!isAsked(name)) continue;
      const now = await this.#sumOf(name, signal);
      if (now !== undefined && (now.sizeBytes !== sizeBytes || now.crc32 !== crc32)) differing.push(name);
    }
    return differing;
  }

  /** Undefined where there is no such file. */
  async #sumOf(name: string, signal?: AbortSignal): Promise<FileSum | undefined> {
    let [sizeBytes, sum] = [0, 0];
    try {
      for await (const chunk of createReadStream(join(this.#folder, name), { highWaterMark: 2 ** 20 })) {
        signal?.throwIfAborted();
        sizeBytes += (chunk as Buffer).length;
        sum = crc32(chunk as Buffer, sum);
      }
    } catch (error) {
      if (isErrno(error, "ENOENT")) return undefined;
      throw error;
    }
    return { sizeBytes, crc32: sum };
  }

  /** None where there is no file: an older version wrote the store. */
  async #read(): Promise<Map<string, FileSum> | "damaged"> {
    const found = await readJson(join(this.#folder, this.#name), sumsSchema, ({ kind, cause }) => {
      if (kind === "unreadable") throw cause;
      return kind;
    });
    if (found === "missing") return new Map();
    if (typeof found === "string" || found.sum !== crc32(JSON.stringify(found.files))) return "damaged"; // the caller says so
    const sums = Object.entries(found.files);
    return new Map(sums.map(([name, [sizeBytes, crc32]]) => [name, { sizeBytes, crc32 }] as const));
  }

  async #write(sums: ReadonlyMap<string, FileSum>): Promise<void> {
    const files = Object.fromEntries(
      [...sums].map(([name, { sizeBytes, crc32 }]) => [name, [sizeBytes, crc32] as const]),
    );
    const sum = crc32(JSON.stringify(files));
    await writeWhole(join(this.#folder, this.#name), `${JSON.stringify({ format: 1, sum, files })}\n`);
  }
}
