/** Brings an index up to date with a table and shows how far it is: what `sdfn index` and the demo do. */
import { CatalogueIndex } from "../../search/index/catalogue-index.js";
import {
  type IndexCatalogueOptions,
  type IndexReport,
  indexCatalogue,
} from "../../search/index/index-catalogue.js";
import type { CommandContext } from "../terminal/context.js";
import { startProgress } from "../terminal/progress.js";
import { type ModelSource, openModel } from "./open-model.js";

/** Rows from which the last step takes seconds. */
const slowToOrder = 10_000;

export interface IndexWithModelOptions
  extends Pick<
    IndexCatalogueOptions,
    "file" | "deleteMissing" | "ignoredColumns" | "allowLinks" | "batchSize"
  > {
  readonly model: ModelSource;
  /** Folder of the index; made where there is none. */
  readonly out: string;
  /** Rows of the table. */
  readonly total: number;
  readonly json: boolean;
}

/** @throws as `openModel`, `CatalogueIndex.openOrCreate` and `indexCatalogue`. */
export async function indexWithModel(
  { model: source, out, total, json, ...options }: IndexWithModelOptions,
  { stderr, signal }: CommandContext,
): Promise<IndexReport> {
  const model = await openModel(source);
  try {
    const index = await CatalogueIndex.openOrCreate(out, model.encoder, model.install);
    const progress = startProgress("indexing", total, { stream: stderr, json, unit: "items" });
    try {
      return await indexCatalogue(index, model.encoder, {
        ...options,
        onProgress: (rows, embedded) => progress.update(rows, `${embedded} embedded`),
        onWritten() {
          progress.stop();
          if (!json && total >= slowToOrder) stderr.write("putting the index in order ...\n");
        },
        signal,
      });
    } finally {
      progress.stop();
      await index.close();
    }
  } finally {
    await model.close();
  }
}
