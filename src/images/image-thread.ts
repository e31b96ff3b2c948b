/**
 * Images decoded, resized, cut and stacked on a thread of their own. ONNX Runtime computes on the thread that calls it,
 * so without this nothing would be prepared while a training step runs.
 */
import { Worker } from "node:worker_threads";
import "sharp"; // its native library must be loaded here first, or it is unloaded with the worker
import { type Tensor, tensor } from "../engine/tensor/tensor.js";
import { ImageError } from "../errors.js";
import { errorOf, workerFile } from "../worker-thread.js";
import type { ImageCacheOptions, ImageCacheStatistics } from "./image-cache.js";
import type { CropRequest, ImageSource } from "./image-source.js";
import type { ImageAnswers, ImageFile, ImageReply, ImageRequest, ImageWork } from "./image-worker.js";

interface Call {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** An `ImageCache` behind a thread. The process may end while the thread is idle; `close` frees its memory before. */
export class ImageThread implements ImageSource {
  readonly sizePx: number;
  readonly #imagePath: (imageId: string) => string | undefined;
  readonly #worker: Worker;
  readonly #calls = new Map<number, Call>();
  #callCount = 0;
  #isClosing = false;
  #ended: Error | undefined;

  constructor(imagePath: (imageId: string) => string | undefined, options: ImageCacheOptions) {
    this.sizePx = options.sizePx;
    this.#imagePath = imagePath;
    this.#worker = new Worker(workerFile("images/image-worker.js"), { workerData: options });
    this.#worker.unref();
    this.#worker.on("message", (reply: ImageReply) => this.#settle(reply));
    this.#worker.on("error", (error) => this.#end(error));
    this.#worker.on("exit", () => this.#end(new Error("the image thread has ended")));
  }

  async pixels(imageId: string): Promise<Uint8Array> {
    const crop = { leftPx: 0, topPx: 0, isFlipped: false };
    return (await this.stack([imageId], { crops: [crop], cropPx: this.sizePx })).data;
  }

  async stack(ids: readonly string[], { crops, cropPx }: CropRequest): Promise<Tensor<"uint8">> {
    const data = await this.#call({ kind: "stack", files: this.#filesOf(ids), crops, cropPx });
    return tensor("uint8", [ids.length, cropPx, cropPx, 3], data);
  }

  /** Decodes what is not in memory or on disk yet. @returns images that cannot be had, and why. */
  async ensure(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return new Map(await this.#call({ kind: "ensure", files: this.#filesOf(ids) }));
  }

  async statistics(): Promise<ImageCacheStatistics> {
    return this.#call({ kind: "statistics" });
  }

  /** Ends the thread; requests that are not answered yet fail. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#worker.ref(); // or the process may end while it is waited for
    await this.#worker.terminate();
  }

  #filesOf(ids: readonly string[]): readonly ImageFile[] {
    return ids.map((id) => [id, this.#imagePath(id)]);
  }

  #call<Kind extends ImageWork["kind"]>(
    work: ImageWork & { readonly kind: Kind },
  ): Promise<ImageAnswers[Kind]> {
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(this.#ended);
        return;
      }
      this.#callCount += 1;
      this.#calls.set(this.#callCount, { resolve: resolve as Call["resolve"], reject });
      this.#worker.ref(); // an answer is awaited
      this.#worker.postMessage({ call: this.#callCount, work } satisfies ImageRequest);
    });
  }

  #settle({ call, answer, failure }: ImageReply): void {
    const waiting = this.#calls.get(call);
    this.#calls.delete(call);
    // The answer to a last batch that was asked for ahead must not undo what close asks for.
    if (this.#calls.size === 0 && !this.#isClosing) this.#worker.unref();
    if (failure) waiting?.reject(errorOf(failure, ImageError));
    else waiting?.resolve(answer);
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#calls.values()) reject(this.#ended);
    this.#calls.clear();
  }
}
