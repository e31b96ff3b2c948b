/** A split whose triplets are published one by one. */
import type { Random } from "../engine/tensor/random.js";
import type { DatasetSplit, Query, SplitName, Triplet } from "./triplet.js";

/** The triplets and queries that a loader read. */
export interface FixedSplitContent {
  readonly name: SplitName;
  readonly triplets: readonly Triplet[];
  readonly untargeted?: readonly Query[];
  readonly images: ReadonlyMap<string, readonly string[]>;
}

/** An epoch is every triplet once, shuffled. */
export class FixedSplit implements DatasetSplit {
  readonly name: SplitName;
  readonly triplets: readonly Triplet[];
  readonly untargeted: readonly Query[];
  readonly images: ReadonlyMap<string, readonly string[]>;

  constructor({ name, triplets, untargeted = [], images }: FixedSplitContent) {
    this.name = name;
    this.triplets = triplets;
    this.untargeted = untargeted;
    this.images = images;
  }

  get epochTripletCount(): number {
    return this.triplets.length;
  }

  drawEpoch(random: Random): readonly Triplet[] {
    return random.shuffled(this.triplets);
  }

  /**
   * A triplet stays when its reference does and so does its target, or another hit that stands in for it. What is gone is
   * struck off its hits, its relevant images and its subset.
   */
  restrict(isAvailable: (imageId: string) => boolean): FixedSplit {
    // Queries with one answer share one list of hits, and keep sharing it.
    const left = new Map<readonly string[], readonly string[]>();
    const restrictHits = (hits: readonly string[]) => {
      const known = left.get(hits) ?? hits.filter(isAvailable);
      left.set(hits, known);
      return known;
    };
    const restrictQuery = <Q extends Query>(query: Q): Q =>
      query.subset ? { ...query, subset: query.subset.filter(isAvailable) } : query;
    const restrictTriplet = (published: Triplet): Triplet | undefined => {
      const query = restrictQuery(published);
      const relevant = query.relevant?.filter(isAvailable);
      const triplet = relevant ? { ...query, relevant } : query;
      const { reference, target, hits } = triplet;
      if (!isAvailable(reference)) return undefined;
      if (!hits) return isAvailable(target) ? triplet : undefined;
      const found = restrictHits(hits);
      const standIn = isAvailable(target) ? target : found.find((id) => id !== reference);
      return standIn === undefined ? undefined : { ...triplet, target: standIn, hits: found };
    };
    return new FixedSplit({
      name: this.name,
      triplets: this.triplets.flatMap((triplet) => restrictTriplet(triplet) ?? []),
      untargeted: this.untargeted.filter(({ reference }) => isAvailable(reference)).map(restrictQuery),
      images: new Map([...this.images].map(([category, ids]) => [category, ids.filter(isAvailable)])),
    });
  }
}
