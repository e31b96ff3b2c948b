/** What a data set's annotations hold: queries, images, and the gallery of each protocol, by split and category. */
import type { DatasetSplit, RetrievalDataset, SplitName } from "../data/triplet.js";
import { splitNames } from "../data/triplet.js";
import { defaultProtocol, galleriesOf, type ProtocolName, protocolNames } from "./protocols.js";

export interface CategorySummary {
  /** Queries with a published target; of a split whose pairs are drawn, none. */
  readonly queries: number;
  /** Queries without one (FashionIQ's test). */
  readonly untargeted: number;
  /** Queries whose target is their own reference: no model can answer them when that is removed. */
  readonly targetIsReference: number;
  /** Captions that are empty or white space. */
  readonly emptyCaptions: number;
  /** Distinct images that the data set lists. */
  readonly images: number;
  readonly gallery: Readonly<Record<ProtocolName, number>>;
}

export interface SplitSummary {
  readonly split: SplitName;
  /** Triplets of one epoch of training. */
  readonly epochTriplets: number;
  readonly perCategory: Readonly<Record<string, CategorySummary>>;
  /** Every image that the split names, once. */
  readonly imageIds: readonly string[];
}

/** Reads every split that is there. @throws DatasetError when a file is missing or wrong. */
export function summariseDataset(dataset: RetrievalDataset): readonly SplitSummary[] {
  return (dataset.splits ?? splitNames).map((name) => summariseSplit(dataset.split(name)));
}

function summariseSplit(split: DatasetSplit): SplitSummary {
  const { triplets, untargeted, images } = split;
  const galleries = protocolNames.map(
    (name) => [name, galleriesOf(split, { ...defaultProtocol, name })] as const,
  );
  const categories = new Set([...images.keys(), ...[...triplets, ...untargeted].map((q) => q.category)]);
  const summaryOf = (category: string): CategorySummary => {
    const own = triplets.filter((triplet) => triplet.category === category);
    const without = untargeted.filter((query) => query.category === category);
    const captions = [...own, ...without].flatMap((query) => query.captions);
    return {
      queries: own.length,
      untargeted: without.length,
      targetIsReference: own.filter(({ reference, target }) => reference === target).length,
      emptyCaptions: captions.filter((caption) => caption.trim() === "").length,
      images: new Set(images.get(category)).size,
      gallery: Object.fromEntries(
        galleries.map(([name, ofCategory]) => [name, ofCategory.get(category)?.length ?? 0]),
      ) as Record<ProtocolName, number>,
    };
  };
  const ids = new Set([...images.values()].flat());
  for (const { reference, target } of triplets) ids.add(reference).add(target);
  for (const { reference } of untargeted) ids.add(reference);
  return {
    split: split.name,
    epochTriplets: split.epochTripletCount,
    perCategory: Object.fromEntries([...categories].map((category) => [category, summaryOf(category)])),
    imageIds: [...ids],
  };
}
