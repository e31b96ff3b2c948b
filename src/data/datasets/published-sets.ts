/** The data sets that can be fetched, by name. */

import { fashionIqSet } from "./fashion-iq-published.js";
import { fashion200kSet } from "./fashion200k-published.js";
import type { PublishedSet } from "./published-set.js";
import { shoesSet } from "./shoes-published.js";

export const publishedSets = {
  fashioniq: fashionIqSet,
  shoes: shoesSet,
  fashion200k: fashion200kSet,
} as const satisfies Readonly<Record<string, PublishedSet>>;

export type PublishedSetName = keyof typeof publishedSets;
export const publishedSetNames: readonly PublishedSetName[] = ["fashioniq", "shoes", "fashion200k"];
