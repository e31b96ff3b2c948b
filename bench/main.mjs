// Benchmarks: `npm run bench -- NAME [options]`. Those with a peer run ours and the peer in turn and print a ratio.
import { parseArgs } from "node:util";
import { benchImages } from "./images.mjs";
import { benchStep } from "./step.mjs";

const help = `Usage: npm run bench -- step|images [options]

step: one training step of SDFN at the paper's size (ResNet-50, 224 px, D 1024) beside the same network in PyTorch, step
by step in turn. Needs python3-torch and python3-torchvision at /usr/bin/python3 for the peer (Debian:
apt-get install python3-torch python3-torchvision libopenblas0-openmp).

images: images per second to 256 px with crops of 224 px, decoded, from the disk cache and from memory; and how long
steps wait for their batches.

Options:
  --batch N     triplets a step (default 8); images a step are 2N
  --steps N     counted steps (default 5, after one that is not)
  --json        print one JSON line
  --frozen      step: feature maps are given instead of pictures, no backbone
  --folder DIR  images: JPEG, PNG and WebP files, folders inside included (required)
  --step-ms N   images: how long a step occupies the main thread (default 500)
  --help        show this

Examples:
  npm run bench -- step --batch 16
  npm run bench -- step --frozen --json
  npm run bench -- images --folder data/photos --batch 32 --steps 20`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: "string", default: "8" },
    steps: { type: "string", default: "5" },
    frozen: { type: "boolean", default: false },
    folder: { type: "string" },
    "step-ms": { type: "string", default: "500" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const [batch, steps, stepMs] = [Number(values.batch), Number(values.steps), Number(values["step-ms"])];
const { folder, frozen: isFrozen, json: isJson } = values;
const name = positionals.join();
const isUsable =
  [batch, steps, stepMs].every((n) => Number.isInteger(n) && n >= 1) &&
  (name === "step" || (name === "images" && folder !== undefined));
if (values.help || !isUsable) {
  console.error(help);
  process.exit(values.help ? 0 : 2);
}
if (name === "images") await benchImages({ folder, batch, steps: steps + 1, stepMs, isJson });
else await benchStep({ batch, steps, isFrozen, isJson });
