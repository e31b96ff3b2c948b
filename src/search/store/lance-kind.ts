/** The store of an index by default: LanceDB in the index's folder. */
import { rm } from "node:fs/promises";
import { z } from "zod";
import { claimFolder, storeFolder } from "./local-store.js";
import type { StoreKind } from "./store-kind.js";

const settings = z.strictObject({ kind: z.literal("lance") });

export const lanceKind: StoreKind<z.infer<typeof settings>> = {
  settings,
  claimWriter: (_, folder) => claimFolder(folder),
  async open(_, { folder, embedDim, access }) {
    const { LanceStore } = await import("./lance-store.js"); // Apache Arrow comes with it
    if (access === "create") await rm(storeFolder(folder), { recursive: true, force: true });
    return LanceStore.open(storeFolder(folder), { embedDim, access });
  },
};
