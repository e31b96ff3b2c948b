/** Training triplets that have the text of another: wrong data, to see what a method stands. */
import type { Random } from "../engine/tensor/random.js";
import { FixedSplit } from "./fixed-split.js";
import type { DatasetSplit, Triplet } from "./triplet.js";

/** Triplets of which some have the text of another. */
export interface MismatchedTriplets {
  readonly triplets: readonly Triplet[];
  /** How many have another's text. */
  readonly mismatched: number;
  /** How many of these read as before all the same, because the other's text is equal. */
  readonly equal: number;
}

/**
 * Draws `share` of the triplets and moves their texts among them in a circle, so that none keeps its own: pictures, words
 * and their counts stay what they were. One triplet alone stays right.
 */
export function mismatchTriplets(
  triplets: readonly Triplet[],
  share: number,
  random: Random,
): MismatchedTriplets {
  const drawn = random.shuffled([...triplets.keys()]).slice(0, Math.round(share * triplets.length));
  if (drawn.length < 2) return { triplets, mismatched: 0, equal: 0 };
  const result = [...triplets];
  let equal = 0;
  for (const [i, place] of drawn.entries()) {
    const own = triplets[place];
    const other = triplets[drawn[(i + 1) % drawn.length] ?? place];
    if (!own || !other) continue;
    result[place] = { ...own, captions: other.captions };
    if (other.captions.join("\n") === own.captions.join("\n")) equal += 1;
  }
  return { triplets: result, mismatched: drawn.length, equal };
}

/** The split with wrong texts: the same in every epoch, or drawn anew with the triplets where those are. */
export function mismatchedSplit(
  split: DatasetSplit,
  share: number,
  random: Random,
): { readonly split: DatasetSplit; readonly counts: Omit<MismatchedTriplets, "triplets"> | undefined } {
  if (share === 0) return { split, counts: undefined };
  const { name, images, untargeted } = split;
  if (split.triplets.length > 0) {
    const { triplets, ...counts } = mismatchTriplets(split.triplets, share, random);
    return { split: new FixedSplit({ name, images, triplets, untargeted }), counts };
  }
  const texts = split.trainingTexts?.bind(split);
  const drawing: DatasetSplit = {
    name,
    images,
    untargeted,
    triplets: split.triplets,
    epochTripletCount: split.epochTripletCount,
    drawEpoch: (epoch) => mismatchTriplets(split.drawEpoch(epoch), share, epoch.fork("mismatched")).triplets,
    restrict: (isAvailable) => mismatchedSplit(split.restrict(isAvailable), share, random).split,
  };
  return { split: texts ? { ...drawing, trainingTexts: texts } : drawing, counts: undefined };
}
