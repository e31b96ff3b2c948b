// A small bundle and a small index for the targets that need one; the model in them was never trained.
import { writeFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import {
  CatalogueIndex,
  createModel,
  exportBundle,
  indexCatalogue,
  openBundle,
  Random,
  resolveRunConfig,
  Vocabulary,
} from "./project.mjs";

const tiny = {
  backbone: "resnet18",
  backboneWidth: 0.0625,
  embedDim: 8,
  wordDim: 6,
  heads: 2,
  layers: 2,
  imagePx: 32,
  resizePx: 40,
  maxWords: 5,
};

/** A bundle's folder in `root`. */
export function makeBundle(root) {
  const config = resolveRunConfig({ file: tiny });
  const vocabulary = new Vocabulary(["is", "red", "blue"]);
  const model = createModel(config.model, config.modelConfig, {
    vocabularySize: vocabulary.size,
    imagePx: config.training.imagePx,
    random: new Random(7),
  });
  const startedAt = "2026-01-02T03:04:05.000Z";
  const manifest = {
    format: 1,
    status: "complete",
    commit: "abc",
    dataset: { name: "drawn", root: "drawn" },
    config: { ...config.fields },
    step: 0,
    startedAt,
    seconds: 0,
  };
  const folder = join(root, "bundle");
  exportBundle({ runDir: "never-trained", manifest, config, vocabulary, phrases: ["is red"], model }, folder);
  return folder;
}

/** An index's folder in `root`: items A1 to A8, and their pictures as `A1.png`. */
export async function makeIndex(root) {
  const bundle = makeBundle(root);
  const rows = ["id,image,category,title,price,colour"];
  for (let i = 1; i <= 8; i += 1) {
    const background = { r: (i * 41) % 256, g: (i * 97) % 256, b: (i * 151) % 256 };
    await sharp({ create: { width: 40 + i, height: 60, channels: 3, background } }).toFile(
      join(root, `A${i}.png`),
    );
    rows.push(`A${i},A${i}.png,${i % 2 ? "dress" : "shirt"},Number ${i},${i % 3 ? 10 * i : ""},red`);
  }
  const file = join(root, "catalogue.csv");
  writeFileSync(file, `${rows.join("\n")}\n`);
  const encoder = await openBundle(bundle);
  const folder = join(root, "index");
  const index = await CatalogueIndex.openOrCreate(folder, encoder, (to) =>
    cp(bundle, to, { recursive: true }),
  );
  await indexCatalogue(index, encoder, { file });
  await index.close();
  await encoder.close();
  return folder;
}
