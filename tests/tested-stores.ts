/** A store of every kind, as an index says which it has: tests of stores and indexes run on each. */
import type { StoreSettings } from "../src/search/store/store-kind.js";

export const testedStores: readonly StoreSettings[] = [{ kind: "lance" }, { kind: "exact" }];
