// A catalogue's pictures indexed as `sdfn index` does it, beside embedding them in PyTorch, part by part in turn.
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { exportBundle } from "../dist/bundle/export-bundle.js";
import { openBundle } from "../dist/bundle/open-bundle.js";
import { projectCommit } from "../dist/runs/project-version.js";
import { CatalogueIndex } from "../dist/search/index/catalogue-index.js";
import { indexCatalogue } from "../dist/search/index/index-catalogue.js";
import { quantile, startPeer } from "./peer.mjs";
import { randomRun } from "./random-run.mjs";

/** Pictures of a part: long enough that starting the peer's worker does not count. */
const partSize = 512;
/** As `sdfn index` opens its model. */
const maxBatch = 16;

/** @param {{folder: string, embedDim: number, threadCount: number, isJson: boolean}} options */
export async function benchIndex({ folder, embedDim, threadCount, isJson }) {
  const pictures = picturesBelow(resolve(folder));
  const parts = [];
  for (let start = 0; start < pictures.length; start += partSize)
    parts.push(pictures.slice(start, start + partSize));
  const root = mkdtempSync(join(tmpdir(), "bench-index-"));
  symlinkSync(resolve(folder), join(root, "pictures")); // paths in a table are below it
  const bundle = join(root, "bundle");
  exportBundle(randomRun(embedDim), bundle);
  const peer = await startPeer(
    "pytorch-index.py",
    ["--dim", String(embedDim), "--threads", String(threadCount)],
    threadCount,
  );
  const encoder = await openBundle(bundle, { threadCount, maxBatch });
  const index = await CatalogueIndex.openOrCreate(join(root, "index"), encoder, (dir) =>
    cp(bundle, dir, { recursive: true }),
  );
  const [ours, theirs] = [[], []];
  try {
    for (const [number, part] of parts.entries()) {
      const start = performance.now();
      await indexCatalogue(index, encoder, {
        file: catalogueOf(part, resolve(folder), root, number),
      });
      ours.push((performance.now() - start) / 1000);
      if (peer) theirs.push(await peer.run(JSON.stringify({ pictures: part })));
      if (!isJson) {
        const rate = (seconds) => `${(part.length / seconds).toFixed(1)} a second`;
        console.log(
          `part ${number + 1} of ${parts.length}: ours ${rate(ours.at(-1))}${peer ? `, PyTorch ${rate(theirs.at(-1))}` : ""}`,
        );
      }
    }
    const peerSummary = await peer?.stop();
    const sum = (values) => values.reduce((a, b) => a + b, 0);
    const result = {
      /** PyTorch's time over ours, all parts together. */
      ratio: peer ? sum(theirs) / sum(ours) : null,
      medianRatio: peer
        ? quantile(
            ours.map((time, i) => theirs[i] / time),
            0.5,
          )
        : null,
      itemsPerSecond: pictures.length / sum(ours),
      peer: peer ? { itemsPerSecond: pictures.length / sum(theirs), ...peerSummary } : null,
      items: pictures.length,
      indexed: index.manifest.contents.items,
      embedDim,
      threads: threadCount,
      commit: projectCommit(),
    };
    if (!isJson && peer)
      console.log(
        `${result.items} pictures: ours ${result.itemsPerSecond.toFixed(1)} a second, PyTorch ${result.peer.itemsPerSecond.toFixed(1)}, ratio ${result.ratio.toFixed(2)}`,
      );
    console.log(JSON.stringify(result));
  } finally {
    await index.close();
    await encoder.close();
    rmSync(root, { recursive: true });
  }
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
