/** Which pictures, captions and splits a synthetic catalogue has: everything except the pixels. */
import type { Random } from "../../engine/tensor/random.js";
import { otherWordings } from "../wordings.js";
import { allCategories, type Category, type Design, designKey } from "./attributes.js";
import { modificationCaptions } from "./captions.js";
import { designFamily, samplePairs } from "./families.js";
import { priceOf, titleOf } from "./listing.js";
import { type PictureVariation, sampleVariation } from "./variation.js";

export const syntheticSplits = ["train", "val", "test"] as const;
export type Split = (typeof syntheticSplits)[number];

/** One picture of the catalogue. */
export interface PlannedItem {
  /** Ten characters, as FashionIQ's: "B" and nine letters or digits. */
  readonly id: string;
  readonly split: Split;
  readonly design: Design;
  readonly variation: PictureVariation;
  readonly title: string;
  readonly price: string;
}

/** A query with its answer. */
export interface PlannedTriplet {
  readonly category: Category;
  readonly split: Split;
  readonly referenceId: string;
  readonly targetId: string;
  readonly captions: readonly [string, string];
  /** The same change in other words: of val, which is evaluated. */
  readonly paraphrases: readonly (readonly [string, string])[];
}

export interface CataloguePlan {
  readonly items: readonly PlannedItem[];
  readonly triplets: readonly PlannedTriplet[];
}

/** Pictures and triplets of one category in one split. */
export interface SplitCounts {
  readonly items: number;
  readonly triplets: number;
  /** Designs in a family; smaller families are more varied, larger ones hold more near misses of each design. */
  readonly familySize: number;
  /** Share of the pictures that show a design a second time. */
  readonly repeats: number;
}

/**
 * Counts of each split for `itemsPerCategory` train pictures and `triplets` train triplets in all. Val has a little
 * more than the train pictures, in five families a category, so that its galleries are dense; one picture a design,
 * so that every query has one answer.
 */
function splitCounts(itemsPerCategory: number, triplets: number): Readonly<Record<Split, SplitCounts>> {
  const val = Math.min(1050, Math.ceil(itemsPerCategory * 1.05));
  const test = Math.max(4, Math.ceil(itemsPerCategory * 0.1));
  return {
    train: {
      items: itemsPerCategory,
      triplets: Math.ceil(triplets / allCategories.length),
      familySize: 8,
      repeats: 0.1,
    },
    val: { items: val, triplets: Math.ceil(val * 0.7), familySize: Math.ceil(val / 5), repeats: 0 },
    test: { items: test, triplets: Math.ceil(test * 0.7), familySize: test, repeats: 0 },
  };
}

/** Plans the whole catalogue. The designs of the splits are disjoint. The same arguments give the same plan. */
export function planCatalogue(
  options: { readonly itemsPerCategory: number; readonly triplets: number },
  random: Random,
): CataloguePlan {
  const counts = splitCounts(options.itemsPerCategory, options.triplets);
  const ids = new IdSource(random.fork("ids"));
  const taken = new Set<string>();
  const items: PlannedItem[] = [];
  const triplets: PlannedTriplet[] = [];
  // The dense splits first: the others find room between their designs, not the other way round.
  for (const split of ["val", "test", "train"] as const) {
    for (const category of allCategories) {
      const stream = random.fork(`${split} ${category}`);
      for (const family of planFamilies(category, counts[split], taken, stream)) {
        const pictures = family.designs.map((design) => plannedItem(design, split, ids, stream));
        items.push(...pictures);
        for (const { reference, target } of samplePairs(family.designs, family.triplets, stream)) {
          const from = pictures[reference];
          const to = pictures[target];
          if (!from || !to) continue;
          const captions = modificationCaptions(from.design, to.design, stream);
          triplets.push({
            category,
            split,
            referenceId: from.id,
            targetId: to.id,
            captions,
            paraphrases: [],
          });
        }
      }
    }
  }
  // Neighbours of one family should not stand together in the files.
  const order = random.fork("order");
  const plan = { items: order.shuffled(items), triplets: order.shuffled(triplets) };
  return { ...plan, triplets: withParaphrases(plan, random.fork("wordings")) };
}

/** Drawn last, from a stream of their own: the rest of the plan does not depend on them. */
function withParaphrases({ items, triplets }: CataloguePlan, random: Random): readonly PlannedTriplet[] {
  const designs = new Map(items.map(({ id, design }) => [id, design]));
  return triplets.map((triplet) => {
    const [from, to] = [designs.get(triplet.referenceId), designs.get(triplet.targetId)];
    if (triplet.split !== "val" || !from || !to) return triplet;
    const paraphrases = otherWordings(triplet.captions, () => modificationCaptions(from, to, random));
    return { ...triplet, paraphrases };
  });
}

interface PlannedFamily {
  /** One entry per picture: repeated designs stand here more than once. */
  readonly designs: readonly Design[];
  readonly triplets: number;
}

/** Splits a category's pictures into families and shares the triplets out in proportion. */
function planFamilies(
  category: Category,
  { items, triplets, familySize, repeats }: SplitCounts,
  taken: Set<string>,
  random: Random,
): PlannedFamily[] {
  const picturesPerFamily = Math.ceil(familySize * (1 + repeats));
  const familyCount = Math.max(1, Math.round(items / picturesPerFamily));
  return Array.from({ length: familyCount }, (_, i) => {
    const share = (total: number): number =>
      Math.floor(((i + 1) * total) / familyCount) - Math.floor((i * total) / familyCount);
    const pictures = share(items);
    const designs = designFamily(category, Math.round(pictures / (1 + repeats)), taken, random);
    for (const design of designs) taken.add(designKey(design));
    const again = random.shuffled(designs).slice(0, pictures - designs.length);
    return { designs: [...designs, ...again], triplets: share(triplets) };
  });
}

function plannedItem(design: Design, split: Split, ids: IdSource, random: Random): PlannedItem {
  const variation = sampleVariation(random);
  return { id: ids.next(), split, design, variation, title: titleOf(design), price: priceOf(design, random) };
}

/** Ids that look like FashionIQ's product numbers; no two are equal. */
class IdSource {
  readonly #random: Random;
  readonly #given = new Set<string>();

  constructor(random: Random) {
    this.#random = random;
  }

  next(): string {
    const letters = [..."0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
    for (;;) {
      const id = `B${Array.from({ length: 9 }, () => this.#random.pick(letters)).join("")}`;
      if (this.#given.has(id)) continue;
      this.#given.add(id);
      return id;
    }
  }
}
