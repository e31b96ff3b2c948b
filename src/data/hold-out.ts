/** A part of the training triplets that is kept out of training, to watch progress and to choose an epoch on. */

import type { Random } from "../engine/tensor/random.js";
import { neighbourhoods } from "./batches/neighbourhoods.js";
import { FixedSplit } from "./fixed-split.js";
import type { DatasetSplit, Triplet } from "./triplet.js";

/** Largest part; recall on more says little more and costs time after every epoch. */
const maxHeldOut = 500;

/**
 * - `item`: no image of a held-out triplet occurs in training;
 * - `triplet`: triplets at random; their images may occur in other training triplets, so recall on them is higher than
 *   on new items, and saturates.
 */
export const holdOutRules = ["item", "triplet"] as const;
export type HoldOutRule = (typeof holdOutRules)[number];

/** The training split without the part, and the part. */
export interface HeldOut {
  readonly training: DatasetSplit;
  /** Undefined when nothing is held out. */
  readonly validation: DatasetSplit | undefined;
  /** Triplets between a held-out image and one that is trained on: in neither part. */
  readonly leftOut: number;
}

/**
 * Draws about `fraction` of the triplets (at most 500). By item, groups of triplets that share no image with others are
 * taken whole; where those do not suffice, parts are cut out of larger groups along few triplets, which are left out.
 * Splits whose training pairs are drawn, not published, keep all.
 */
export function holdOut(
  split: DatasetSplit,
  { fraction, by }: { readonly fraction: number; readonly by: HoldOutRule },
  random: Random,
): HeldOut {
  const count = Math.min(maxHeldOut, Math.round(split.triplets.length * fraction));
  if (count === 0) return { training: split, validation: undefined, leftOut: 0 };
  const shuffled = random.shuffled(split.triplets);
  const { name, images } = split;
  const part = (triplets: readonly Triplet[]) => new FixedSplit({ name, images, triplets });
  const watched = (triplets: readonly Triplet[]) => part(triplets.map(withTargetAlone));
  if (by === "triplet") {
    return {
      training: part(shuffled.slice(count)),
      validation: watched(shuffled.slice(0, count)),
      leftOut: 0,
    };
  }
  const isHeld = heldItems(shuffled, count);
  const sides = ({ reference, target }: Triplet) =>
    Number(isHeld.has(reference)) + Number(isHeld.has(target));
  const held = shuffled.filter((triplet) => sides(triplet) === 2);
  const training = shuffled.filter((triplet) => sides(triplet) === 0);
  return {
    training: part(training),
    validation: held.length > 0 ? watched(held) : undefined,
    leftOut: shuffled.length - held.length - training.length,
  };
}

/** Watching a training looks at no other images than those of the triplets. */
function withTargetAlone(triplet: Triplet): Triplet {
  if (!triplet.subset && !triplet.relevant) return triplet;
  const { subset: _subset, relevant: _relevant, ...alone } = triplet;
  return alone;
}

/** Images that hold about `count` triplets among themselves, and have few with others. */
function heldItems(shuffled: readonly Triplet[], count: number): ReadonlySet<string> {
  const nameOf = neighbourhoods(shuffled);
  const groups = new Map<string, Triplet[]>();
  for (const triplet of shuffled) {
    const group = groups.get(nameOf(triplet));
    if (group) group.push(triplet);
    else groups.set(nameOf(triplet), [triplet]);
  }
  const held = new Set<string>();
  let left = count;
  const large: Triplet[] = [];
  for (const group of groups.values()) {
    if (group.length > left) {
      large.push(...group);
      continue;
    }
    for (const { reference, target } of group) held.add(reference).add(target);
    left -= group.length;
  }
  // A few that small groups did not fill are not worth cutting a group for.
  return left > count / 2 ? grow(held, { triplets: large, count: left }) : held;
}

/** Adds image after image, each time the one that most of its triplets tie to those there are. */
function grow(
  held: ReadonlySet<string>,
  { triplets, count }: { readonly triplets: readonly Triplet[]; readonly count: number },
): ReadonlySet<string> {
  const neighbours = new Map<string, string[]>();
  const connect = (from: string, to: string): void => {
    const known = neighbours.get(from);
    if (known) known.push(to);
    else neighbours.set(from, [to]);
  };
  for (const { reference, target } of triplets) {
    connect(reference, target);
    if (reference !== target) connect(target, reference);
  }
  const grown = new Set(held);
  /** Triplets with the images there are, by image at the border. */
  const ties = new Map<string, number>();
  const seeds = neighbours.keys();
  for (let inside = 0; inside < count; ) {
    const next = mostTied(ties, neighbours) ?? firstOutside(seeds, grown);
    if (next === undefined) break;
    inside += ties.get(next) ?? 0;
    ties.delete(next);
    grown.add(next);
    for (const other of neighbours.get(next) ?? []) {
      if (!grown.has(other)) ties.set(other, (ties.get(other) ?? 0) + 1);
    }
  }
  return grown;
}

/** The image at the border with the largest part of its triplets inside. */
function mostTied(
  ties: ReadonlyMap<string, number>,
  neighbours: ReadonlyMap<string, readonly string[]>,
): string | undefined {
  let [best, bestShare]: [string | undefined, number] = [undefined, 0];
  for (const [id, count] of ties) {
    const share = count / (neighbours.get(id)?.length ?? 1);
    if (share > bestShare) [best, bestShare] = [id, share];
  }
  return best;
}

function firstOutside(ids: Iterator<string>, inside: ReadonlySet<string>): string | undefined {
  for (let next = ids.next(); !next.done; next = ids.next()) if (!inside.has(next.value)) return next.value;
  return undefined;
}
