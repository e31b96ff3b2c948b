/** Looks at images before a run, so that broken ones are dropped as missing ones are. */
import { describeDiskTrouble } from "../../files/disk-cache.js";
import type { ImageThread } from "../../images/image-thread.js";
import type { DatasetSplit, RetrievalDataset } from "../triplet.js";
import { imagesOf } from "./missing-images.js";

export interface CheckOptions {
  /** Images to look at; those without a file are passed over. */
  readonly ids: Iterable<string>;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Is told when the images cannot be kept on disk. */
  readonly onNote?: ((text: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Images asked for at a time: enough to keep every decoder busy, few enough for a smooth progress bar. */
const checkedAtOnce = 64;

/**
 * The data set without those of the images that cannot be decoded. Each one is decoded, unless it is on disk resized
 * already, and kept as the cache of `images` allows: the run itself finds them ready.
 * @throws the signal's reason when it is aborted.
 */
export async function withoutBroken(
  dataset: RetrievalDataset,
  images: Pick<ImageThread, "ensure" | "statistics">,
  { ids, onProgress, onNote, signal }: CheckOptions,
): Promise<RetrievalDataset> {
  const present = [...new Set(ids)].filter((id) => dataset.imagePath(id) !== undefined);
  const broken = new Map(dataset.broken);
  const check = (start: number) => images.ensure(present.slice(start, start + checkedAtOnce));
  let checking = check(0);
  for (let start = 0; start < present.length; start += checkedAtOnce) {
    const next = check(start + checkedAtOnce); // under way while the answer of this part is waited for
    next.catch(() => undefined);
    for (const [id, reason] of await checking) broken.set(id, reason);
    onProgress?.(Math.min(start + checkedAtOnce, present.length), present.length);
    signal?.throwIfAborted();
    checking = next;
  }
  const { disk } = await images.statistics();
  const trouble = disk && describeDiskTrouble(disk);
  if (trouble !== undefined) onNote?.(trouble);
  return {
    ...dataset, // optional facts of a data set; those below may be getters, which are not copied
    name: dataset.name,
    root: dataset.root,
    categories: dataset.categories,
    imagesExpectedAt: dataset.imagesExpectedAt,
    broken,
    split: (name) => dataset.split(name),
    imagePath: (id) => (broken.has(id) ? undefined : dataset.imagePath(id)),
  };
}

/** The images that training on a split uses: those of its triplets, or all where pairs are drawn from them. */
export function trainingImages(split: DatasetSplit): ReadonlySet<string> {
  if (split.triplets.length === 0) return imagesOf(split);
  return new Set(split.triplets.flatMap(({ reference, target }) => [reference, target]));
}
