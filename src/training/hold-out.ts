/** A part of the training triplets that is kept out of training, to watch progress on. */
import { FixedSplit } from "../data/fixed-split.js";
import type { DatasetSplit } from "../data/triplet.js";
import type { Random } from "../tensor/random.js";

/** Largest part; recall on more says little more and costs time after every epoch. */
const MAX_HELD_OUT = 500;

/** The training split without the part, and the part. */
export interface HeldOut {
  readonly training: DatasetSplit;
  /** Undefined when nothing is held out. */
  readonly validation: DatasetSplit | undefined;
}

/**
 * Draws `fraction` of the triplets (at most 500). Their images may occur in other training triplets, so recall on them
 * is higher than on new items: it serves to compare epochs and settings, not as a result. Splits whose training pairs
 * are drawn, not published, keep all.
 */
export function holdOut(split: DatasetSplit, fraction: number, random: Random): HeldOut {
  const count = Math.min(MAX_HELD_OUT, Math.round(split.triplets.length * fraction));
  if (count === 0) return { training: split, validation: undefined };
  const shuffled = random.shuffled(split.triplets);
  const { name, images } = split;
  return {
    training: new FixedSplit({ name, images, triplets: shuffled.slice(count) }),
    validation: new FixedSplit({ name, images, triplets: shuffled.slice(0, count) }),
  };
}
