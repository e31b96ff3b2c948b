/** A data set as if it had one category only. */
import { DatasetError } from "../errors.js";
import { FixedSplit } from "./fixed-split.js";
import type { DatasetSplit, RetrievalDataset } from "./triplet.js";

/** Queries, galleries and training pairs of one category. @throws DatasetError when there is no such category. */
export function oneCategory(dataset: RetrievalDataset, category: string): RetrievalDataset {
  if (!dataset.categories.includes(category)) {
    throw new DatasetError(
      `${dataset.root}: has no category ${JSON.stringify(category)}; got ${dataset.categories.join(", ")}`,
    );
  }
  return {
    ...dataset, // optional facts of a data set; those below may be getters, which are not copied
    name: dataset.name,
    root: dataset.root,
    categories: [category],
    imagesExpectedAt: dataset.imagesExpectedAt,
    split: (name) => restricted(dataset.split(name), category),
    imagePath: (id) => dataset.imagePath(id),
  };
}

function restricted(split: DatasetSplit, category: string): DatasetSplit {
  const ids = split.images.get(category) ?? [];
  if (split.triplets.length === 0 && split.epochTripletCount > 0) {
    const isIn = new Set(ids);
    return split.restrict((id) => isIn.has(id)); // its triplets are drawn from its images
  }
  const isIn = (query: { readonly category: string }) => query.category === category;
  return new FixedSplit({
    name: split.name,
    triplets: split.triplets.filter(isIn),
    untargeted: split.untargeted.filter(isIn),
    images: new Map([[category, ids]]),
  });
}
