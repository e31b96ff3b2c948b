/** The store of a small index without a database: one file, all items compared. */
import { rm } from "node:fs/promises";
import { z } from "zod";
import { ExactFileStore } from "./exact-file-store.js";
import { claimFolder, storeFolder } from "./local-store.js";
import type { StoreKind } from "./store-kind.js";

const settings = z.strictObject({ kind: z.literal("exact") });

export const exactKind: StoreKind<z.infer<typeof settings>> = {
  settings,
  claimWriter: (_, folder) => claimFolder(folder),
  async open(_, { folder, embedDim, access }) {
    if (access === "create") await rm(storeFolder(folder), { recursive: true, force: true });
    return ExactFileStore.open(storeFolder(folder), { embedDim, access });
  },
};
