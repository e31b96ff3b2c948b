/** Looks for image files and decodes them, to tell before training what is missing or broken. */
import { ImageError } from "../../errors.js";
import { decodeImage } from "../../images/image.js";
import type { RetrievalDataset } from "../triplet.js";

/** An image that cannot be used. */
export interface ImageProblem {
  readonly id: string;
  readonly state: "missing" | "broken";
  /** Why, and for a broken one which file it is. */
  readonly reason: string;
}

export interface CheckImagesOptions {
  /** Decode every file, not only look for it. */
  readonly shouldDecode: boolean;
  /** Files decoded at a time. */
  readonly parallelCount?: number;
  readonly onProgress?: (done: number) => void;
  /** Is told of images whose files are not as they should be and decode all the same. */
  readonly onNote?: ((id: string, note: string) => void) | undefined;
  readonly signal?: AbortSignal;
}

/** The whole file is read and decoded whatever the size; a small one costs the least afterwards. */
const decodedPx = 32;

/**
 * Those of `ids` that cannot be used, in the order given.
 * @throws the signal's reason when it is aborted.
 */
export async function checkImages(
  dataset: Pick<RetrievalDataset, "imagePath" | "imagesExpectedAt">,
  ids: readonly string[],
  { shouldDecode, parallelCount = 4, onProgress = () => undefined, onNote, signal }: CheckImagesOptions,
): Promise<readonly ImageProblem[]> {
  const problems: (ImageProblem | undefined)[] = new Array(ids.length);
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < ids.length) {
      signal?.throwIfAborted();
      const index = next;
      next += 1;
      problems[index] = await problemOf(dataset, ids[index] ?? "", { shouldDecode, onNote });
      done += 1;
      onProgress(done);
    }
  };
  await Promise.all(Array.from({ length: parallelCount }, work));
  return problems.filter((problem) => problem !== undefined);
}

async function problemOf(
  dataset: Pick<RetrievalDataset, "imagePath" | "imagesExpectedAt">,
  id: string,
  { shouldDecode, onNote }: Pick<CheckImagesOptions, "shouldDecode" | "onNote">,
): Promise<ImageProblem | undefined> {
  const path = dataset.imagePath(id);
  if (path === undefined) {
    return { id, state: "missing", reason: `no file at ${dataset.imagesExpectedAt}` };
  }
  if (!shouldDecode) return undefined;
  try {
    const { note } = await decodeImage(path, { resizePx: decodedPx });
    if (note !== undefined) onNote?.(id, note);
    return undefined;
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return { id, state: "broken", reason: error.message };
  }
}
