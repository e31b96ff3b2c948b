// What the examples of the public surface find in their folder: data/small, runs/first and stopped, bundles, an index.
// A program as a user writes it: it imports the package alone.
import { cp } from "node:fs/promises";
import { openBundle } from "sdfn";
import { CatalogueIndex, indexCatalogue } from "sdfn/search";
import {
  exportBundle,
  generateCatalogue,
  openDataset,
  openRun,
  resolveRunConfig,
  train,
} from "sdfn/training";

await generateCatalogue("data/small", { itemsPerCategory: 20, triplets: 60, sizePx: 36 });
const dataset = openDataset("data/small");
const config = resolveRunConfig({
  file: { backbone: "resnet18", backboneWidth: 0.0625, embedDim: 16, wordDim: 8, heads: 2, layers: 2 },
  set: ["imagePx=32", "resizePx=36", "batchSize=8", "epochs=1"],
});
await train({ dataset, config, runDir: "runs/first" });
const stop = new AbortController();
const onEvent = (event) => event.kind === "step" && stop.abort();
await train({ dataset, config, runDir: "runs/stopped", signal: stop.signal, onEvent });
exportBundle(openRun("runs/first"), "bundles/first");
const encoder = await openBundle("bundles/first");
const index = await CatalogueIndex.openOrCreate("indexes/shop", encoder, (folder) =>
  cp("bundles/first", folder, { recursive: true }),
);
await indexCatalogue(index, encoder, { file: "data/small/catalogue.csv" });
await index.close();
await encoder.close();
