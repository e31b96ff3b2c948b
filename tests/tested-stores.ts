/** A store of every kind, as an index says which it has: tests of stores and indexes run on each. */
import type { StoreSettings } from "../src/search/store/store-kind.js";

/**
 * Those that keep their items in the index's folder and open files there for each write: they are gone with the folder, and
 * refuse writes where it may not be written.
 */
export const localStores: readonly StoreSettings[] = [{ kind: "lance" }, { kind: "exact" }];

export const testedStores: readonly StoreSettings[] = [...localStores];
