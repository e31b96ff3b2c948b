/** The data sets that can be fetched, by name. */
import type { PublishedSet } from "./published-set.js";
import { fashionIqSet } from "./sets/fashion-iq.js";
import { fashion200kSet } from "./sets/fashion200k.js";
import { shoesSet } from "./sets/shoes.js";

export const publishedSets = {
  fashioniq: fashionIqSet,
  shoes: shoesSet,
  fashion200k: fashion200kSet,
} as const satisfies Readonly<Record<string, PublishedSet>>;

export type PublishedSetName = keyof typeof publishedSets;
export const publishedSetNames: readonly PublishedSetName[] = ["fashioniq", "shoes", "fashion200k"];
