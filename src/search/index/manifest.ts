/** `index.json`: what an index folder is, and which model made it. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { StoreError } from "../../errors.js";
import { codeOf } from "../../files/errno.js";
import { checkJson, readJson } from "../../files/read-json.js";
import { writeWhole } from "../../files/whole.js";
import { contentsSchema } from "./contents.js";

/** Names inside an index folder. */
export const indexFiles = {
  manifest: "index.json",
  store: "store",
  thumbnails: "thumbnails",
  /** Files of pictures that were handed in: nobody else need have them. */
  pictures: "pictures",
  /** The exported model, so that the index is searched without the run that trained it. */
  bundle: "bundle",
  /** Rows of the last run that could not be indexed. */
  errors: "errors.jsonl",
  lock: "writer.lock",
} as const;

/** Raised when older programs could not read what newer ones write. */
export const indexFormat = 1;

const manifestSchema = z.strictObject({
  format: z.literal(indexFormat),
  modelId: z.string().min(1),
  model: z.string(),
  embedDim: z.int().min(1),
  /** Folder that the items' picture paths start from. */
  imageRoot: z.string().optional(),
  /** ISO 8601. */
  created: z.string(),
  updated: z.string(),
  contents: contentsSchema,
});

export type IndexManifest = Readonly<z.infer<typeof manifestSchema>>;

/** Another text when the manifest's file is another; undefined where there is none. */
export async function manifestStamp(folder: string): Promise<string | undefined> {
  const found = await stat(join(folder, indexFiles.manifest), { bigint: true }).catch(() => undefined);
  return found && `${found.ino} ${found.size} ${found.mtimeNs}`;
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
  if (format !== indexFormat) {
    throw new StoreError(
      `${folder}: the index has format ${JSON.stringify(format)}, this program reads ${indexFormat}; ` +
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
  await writeWhole(join(folder, indexFiles.manifest), `${JSON.stringify(manifest, undefined, 1)}\n`);
}
