/** Opens a bundle: an `Encoder` whose batches are computed on a thread of their own. */
import { z } from "zod";
import type { EmbedOptions, EncodedQuery, Encoder, EncoderQuery, Picture } from "../embedding/encoder.js";
import { EncoderError, ImageError, UsageError } from "../errors.js";
import { hasWords } from "../text/vocabulary.js";
import { BatchQueue } from "./batch-queue.js";
import { type BundleManifest, readBundleManifest } from "./bundle-manifest.js";
import type { Answer, BundleModelOptions } from "./bundle-model.js";
import { BundleThread } from "./bundle-thread.js";

const withModules = z.object({ modules: z.array(z.string()) });

export interface OpenBundleOptions extends BundleModelOptions {
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
 */
export async function openBundle(dir: string, options: OpenBundleOptions = {}): Promise<BundleEncoder> {
  const { maxBatch = 8, windowMs = 0, onBatch, ...modelOptions } = options;
  const manifest = readBundleManifest(dir);
  const start = () => BundleThread.start({ dir, manifest, options: modelOptions });
  return new BundleEncoder(manifest, await start(), { start, maxBatch, windowMs, onBatch });
}

interface Threads {
  readonly start: () => Promise<BundleThread>;
  readonly maxBatch: number;
  readonly windowMs: number;
  readonly onBatch: ((size: number) => void) | undefined;
}

/** A query in its line. */
interface Asked extends EmbedOptions {
  readonly query: EncoderQuery;
}

/** Queries and catalogue pictures wait in lines of their own and take turns, so that indexing does not hold up a search for long. */
export class BundleEncoder implements Encoder {
  readonly manifest: BundleManifest;
  readonly #queue: BatchQueue<Asked, Answer>;
  #thread: BundleThread;

  constructor(manifest: BundleManifest, thread: BundleThread, { start, onBatch, ...limits }: Threads) {
    this.manifest = manifest;
    this.#thread = thread;
    this.#queue = new BatchQueue(async (batch) => {
      onBatch?.(batch.length);
      if (!this.#thread.isRunning) this.#thread = await start();
      const startMs = performance.now();
      try {
        return await this.#thread.run(batch.map(({ query }) => query));
      } finally {
        const shareMs = (performance.now() - startMs) / batch.length;
        for (const { onModelTime } of batch) onModelTime?.(shareMs);
      }
    }, limits);
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
    const parsed = withModules.safeParse(this.manifest.config);
    return parsed.success ? parsed.data.modules : undefined;
  }

  get phrases(): readonly string[] | undefined {
    return this.manifest.phrases;
  }

  async embedPictures(pictures: readonly Picture[]): Promise<readonly (Float32Array | ImageError)[]> {
    this.#requireOpen();
    const answers = await this.#queue.addAll(
      "pictures",
      pictures.map((picture) => ({ query: { picture: ownCopy(picture) } })),
    );
    return answers.map((answer) =>
      "imageError" in answer ? new ImageError(answer.imageError) : answer.embedding,
    );
  }

  async embedQueries(
    queries: readonly EncoderQuery[],
    { onModelTime }: EmbedOptions = {},
  ): Promise<readonly EncodedQuery[]> {
    this.#requireOpen();
    for (const query of queries) this.#requireHalf(query);
    const answers = await this.#queue.addAll(
      "queries",
      queries.map(({ picture, text }) => ({ query: { picture: ownCopy(picture), text }, onModelTime })),
    );
    return answers.map((answer) => {
      if ("imageError" in answer) throw new ImageError(answer.imageError);
      return answer;
    });
  }

  /** Answers what was accepted, then ends the thread. */
  async close(): Promise<void> {
    await this.#queue.close();
    await this.#thread.close();
  }

  #requireOpen(): void {
    if (this.#queue.isClosed) throw new EncoderError("encoder: it was closed; open the bundle again");
  }

  #requireHalf({ picture, text = "" }: EncoderQuery): void {
    if (picture !== undefined) return;
    if (!hasWords(text)) throw new UsageError("query: needs a picture, or a text with a word; got neither");
    if (this.manifest.preprocessing.textOnlyPicture === "refused") {
      throw new UsageError(`query: the model ${this.model} does not read; give a picture`);
    }
  }
}

/** Bytes without the larger memory they may be part of, which would be copied to the thread whole. */
function ownCopy<P extends Picture | undefined>(picture: P): P {
  return (picture instanceof Uint8Array ? new Uint8Array(picture) : picture) as P;
}
