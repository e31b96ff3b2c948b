/** A trained run, ready to embed the images and queries of a data set. */
import { existsSync } from "node:fs";
import { withoutBroken } from "../../data/presence/usable-images.js";
import type { RetrievalDataset } from "../../data/triplet.js";
import { FrozenBackbone } from "../../embedding/frozen-backbone.js";
import { ModelEmbedder } from "../../embedding/model-embedder.js";
import type { DiskCacheOptions } from "../../files/disk-cache.js";
import { ImageThread } from "../../images/image-thread.js";
import type { Run } from "../../runs/open-run.js";
import type { CommandContext } from "../terminal/context.js";
import { type Progress, startProgress } from "../terminal/progress.js";

export interface RunEmbedder {
  readonly embedder: ModelEmbedder;
  /** The data set's images by id, and other files by their paths. */
  readonly images: ImageThread;
  /** Looks at images and gives the data set without those that are broken. */
  usable(ids: Iterable<string>): Promise<RetrievalDataset>;
}

export interface EmbedderOptions {
  readonly context: CommandContext;
  /** A program reads along: no progress is shown. */
  readonly json: boolean;
  /** Where resized images are kept for later runs; nowhere by default. */
  readonly imageCache?: DiskCacheOptions | undefined;
}

/**
 * Compiles the run's model, gives it to `use`, and frees it afterwards. With a frozen backbone it reads and adds to the
 * feature maps of training, where those are still there.
 */
export async function withEmbedder<Result>(
  { model, config, vocabulary, manifest: { featureCache } }: Run,
  dataset: RetrievalDataset,
  { context, json, imageCache }: EmbedderOptions,
  use: (opened: RunEmbedder) => Promise<Result>,
): Promise<Result> {
  const { resizePx, imageFit, imagePx, maxWords } = config.training;
  const imagePath = (idOrPath: string) => dataset.imagePath(idOrPath) ?? idOrPath;
  const images = new ImageThread(imagePath, {
    sizePx: resizePx,
    fit: imageFit,
    disk: imageCache,
  });
  const usable = async (ids: Iterable<string>): Promise<RetrievalDataset> => {
    let progress: Progress | undefined;
    const onProgress = (done: number, total: number) => {
      progress ??= startProgress("checking", total, { stream: context.stderr, json, unit: "images" });
      progress.update(done);
    };
    const onNote = (text: string) => {
      if (json) return;
      progress?.stop();
      context.stderr.write(`${text}\n`);
    };
    try {
      return await withoutBroken(dataset, images, { ids, onProgress, onNote, signal: context.signal });
    } finally {
      progress?.stop();
    }
  };
  let featureMaps: FrozenBackbone | undefined;
  try {
    if (config.training.freezeBackbone && featureCache !== undefined && existsSync(featureCache)) {
      featureMaps = await FrozenBackbone.open(model, {
        images,
        imagePath,
        imagePx,
        imageFit,
        cacheDir: featureCache,
      });
    }
    const embedder = await ModelEmbedder.compile(model, {
      images,
      vocabulary,
      featureMaps,
      imagePx,
      maxWords,
    });
    try {
      return await use({ embedder, images, usable });
    } finally {
      await embedder.release();
    }
  } finally {
    await featureMaps?.release();
    await images.close();
  }
}
