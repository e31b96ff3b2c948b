// One training step of SDFN, ours and PyTorch's, in turn: on a shared machine only the ratio means something.
import { option } from "../dist/cli/flags/option.js";
import { onOff } from "../dist/cli/flags/option-types.js";
import { startOwnStep } from "./own-step.mjs";
import { startPeer } from "./peer.mjs";
import { batchOption, countOption } from "./shared-options.mjs";
import { median, medianRatio } from "./statistics.mjs";

export const step = {
  summary: "a training step beside PyTorch",
  description: `One training step of SDFN at the paper's size (ResNet-50, 224 px, D 1024) beside the same network in PyTorch, step by step in
turn. Needs python3-torch and python3-torchvision at /usr/bin/python3 for the peer (Debian:
apt-get install python3-torch python3-torchvision libopenblas0-openmp).`,
  options: [
    batchOption,
    countOption("--steps <n>", "counted steps of each, after one that is not", 5),
    option("--frozen", "feature maps are given instead of pictures, no backbone", onOff),
  ],
  examples: ["step --batch 16", "step --frozen --json", "step --out bench/results/step.json"],
  run: runStep,
};

async function runStep({ batch, steps, frozen: isFrozen }, say) {
  const peerArguments = ["--batch", String(batch), "--warmup", "1", "--interleave"];
  const peer = await startPeer("pytorch-step.py", isFrozen ? [...peerArguments, "--frozen"] : peerArguments);
  const ours = await startOwnStep({ batch, isFrozen });
  await ours.run(); // first-run allocation
  const times = { ours: [], peer: [] };
  for (let i = 0; i < steps; i += 1) {
    times.ours.push(await ours.run());
    if (peer) times.peer.push(await peer.run());
    const beside = peer ? `, PyTorch ${times.peer.at(-1).toFixed(2)} s` : "";
    say(`step ${i + 1} of ${steps}: ours ${times.ours.at(-1).toFixed(2)} s${beside}`);
  }
  const peerSummary = await peer?.stop();
  const result = {
    /** Images per second, ours over PyTorch's: the median of the step-by-step ratios. */
    ratio: medianRatio(times.ours, times.peer),
    ...speedOf(times.ours, batch),
    peakMemoryMb: process.resourceUsage().maxRSS / 1024,
    peer: peerSummary
      ? {
          ...speedOf(times.peer, batch),
          peakMemoryMb: peerSummary.peakMemoryMb,
          torch: peerSummary.torch,
        }
      : null,
  };
  say(describe(result, { batch, isFrozen }));
  return result;
}

function speedOf(times, batch) {
  const seconds = median(times);
  return { imagesPerSecond: (2 * batch) / seconds, secondsPerStep: seconds };
}

function describe({ ratio, imagesPerSecond, peakMemoryMb, peer }, { batch, isFrozen }) {
  const what = `SDFN, ${isFrozen ? "given feature maps" : "ResNet-50, 224 px"}, D 1024, batch ${batch}`;
  const ours = `ours     ${imagesPerSecond.toFixed(2)} images/s, peak memory ${Math.round(peakMemoryMb)} MB`;
  if (!peer) return `${what}\n${ours}`;
  const theirs = `PyTorch  ${peer.imagesPerSecond.toFixed(2)} images/s, peak memory ${Math.round(peer.peakMemoryMb)} MB`;
  return `${what}\n${ours}\n${theirs}\nratio    ${ratio.toFixed(2)} (images per second, ours over PyTorch's)`;
}
