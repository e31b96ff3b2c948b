/** What an index's folder must be before it is used, and what to say when it is not. */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Encoder } from "../../embedding/encoder.js";
import { SdfnError, StoreError, UsageError } from "../../errors.js";
import type { StoreSettings } from "../store/store-kind.js";
import { type IndexManifest, indexFiles } from "./manifest.js";

/** The model of an index. */
export type IndexModel = Pick<Encoder, "modelId" | "model" | "embedDim">;

/** @throws UsageError when a folder holds something that is no part of an index. */
export async function requireIndexOrEmpty(folder: string): Promise<void> {
  const names: readonly string[] = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw cannotWrite(folder, error);
  });
  if (names.includes(indexFiles.manifest)) return;
  const known: readonly string[] = Object.values(indexFiles);
  const foreign = names.find((name) => !known.includes(name) && !name.startsWith(`${indexFiles.lock}.`));
  if (foreign !== undefined) {
    throw new UsageError(
      `${folder}: must be an index, or a new or empty folder; got ${foreign} in it; choose another`,
    );
  }
}

/** @throws StoreError when embeddings of `model` cannot be compared with those of the index. */
export function requireModel(
  folder: string,
  manifest: IndexManifest,
  { modelId, model, embedDim }: IndexModel,
): void {
  if (manifest.modelId === modelId && manifest.embedDim === embedDim) return;
  throw new StoreError(
    `${folder}: the index was made with another model, whose embeddings cannot be compared with this one's; ` +
      `got ${model} ${modelId.slice(0, 16)} for an index of ${manifest.model} ${manifest.modelId.slice(0, 16)}; ` +
      "use the index's own model, or index the catalogue into another folder",
  );
}

/** @param asked any will do where it is absent. @throws StoreError when the index keeps its items in another store. */
export function requireStore(
  folder: string,
  { store }: IndexManifest,
  asked: StoreSettings | undefined,
): void {
  if (asked === undefined || isDeepStrictEqual(store, asked)) return;
  throw new StoreError(
    `${folder}: the index has another store than the one asked for; got ${JSON.stringify(asked)} for an index with ` +
      `${JSON.stringify(store)}; ask for none, or index the catalogue into another folder`,
  );
}

/** A write must not make a folder anew that was removed. @throws StoreError when the index is not there any more. */
export function requirePresent(folder: string): void {
  if (existsSync(join(folder, indexFiles.manifest))) return;
  throw new StoreError(
    `${folder}: the index is gone; got no ${indexFiles.manifest} in it; restore the folder, or make it anew, and open it again`,
  );
}

/** What to tell of a system call that failed; anything else as it is. */
export function cannotWrite(folder: string, cause: unknown): unknown {
  if (cause instanceof SdfnError || !(cause instanceof Error && "code" in cause)) return cause;
  return new StoreError(
    `${folder}: the index cannot be written; got ${cause.message}; ` +
      "check the folder's permissions and the room on its disk",
    { cause },
  );
}
