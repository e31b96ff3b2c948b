/** The place of a store's own files in its index's folder, and the file that keeps a second writer away. */
import { join } from "node:path";
import { StoreError } from "../../errors.js";
import { claimLock } from "../../files/folder-lock.js";

/** Names inside an index folder. */
export const localNames = { store: "store", lock: "writer.lock" } as const;

/** The folder of the store's own files. @param folder the index's. */
export function storeFolder(folder: string): string {
  return join(folder, localNames.store);
}

/**
 * `StoreKind.claimWriter` of stores with local files. @param folder the index's.
 * @throws StoreError when another process has it.
 */
export function claimFolder(folder: string): Promise<() => Promise<void>> {
  const busy = (owner: number) =>
    new StoreError(
      `${folder}: another process writes to this index; got process ${owner}; wait for it, or stop it`,
    );
  return claimLock(join(folder, localNames.lock), busy);
}
