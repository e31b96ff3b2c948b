/** A trained run, ready to embed the images and queries of a data set. */
import { existsSync } from "node:fs";
import { ImageCache } from "../data/image-cache.js";
import type { RetrievalDataset } from "../data/triplet.js";
import { FrozenBackbone } from "../retrieval/frozen-backbone.js";
import { ModelEmbedder } from "../retrieval/model-embedder.js";
import { ImagesAndFiles } from "../retrieval/searcher.js";
import type { Run } from "../training/open-run.js";

export interface RunEmbedder {
  readonly embedder: ModelEmbedder;
  /** The data set's images, and files by their paths. */
  readonly images: ImagesAndFiles;
}

/**
 * Compiles the run's model, gives it to `use`, and frees it afterwards. With a frozen backbone it reads and adds to the
 * feature maps of training, where those are still there.
 */
export async function withEmbedder<Result>(
  { model, config, vocabulary, manifest: { featureCache } }: Run,
  dataset: RetrievalDataset,
  use: (opened: RunEmbedder) => Promise<Result>,
): Promise<Result> {
  const { resizePx, imageFit, imagePx, maxWords } = config.training;
  const imagePath = (id: string) => dataset.imagePath(id);
  const cache = new ImageCache(imagePath, { sizePx: resizePx, fit: imageFit });
  const images = new ImagesAndFiles(cache, { imagePath, fit: imageFit });
  const featureMaps =
    config.training.freezeBackbone && featureCache !== undefined && existsSync(featureCache)
      ? await FrozenBackbone.open(model, {
          images,
          imagePath: (id) => images.fileOf(id),
          imagePx,
          imageFit,
          cacheDir: featureCache,
        })
      : undefined;
  try {
    const embedder = await ModelEmbedder.compile(model, {
      images,
      vocabulary,
      featureMaps,
      imagePx,
      maxWords,
    });
    try {
      return await use({ embedder, images });
    } finally {
      await embedder.release();
    }
  } finally {
    await featureMaps?.release();
  }
}
