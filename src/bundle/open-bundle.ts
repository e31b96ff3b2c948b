/** Opens a bundle: an `Encoder` that decodes pictures in the process's pool and computes batches on a thread of their own. */
import type {
  EmbedOptions,
  EncodedQuery,
  Encoder,
  EncoderQuery,
  NoteListener,
  Picture,
} from "../embedding/encoder.js";
import type { SessionOptions } from "../engine/runtime/session.js";
import { EncoderError, ImageError, UsageError } from "../errors.js";
import { type DecodeLine, decodePool } from "../images/decode-pool.js";
import { decodeImage } from "../images/image.js";
import { operationModuleNames } from "../models/operation-module-names.js";
import { hasWords } from "../text/vocabulary.js";
import { BatchQueue } from "./batch-queue.js";
import { type BundleManifest, readBundleManifest } from "./bundle-manifest.js";
import type { PreparedQuery } from "./bundle-model.js";
import { BundleThread } from "./bundle-thread.js";

export interface OpenBundleOptions extends SessionOptions {
  /** Larger pictures are refused before they are decoded. */
  readonly maxPixels?: number | undefined;
  /** Queries or pictures computed at once; what waits meanwhile makes the next batch. */
  readonly maxBatch?: number;
  /** How long an idle encoder waits for others to join the first request; 0 unless given, for a batch under way gathers others. */
  readonly windowMs?: number;
  /** Called before each batch with what is in it. */
  readonly onBatch?: (size: number) => void;
}

/**
 * Reads a bundle that `sdfn export` wrote, and loads it on a thread of its own.
 * @throws BundleError when it is missing, damaged, or of another version.
 * @example
 * import { openBundle } from "sdfn";
 * const encoder = await openBundle("bundles/first");
 * const [{ embedding }] = await encoder.embedQueries([{ reference: "photo.jpg", text: "is red" }]);
 * console.log(embedding.length === encoder.embedDim); // true
 * await encoder.close();
 */
export async function openBundle(dir: string, options: OpenBundleOptions = {}): Promise<BundleEncoder> {
  const { maxBatch = 8, windowMs = 0, onBatch, maxPixels, ...session } = options;
  const manifest = readBundleManifest(dir);
  const start = () => BundleThread.start({ dir, manifest, options: session });
  return new BundleEncoder(manifest, await start(), { start, maxBatch, windowMs, onBatch, maxPixels });
}

interface Working {
  readonly start: () => Promise<BundleThread>;
  readonly maxBatch: number;
  readonly windowMs: number;
  readonly onBatch: ((size: number) => void) | undefined;
  readonly maxPixels: number | undefined;
}

/** A query in its line. */
interface Asked extends EmbedOptions {
  readonly query: PreparedQuery;
}

/**
 * Queries and catalogue pictures wait in lines of their own and take turns, so that indexing does not hold up a search for
 * long. A query waits for its own pictures to be decoded before it waits for the model: those without one overtake it.
 */
export class BundleEncoder implements Encoder {
  readonly manifest: BundleManifest;
  readonly #queue: BatchQueue<Asked, EncodedQuery>;
  readonly #start: Working["start"];
  readonly #maxBatch: number;
  readonly #maxPixels: number | undefined;
  /** Requests whose pictures are being decoded. */
  readonly #decoding = new Set<Promise<unknown>>();
  #thread: BundleThread;
  #isClosed = false;

  constructor(manifest: BundleManifest, thread: BundleThread, working: Working) {
    const { start, onBatch, maxBatch, windowMs, maxPixels } = working;
    this.manifest = manifest;
    this.#thread = thread;
    this.#start = start;
    this.#maxBatch = maxBatch;
    this.#maxPixels = maxPixels;
    this.#queue = new BatchQueue(
      async (batch) => {
        onBatch?.(batch.length);
        if (!this.#thread.isRunning) this.#thread = await start();
        const startMs = performance.now();
        try {
          return await this.#thread.run(batch.map(({ query }) => query));
        } finally {
          const shareMs = (performance.now() - startMs) / batch.length;
          for (const { onModelTime } of batch) onModelTime?.(shareMs);
        }
      },
      { maxBatch, windowMs },
    );
  }

  get modelId(): string {
    return this.manifest.modelId;
  }

  get model(): string {
    return this.manifest.model;
  }

  get embedDim(): number {
    return this.manifest.embedDim;
  }

  get modules(): readonly string[] | undefined {
    return operationModuleNames(this.manifest.config);
  }

  get phrases(): readonly string[] | undefined {
    return this.manifest.phrases;
  }

  get pairCandidates(): number | "all" | undefined {
    return this.manifest.pairCandidates;
  }

  async scorePairs(
    pairRows: readonly Float32Array[],
    gallery: Float32Array,
    { onModelTime }: EmbedOptions = {},
  ): Promise<readonly Float32Array[]> {
    this.#requireOpen();
    if (!this.#thread.isRunning) this.#thread = await this.#start();
    const startMs = performance.now();
    try {
      const scores = await this.#thread.scorePairs({ queries: joined(pairRows), gallery });
      const count = gallery.length / this.embedDim;
      return pairRows.map((_, i) => scores.subarray(i * count, (i + 1) * count));
    } finally {
      onModelTime?.(performance.now() - startMs);
    }
  }

  async embedPictures(
    pictures: readonly Picture[],
    onNote?: NoteListener,
  ): Promise<readonly (Float32Array | ImageError)[]> {
    this.#requireOpen();
    // In parts of a batch: the next one is decoded while the model is at one.
    const parts: Promise<readonly (Float32Array | ImageError)[]>[] = [];
    for (let start = 0; start < pictures.length; start += this.#maxBatch) {
      const part = pictures.slice(start, start + this.#maxBatch);
      parts.push(this.#embedPart(part, (i, note) => onNote?.(start + i, note)));
    }
    return (await Promise.all(parts)).flat();
  }

  async embedQueries(
    queries: readonly EncoderQuery[],
    { onModelTime }: EmbedOptions = {},
  ): Promise<readonly EncodedQuery[]> {
    this.#requireOpen();
    for (const query of queries) this.#requireHalf(query);
    const added = await this.#accept(async () => {
      const prepared = await Promise.all(queries.map((query) => this.#prepare("queries", query)));
      const wrong = prepared.find((query) => query instanceof ImageError);
      if (wrong) throw wrong;
      const asked = (prepared as PreparedQuery[]).map((query) => ({ query, onModelTime }));
      return { answers: this.#queue.addAll("queries", asked) };
    });
    return added.answers;
  }

  /** Answers what was accepted, then ends the thread. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#decoding);
    await this.#queue.close();
    await this.#thread.close();
  }

  async #embedPart(pictures: readonly Picture[], onNote: NoteListener) {
    const { prepared, answers } = await this.#accept(async () => {
      const prepared = await Promise.all(
        pictures.map((picture, i) => this.#prepare("pictures", { picture }, (note) => onNote(i, note))),
      );
      const readable = prepared.flatMap((query) => (query instanceof ImageError ? [] : [{ query }]));
      return { prepared, answers: this.#queue.addAll("pictures", readable) };
    });
    const embedded = (await answers)[Symbol.iterator]();
    return prepared.map((query) =>
      query instanceof ImageError ? query : (embedded.next().value as EncodedQuery).embedding,
    );
  }

  /** Does what ends with an addition to the queue; `close` waits for it. */
  async #accept<T>(decode: () => Promise<T>): Promise<T> {
    const decoding = decode();
    this.#decoding.add(decoding);
    try {
      return await decoding;
    } finally {
      this.#decoding.delete(decoding);
    }
  }

  /** Decodes the picture when its turn comes. */
  async #prepare(
    line: DecodeLine,
    { picture, text }: EncoderQuery,
    onNote?: (note: string) => void,
  ): Promise<PreparedQuery | ImageError> {
    if (picture === undefined) return { text };
    const { resizePx, fit, filter: kernel } = this.manifest.preprocessing.image;
    try {
      const { data, note } = await decodePool.during(line, () =>
        decodeImage(picture, { resizePx, fit, kernel, maxPixels: this.#maxPixels }),
      );
      if (note !== undefined) onNote?.(note);
      return { pixels: data, text };
    } catch (error) {
      if (error instanceof ImageError) return error;
      throw error;
    }
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new EncoderError("encoder: it was closed; open the bundle again");
  }

  #requireHalf({ picture, text = "" }: EncoderQuery): void {
    if (picture !== undefined) return;
    if (!hasWords(text)) throw new UsageError("query: needs a picture, or a text with a word; got neither");
    if (this.manifest.preprocessing.textOnlyPicture === "refused") {
      throw new UsageError(`query: the model ${this.model} does not read; give a picture`);
    }
  }
}

/** Rows of one length, one after the other. */
function joined(rows: readonly Float32Array[]): Float32Array {
  const width = rows[0]?.length ?? 0;
  const result = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) result.set(row, i * width);
  return result;
}
