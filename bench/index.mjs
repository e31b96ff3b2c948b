// A catalogue's pictures indexed as `sdfn index` does it, beside embedding them in PyTorch, part by part in turn.
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { exportBundle } from "../dist/bundle/export-bundle.js";
import { openBundle } from "../dist/bundle/open-bundle.js";
import { CatalogueIndex } from "../dist/search/index/catalogue-index.js";
import { indexCatalogue } from "../dist/search/index/index-catalogue.js";
import { startPeer } from "./peer.mjs";
import { randomRun } from "./random-run.mjs";
import { countOption, neededFolder, widthOption } from "./shared-options.mjs";
import { medianRatio } from "./statistics.mjs";

export const index = {
  summary: "a catalogue indexed beside PyTorch",
  description: `A catalogue of the JPEG files in a folder (those below it too) indexed as \`sdfn index\` does, with an exported bundle (ResNet-50,
224 px, random weights): read, hashed, embedded, thumbnails, written safely. Beside PyTorch, which decodes in another process, embeds in
batches and saves the vectors: a part of the catalogue each in turn.`,
  options: [
    neededFolder("JPEG files, folders inside included"),
    widthOption,
    countOption("--threads <n>", "threads of each side", 2),
  ],
  examples: ["index --folder data/photos"],
  run: runIndex,
};

/** Pictures of a part: long enough that starting the peer's worker does not count. */
const partSize = 512;
/** As `sdfn index` opens its model. */
const maxBatch = 16;

async function runIndex({ folder, width: embedDim, threads: threadCount }, say) {
  const pictures = picturesBelow(resolve(folder));
  const root = mkdtempSync(join(tmpdir(), "bench-index-"));
  symlinkSync(resolve(folder), join(root, "pictures")); // paths in a table are below it
  const bundle = join(root, "bundle");
  exportBundle(randomRun(embedDim), bundle);
  const peerArguments = ["--dim", String(embedDim), "--threads", String(threadCount)];
  const peer = await startPeer("pytorch-index.py", peerArguments, threadCount);
  const encoder = await openBundle(bundle, { threadCount, maxBatch });
  const catalogue = await CatalogueIndex.openOrCreate(join(root, "index"), encoder, (dir) =>
    cp(bundle, dir, { recursive: true }),
  );
  const [ours, theirs] = [[], []];
  try {
    const parts = partsOf(pictures);
    for (const [number, part] of parts.entries()) {
      const file = catalogueOf(part, resolve(folder), root, number);
      const start = performance.now();
      await indexCatalogue(catalogue, encoder, { file, allowLinks: true });
      ours.push((performance.now() - start) / 1000);
      if (peer) theirs.push(await peer.run(JSON.stringify({ pictures: part })));
      const rate = (seconds) => `${(part.length / seconds).toFixed(1)} a second`;
      say(
        `part ${number + 1} of ${parts.length}: ours ${rate(ours.at(-1))}${peer ? `, PyTorch ${rate(theirs.at(-1))}` : ""}`,
      );
    }
    const indexed = catalogue.manifest.contents.items;
    if (indexed !== pictures.length)
      throw new Error(`${indexed} of ${pictures.length} pictures were indexed`);
    const result = {
      /** PyTorch's time over ours, all parts together. */
      ratio: peer ? sum(theirs) / sum(ours) : null,
      medianRatio: medianRatio(ours, theirs),
      itemsPerSecond: pictures.length / sum(ours),
      peer: peer ? { itemsPerSecond: pictures.length / sum(theirs), ...(await peer.stop()) } : null,
      items: pictures.length,
    };
    say(describe(result));
    return result;
  } finally {
    await catalogue.close();
    await encoder.close();
    rmSync(root, { recursive: true });
  }
}

function describe({ items, itemsPerSecond, peer, ratio }) {
  const ours = `${items} pictures: ours ${itemsPerSecond.toFixed(1)} a second`;
  return peer ? `${ours}, PyTorch ${peer.itemsPerSecond.toFixed(1)}, ratio ${ratio.toFixed(2)}` : ours;
}

function sum(values) {
  return values.reduce((a, b) => a + b, 0);
}

function partsOf(pictures) {
  const count = Math.ceil(pictures.length / partSize);
  return Array.from({ length: count }, (_, i) => pictures.slice(i * partSize, (i + 1) * partSize));
}

/** A table of some pictures, beside a link to their folder. */
function catalogueOf(part, folder, root, number) {
  const file = join(root, `part-${number}.csv`);
  const rows = part.map((path, i) => `${number}-${i},${join("pictures", relative(folder, path))},clothing`);
  writeFileSync(file, `id,image,category\n${rows.join("\n")}\n`);
  return file;
}

function picturesBelow(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.jpe?g$/i.test(entry.name) && !/[,"\n]/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  if (files.length === 0) throw new Error(`${folder}: holds no JPEG files`);
  return files;
}
