// Benchmarks against peers: `npm run bench -- NAME [options]`. Each runs ours and the peer in turn and prints a ratio.
import { parseArgs } from "node:util";
import { benchStep } from "./step.mjs";

const help = `Usage: npm run bench -- step [options]

One training step of SDFN at the paper's size (ResNet-50, 224 px, D 1024) beside the same network in PyTorch, step by
step in turn. Needs python3-torch and python3-torchvision at /usr/bin/python3 for the peer (Debian:
apt-get install python3-torch python3-torchvision libopenblas0-openmp).

Options:
  --batch N    triplets a step (default 8); images a step are 2N
  --frozen     feature maps are given instead of pictures: no backbone
  --steps N    counted steps of each (default 5, after one that is not)
  --json       print one JSON line
  --help       show this

Examples:
  npm run bench -- step --batch 16
  npm run bench -- step --frozen --json`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: "string", default: "8" },
    steps: { type: "string", default: "5" },
    frozen: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const [batch, steps] = [Number(values.batch), Number(values.steps)];
const isUsable = positionals.join() === "step" && [batch, steps].every((n) => Number.isInteger(n) && n >= 1);
if (values.help || !isUsable) {
  console.error(help);
  process.exit(values.help ? 0 : 2);
}
await benchStep({ batch, steps, isFrozen: values.frozen, isJson: values.json });
