/** A store of every kind, as an index says which it has: tests of stores and indexes run on each. */
import type { StoreSettings } from "../src/search/store/store-kind.js";

/** Those that keep their items in the index's folder: they are gone with it, and may be written where it may. */
export const localStores: readonly StoreSettings[] = [{ kind: "lance" }, { kind: "exact" }];

export const testedStores: readonly StoreSettings[] = [...localStores];
