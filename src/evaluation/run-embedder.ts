/** A trained run, ready to embed the images and queries of a data set. */
import { existsSync } from "node:fs";
import { withoutBroken } from "../data/presence/usable-images.js";
import type { RetrievalDataset } from "../data/triplet.js";
import { FrozenBackbone } from "../embedding/frozen-backbone.js";
import { ModelEmbedder } from "../embedding/model-embedder.js";
import type { SessionOptions } from "../engine/runtime/session.js";
import type { DiskCacheOptions } from "../files/disk-cache.js";
import { ImageThread } from "../images/image-thread.js";
import type { Run } from "../runs/open-run.js";
import { pictureOptions } from "../runs/run-config.js";

export interface RunEmbedder {
  readonly embedder: ModelEmbedder;
  /** The data set's images by id, and other files by their paths. */
  readonly images: ImageThread;
  /** Looks at images and gives the data set without those that are broken. */
  usable(ids: Iterable<string>): Promise<RetrievalDataset>;
}

/** Is told how the look at a data set's images goes. */
export interface ImageCheckListener {
  progress(done: number, total: number): void;
  /** Something worth a line: images that are left out. */
  note(text: string): void;
  /** The look is over, also when it failed. */
  end(): void;
}

export interface EmbedderOptions {
  readonly signal?: AbortSignal | undefined;
  readonly imageChecks?: ImageCheckListener | undefined;
  /** Where resized images are kept for later runs; nowhere by default. */
  readonly imageCache?: DiskCacheOptions | undefined;
  /** How graphs run; every core by default. */
  readonly session?: SessionOptions | undefined;
}

/**
 * Compiles the run's model, gives it to `use`, and frees it afterwards. With a frozen backbone it reads and adds to the
 * feature maps of training, where those are still there.
 */
export async function withEmbedder<Result>(
  { model, config, vocabulary, manifest: { featureCache } }: Run,
  dataset: RetrievalDataset,
  { signal, imageChecks, imageCache, session = {} }: EmbedderOptions,
  use: (opened: RunEmbedder) => Promise<Result>,
): Promise<Result> {
  const { imageFit, imagePx, maxWords } = config.training;
  const imagePath = (idOrPath: string) => dataset.imagePath(idOrPath) ?? idOrPath;
  const images = new ImageThread(imagePath, { ...pictureOptions(config), disk: imageCache });
  const usable = async (ids: Iterable<string>): Promise<RetrievalDataset> => {
    try {
      return await withoutBroken(dataset, images, {
        ids,
        onProgress: (done, total) => imageChecks?.progress(done, total),
        onNote: (text) => imageChecks?.note(text),
        signal,
      });
    } finally {
      imageChecks?.end();
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
        session,
      });
    }
    const embedder = await ModelEmbedder.compile(
      model,
      { images, vocabulary, featureMaps, imagePx, maxWords },
      session,
    );
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
