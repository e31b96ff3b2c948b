/** A split whose triplets are published one by one. */
import type { Random } from "../tensor/random.js";
import type { DatasetSplit, Query, SplitName, Triplet } from "./triplet.js";

/** What a loader read. */
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

  /** A triplet stays when its reference and its target do; other hits that are gone are struck off. */
  restrict(isAvailable: (imageId: string) => boolean): FixedSplit {
    // Queries with one answer share one list of hits, and go on sharing it.
    const left = new Map<readonly string[], readonly string[]>();
    const restrictHits = (hits: readonly string[]) => {
      const known = left.get(hits) ?? hits.filter(isAvailable);
      left.set(hits, known);
      return known;
    };
    return new FixedSplit({
      name: this.name,
      triplets: this.triplets
        .filter(({ reference, target }) => isAvailable(reference) && isAvailable(target))
        .map((triplet) => (triplet.hits ? { ...triplet, hits: restrictHits(triplet.hits) } : triplet)),
      untargeted: this.untargeted.filter(({ reference }) => isAvailable(reference)),
      images: new Map([...this.images].map(([category, ids]) => [category, ids.filter(isAvailable)])),
    });
  }
}
