/** The indexes of a LanceDB table: of the vectors (IVF with RaBitQ codes), and of what filters ask for. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { StoreError } from "../../errors.js";
import { readJson } from "../../files/read-json.js";
import { writeWhole } from "../../files/whole.js";
import { loadLance, type Table } from "./lance-library.js";
import { exactUpTo } from "./lance-plan.js";
import type { StoreFiles } from "./store-files.js";

/** Beside the table: what the vector index was trained on. */
export const trainingFile = "vector-index.json";
/** The vector index is trained again when there are so many times the items that it was trained on. */
const retrainAtGrowth = 4;

const trainingSchema = z.object({ rows: z.int().min(1), partitions: z.int().min(1) });
export type Training = Readonly<z.infer<typeof trainingSchema>>;

/**
 * Makes the indexes that are due: none while every query compares all items anyway.
 * @param isRebuilt all of them are made anew.
 * @returns whether `trainingFile` was written.
 */
export async function buildIndexes(
  table: Table,
  folder: string,
  { files, isRebuilt }: { readonly files: StoreFiles; readonly isRebuilt: boolean },
): Promise<boolean> {
  if (isRebuilt) {
    for (const { name } of await table.listIndices()) await table.dropIndex(name);
    await rm(join(folder, trainingFile), { force: true });
  }
  const rows = await table.countRows();
  if (rows <= exactUpTo) return false;
  const { Index } = await loadLance();
  const present = new Set((await table.listIndices()).flatMap(({ columns }) => columns));
  const scalar = {
    id: Index.btree(),
    price: Index.btree(),
    category: Index.bitmap(),
    tags: Index.labelList(),
  };
  for (const [column, config] of Object.entries(scalar)) {
    if (!present.has(column)) await table.createIndex(column, { config });
  }
  const training = await readTraining(folder);
  if (present.has("vector") && training !== undefined && rows < retrainAtGrowth * training.rows) return false;
  const partitions = Math.round(Math.sqrt(rows));
  const config = Index.ivfRq({ distanceType: "cosine", numPartitions: partitions });
  await table.createIndex("vector", { config, replace: true });
  await files.sync();
  await writeWhole(join(folder, trainingFile), `${JSON.stringify({ rows, partitions })}\n`);
  return true;
}

/** How the vector index was made; undefined where there is none. @throws StoreError when the file is damaged. */
export async function readTraining(folder: string): Promise<Training | undefined> {
  const path = join(folder, trainingFile);
  return readJson(path, trainingSchema, ({ kind, got, cause }) => {
    if (kind === "missing") return undefined;
    throw new StoreError(`${path}: must say rows and partitions; got ${got}; remove it and index again`, {
      cause,
    });
  });
}
