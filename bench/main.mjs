// Benchmarks: `npm run bench -- NAME [options]`. Those with a peer run ours and the peer in turn and print a ratio.
import { parseArgs } from "node:util";
import { benchFeatures } from "./features.mjs";
import { benchGrowth, growthAxes } from "./growth.mjs";
import { benchImages } from "./images.mjs";
import { benchIndex } from "./index.mjs";
import { benchLoad } from "./load.mjs";
import { benchMemory } from "./memory.mjs";
import { benchQuery } from "./query.mjs";
import { benchStep } from "./step.mjs";
import { benchStore } from "./store.mjs";

const help = `Usage: npm run bench -- step [options]
       npm run bench -- features --data DIR [options]
       npm run bench -- growth [options]
       npm run bench -- memory [options]
       npm run bench -- images --folder DIR [options]
       npm run bench -- store [options]
       npm run bench -- query [options]
       npm run bench -- load [options]
       npm run bench -- index --folder DIR [options]

step: one training step of SDFN at the paper's size (ResNet-50, 224 px, D 1024) beside the same network in PyTorch, step by
step in turn. Needs python3-torch and python3-torchvision at /usr/bin/python3 for the peer (Debian:
apt-get install python3-torch python3-torchvision libopenblas0-openmp).

features: a frozen ResNet-50's feature maps of a data set in FashionIQ's layout, then training steps from them beside
steps end to end. A map is 0.2 MB.

growth: time and peak memory of a training step, and how they grow with the batch (all of it in memory, or by micro-batches),
the size of pictures, regions and vocabulary. Prints tables. A point that is thought to take more memory than there is is
not run. About ten minutes on two cores that do nothing else; with --results it can be stopped and continued.

memory: peak memory of trainings of a few steps beside the estimate that "sdfn train" prints, and the factors that fit it
best. Peaks do not depend on what else the machine does.

images: images per second to 256 px with crops of 224 px, decoded, from the disk cache and from memory; and how long
steps wait for their batches.

store: an index's store of synthetic clustered vectors: time to build, size on disk, and recall@50 and latency beside exact
search through ONNX Runtime, query by query in turn, with and without filters. Takes 4 KB of disk and memory an item.

query: one picture and one text sent over HTTP to \`sdfn serve\` (ResNet-50, 224 px, random weights): decoded, embedded and
searched among the items of an index, beside the same in PyTorch and NumPy behind Python's own HTTP server, query by query
in turn.

load: \`sdfn serve\` under many clients at once: errors, latency, throughput, memory, and how late its event loop is.

index: a catalogue of the JPEG files in a folder (those below it too) indexed as \`sdfn index\` does, with an exported bundle
(ResNet-50, 224 px, random weights): read, hashed, embedded, thumbnails, written safely. Beside PyTorch, which decodes in
another process, embeds in batches and saves the vectors: a part of the catalogue each in turn.

Options:
  --batch N      triplets a step (default 8); images a step are 2N
  --frozen       step: feature maps are given instead of pictures, no backbone
  --steps N      counted steps (or queries) of each (default 5, after those that are not; growth 1)
  --axis NAME    growth: one axis, of ${growthAxes.join(", ")} (default all)
  --tiny         growth, memory: models too small to mean anything, to see that all of it runs
  --results FILE growth, memory: a line for each point; those that are in the file are not measured again
  --data DIR     features: the data set
  --cache DIR    features: where maps are kept; a temporary folder by default
  --weights FILE features: the backbone's weights (safetensors); random ones by default, which take as long
  --width N      features, query, index, load: D, the width of embeddings (default 1024)
  --items N      query, load, store: items in the catalogue (default 100000)
  --threads N    index: threads of each side (default 2)
  --folder DIR   images: JPEG, PNG and WebP files, folders inside included; query, load: JPEG files, drawn ones by default;
                 index: JPEG files
  --step-ms N    images: how long a step occupies the main thread (default 500)
  --clients N    load: clients (default 16)
  --seconds N    load: time that counts (default 60)
  --queries N    store: queries of each filter (default 200)
  --json         print one JSON line
  --help         show this

Examples:
  npm run bench -- step --batch 16
  npm run bench -- step --frozen --json
  npm run bench -- features --data data/fashioniq --batch 32 --steps 20
  npm run bench -- growth --axis micro --results growth.jsonl
  npm run bench -- images --folder data/photos --batch 32 --steps 20
  npm run bench -- store --items 1000000
  npm run bench -- query --steps 60 --width 512
  npm run bench -- load --clients 16 --seconds 60
  npm run bench -- index --folder data/photos`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: "string", default: "8" },
    steps: { type: "string" },
    frozen: { type: "boolean", default: false },
    folder: { type: "string" },
    "step-ms": { type: "string", default: "500" },
    axis: { type: "string" },
    tiny: { type: "boolean", default: false },
    results: { type: "string" },
    data: { type: "string" },
    cache: { type: "string" },
    weights: { type: "string" },
    items: { type: "string", default: "100000" },
    threads: { type: "string", default: "2" },
    width: { type: "string", default: "1024" },
    queries: { type: "string", default: "200" },
    clients: { type: "string", default: "16" },
    seconds: { type: "string", default: "60" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const name = positionals.join();
values.steps ??= name === "growth" ? "1" : "5";
const numbers = [
  "batch",
  "steps",
  "width",
  "items",
  "threads",
  "queries",
  "step-ms",
  "clients",
  "seconds",
].map((name) => Number(values[name]));
const [batch, steps, embedDim, itemCount, threadCount, queries, stepMs, clients, seconds] = numbers;
const isUsable =
  (["step", "query", "load", "store", "memory"].includes(name) ||
    (name === "growth" && (values.axis === undefined || growthAxes.includes(values.axis))) ||
    (name === "features" && values.data !== undefined) ||
    (["images", "index"].includes(name) && values.folder !== undefined)) &&
  numbers.every((n) => Number.isInteger(n) && n >= 1);
if (values.help || !isUsable) {
  console.error(help);
  process.exit(values.help ? 0 : 2);
}
const { data, weights, cache, folder, frozen: isFrozen, json: isJson } = values;
const points = { isTiny: values.tiny, resultsFile: values.results, isJson };
if (name === "step") await benchStep({ batch, steps, isFrozen, isJson });
else if (name === "growth") await benchGrowth({ axis: values.axis, steps, ...points });
else if (name === "memory") await benchMemory(points);
else if (name === "store") await benchStore({ items: itemCount, queries, isJson });
else if (name === "load") await benchLoad({ folder, embedDim, itemCount, clients, seconds, isJson });
else if (name === "query") await benchQuery({ folder, embedDim, itemCount, steps, isJson });
else if (name === "index") await benchIndex({ folder, embedDim, threadCount, isJson });
else if (name === "images") await benchImages({ folder, batch, steps: steps + 1, stepMs, isJson });
else await benchFeatures({ data, weights, cache, embedDim, batch, steps, isJson });
