/** The files of a store on disk: made safe as they are written, and known by their checksums afterwards. */
import { DurableFolder } from "../../files/durable-files.js";
import { FileSums } from "./file-sums.js";

const sumsFile = "checksums.json";

export class StoreFiles {
  readonly #durable: DurableFolder;
  readonly #sums: FileSums;
  readonly #isWrittenOnce: (name: string) => boolean;
  #working: Promise<void> = Promise.resolve();

  /** @param isWrittenOnce is a file, named relative to the folder, never changed after it was written? */
  constructor(folder: string, isWrittenOnce: (name: string) => boolean) {
    this.#durable = new DurableFolder(folder);
    this.#sums = new FileSums(folder, sumsFile);
    this.#isWrittenOnce = isWrittenOnce;
  }

  /** New files survive a loss of power once this resolves, and have checksums. */
  sync(): Promise<void> {
    return this.#afterOthers(async () => {
      const files = await this.#durable.sync();
      await this.#sums.keep(new Map([...files].filter(([name]) => this.#isWrittenOnce(name))));
    });
  }

  /** Names of files that are not as they were written. */
  damaged(signal?: AbortSignal): Promise<readonly string[]> {
    return this.#sums.damaged(signal);
  }

  /** Takes files as they are now. */
  accept(names: readonly string[]): Promise<void> {
    return this.#afterOthers(() => this.#sums.renew(names));
  }

  /** One after the other: each looks at the whole folder. */
  #afterOthers(work: () => Promise<void>): Promise<void> {
    const done = this.#working.then(work);
    this.#working = done.catch(() => undefined);
    return done;
  }
}
