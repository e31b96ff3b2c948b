/** The kinds of stores that an index may have; a new one is a file and a line here. */
import { z } from "zod";
import { StoreError } from "../../errors.js";
import { exactKind } from "./exact-file-store.js";
import { lanceKind } from "./lance-kind.js";
import type { StoreKind, StoreOptions, StoreSettings } from "./store-kind.js";
import type { VectorStore } from "./vector-store.js";

const storeKinds: Readonly<Record<string, StoreKind>> = {
  lance: lanceKind,
  exact: exactKind,
};

/** Names of all kinds. */
export const storeKindNames: readonly string[] = Object.keys(storeKinds);

/** The store of an index that does not say which it has: all of the first format. */
export const defaultStore: StoreSettings = { kind: "lance" };

/** Opens the store that an index says it has. @throws StoreError when the kind is not known, or it cannot be opened. */
export async function openStore(settings: StoreSettings, options: StoreOptions): Promise<VectorStore> {
  const { kind, checked } = kindOf(settings, options.folder);
  return kind.open(checked, options);
}

/** @throws as `openStore`; StoreError when another process writes to the index's store. @returns gives it free. */
export async function claimWriter(settings: StoreSettings, folder: string): Promise<() => Promise<void>> {
  const { kind, checked } = kindOf(settings, folder);
  return kind.claimWriter(checked, folder);
}

function kindOf(
  settings: StoreSettings,
  folder: string,
): { readonly kind: StoreKind; readonly checked: StoreSettings } {
  const kind = Object.hasOwn(storeKinds, settings.kind) ? storeKinds[settings.kind] : undefined;
  if (kind === undefined) {
    throw new StoreError(
      `${folder}: this program does not know the kind of store that the index has; got ${JSON.stringify(settings.kind)}, ` +
        `known are ${storeKindNames.join(", ")}; use the version of sdfn that made the index`,
    );
  }
  const parsed = kind.settings.safeParse(settings);
  if (parsed.success) return { kind, checked: parsed.data };
  throw new StoreError(
    `${folder}: what the index says of its store is wrong; got ${z.prettifyError(parsed.error)}; ` +
      "restore index.json from a copy, or use the version of sdfn that made the index",
  );
}
