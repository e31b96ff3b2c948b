/** A trained run, ready to embed the images and queries of a data set. */
import { ImageCache } from "../data/image-cache.js";
import type { RetrievalDataset } from "../data/triplet.js";
import { ModelEmbedder } from "../retrieval/model-embedder.js";
import { ImagesAndFiles } from "../retrieval/searcher.js";
import type { Run } from "../training/open-run.js";

export interface RunEmbedder {
  readonly embedder: ModelEmbedder;
  /** The data set's images, and files by their paths. */
  readonly images: ImagesAndFiles;
}

/** Compiles the run's model, gives it to `use`, and frees it afterwards. */
export async function withEmbedder<Result>(
  { model, config, vocabulary }: Run,
  dataset: RetrievalDataset,
  use: (opened: RunEmbedder) => Promise<Result>,
): Promise<Result> {
  const { resizePx, imageFit, imagePx, maxWords } = config.training;
  const imagePath = (id: string) => dataset.imagePath(id);
  const cache = new ImageCache(imagePath, { sizePx: resizePx, fit: imageFit });
  const images = new ImagesAndFiles(cache, { imagePath, fit: imageFit });
  const embedder = await ModelEmbedder.compile(model, { images, vocabulary, imagePx, maxWords });
  try {
    return await use({ embedder, images });
  } finally {
    await embedder.release();
  }
}
