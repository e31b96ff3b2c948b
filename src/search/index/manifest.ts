/** `index.json`: what an index folder is, and which model made it. */
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { StoreError } from "../../errors.js";
import { codeOf } from "../../files/errno.js";
import { fileStamp } from "../../files/file-stamp.js";
import { checkJson, readJson } from "../../files/read-json.js";
import { writeWhole } from "../../files/whole.js";
import { localNames } from "../store/local-store.js";
import type { StoreSettings } from "../store/store-kind.js";
import { defaultStore } from "../store/store-kinds.js";
import { contentsSchema } from "./catalogue-contents.js";

/** Names inside an index folder. */
export const indexFiles = {
  manifest: "index.json",
  store: localNames.store,
  lock: localNames.lock,
  thumbnails: "thumbnails",
  /** Files of pictures that were handed in: nobody else need have them. */
  pictures: "pictures",
  /** The exported model, so that the index is searched without the run that trained it. */
  bundle: "bundle",
  /** Rows of the last run that could not be indexed. */
  errors: "errors.jsonl",
} as const;

/**
 * 1: items in the store of that time, which the file does not name. 2: the file says which store. Written is the lowest
 * that says it all, so that programs of the first format open what they can, and refuse the rest by its number.
 */
const formats = [1, 2] as const;

const fields = {
  modelId: z.string().min(1),
  model: z.string(),
  embedDim: z.int().min(1),
  /** Folder that the items' picture paths start from. */
  imageRoot: z.string().optional(),
  /** ISO 8601. */
  created: z.string(),
  updated: z.string(),
  contents: contentsSchema,
};

/** Which kinds there are, and what each needs, is the business of `openStore`. */
const storeSchema: z.ZodType<StoreSettings> = z.looseObject({ kind: z.string() });

const manifestSchema = z
  .discriminatedUnion("format", [
    z.strictObject({ format: z.literal(1), ...fields }),
    z.strictObject({ format: z.literal(2), store: storeSchema, ...fields }),
  ])
  .transform((manifest) => {
    const { format: _, ...rest } = manifest;
    return { store: defaultStore, ...rest };
  });

export type IndexManifest = Readonly<z.infer<typeof manifestSchema>>;

/** Another text when the manifest's file is another; undefined where there is none. */
export async function manifestStamp(folder: string): Promise<string | undefined> {
  return fileStamp(join(folder, indexFiles.manifest));
}

/** @throws StoreError that says what to do when there is no index, or one of another version. */
export async function readIndexManifest(folder: string): Promise<IndexManifest> {
  const path = join(folder, indexFiles.manifest);
  const value = await readJson(path, z.unknown(), ({ kind, got, cause }) => {
    if (kind === "not JSON") {
      throw new StoreError(
        `${path}: is not JSON; got ${got}; restore it from a copy, or make the index anew`,
        {
          cause,
        },
      );
    }
    const reason = kind === "missing" ? "there is no index in this folder" : `${path} cannot be read`;
    throw new StoreError(
      `${folder}: ${reason}; got ${codeOf(cause)}; make an index with \`sdfn index --out\``,
      { cause },
    );
  });
  const format = typeof value === "object" && value !== null && "format" in value ? value.format : undefined;
  if (!formats.some((known) => known === format)) {
    throw new StoreError(
      `${folder}: the index has format ${JSON.stringify(format)}, this program reads ${formats.join(" and ")}; ` +
        "use the version of sdfn that made it, or make it anew with `sdfn index` into another folder",
    );
  }
  return checkJson(value, manifestSchema, ({ got, cause }) => {
    throw new StoreError(`${path}: is damaged; got ${got}; restore it from a copy, or make the index anew`, {
      cause,
    });
  });
}

export async function writeIndexManifest(folder: string, manifest: IndexManifest): Promise<void> {
  const { store, ...rest } = manifest;
  const file = isDeepStrictEqual(store, defaultStore)
    ? { format: 1, ...rest }
    : { format: 2, store, ...rest };
  await writeWhole(join(folder, indexFiles.manifest), `${JSON.stringify(file, undefined, 1)}\n`);
}
