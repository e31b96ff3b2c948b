// One training step of SDFN, ours and PyTorch's, in turn: on a shared machine only the ratio means something.
import { projectCommit } from "../dist/runs/project-version.js";
import { startOwnStep } from "./own-step.mjs";
import { quantile, startPeer } from "./peer.mjs";

/** @param {{batch: number, steps: number, isFrozen: boolean, isJson: boolean}} options */
export async function benchStep({ batch, steps, isFrozen, isJson }) {
  const peer = await startPeer("pytorch-step.py", [
    "--batch",
    String(batch),
    "--warmup",
    "1",
    "--interleave",
    ...(isFrozen ? ["--frozen"] : []),
  ]);
  const ours = await startOwnStep({ batch, isFrozen });
  await ours.run(); // first-run allocation
  const times = { ours: [], peer: [] };
  for (let i = 0; i < steps; i += 1) {
    times.ours.push(await ours.run());
    if (peer) times.peer.push(await peer.run());
    if (!isJson) {
      const beside = peer ? `, PyTorch ${times.peer.at(-1).toFixed(2)} s` : "";
      console.log(`step ${i + 1} of ${steps}: ours ${times.ours.at(-1).toFixed(2)} s${beside}`);
    }
  }
  const peerSummary = await peer?.stop();
  const [seconds, peerSeconds] = [median(times.ours), peer ? median(times.peer) : null];
  const result = {
    /** Images per second, ours over PyTorch's: the median of the step-by-step ratios. */
    ratio: peer ? median(times.ours.map((time, i) => times.peer[i] / time)) : null,
    imagesPerSecond: (2 * batch) / seconds,
    secondsPerStep: seconds,
    peakMemoryMb: process.resourceUsage().maxRSS / 1024,
    peer: peer
      ? {
          imagesPerSecond: (2 * batch) / peerSeconds,
          secondsPerStep: peerSeconds,
          peakMemoryMb: peerSummary.peakMemoryMb,
          torch: peerSummary.torch,
        }
      : null,
    batch,
    frozen: isFrozen,
    steps,
    commit: projectCommit(),
    node: process.versions.node,
  };
  if (!isJson) console.log(describe(result));
  console.log(JSON.stringify(result));
}

function describe({ ratio, imagesPerSecond, peakMemoryMb, peer, batch, frozen }) {
  const what = `SDFN, ${frozen ? "given feature maps" : "ResNet-50, 224 px"}, D 1024, batch ${batch}`;
  const ours = `ours     ${imagesPerSecond.toFixed(2)} images/s, peak memory ${Math.round(peakMemoryMb)} MB`;
  if (!peer) return `${what}\n${ours}`;
  const theirs = `PyTorch  ${peer.imagesPerSecond.toFixed(2)} images/s, peak memory ${Math.round(peer.peakMemoryMb)} MB`;
  return `${what}\n${ours}\n${theirs}\nratio    ${ratio.toFixed(2)} (images per second, ours over PyTorch's)`;
}

/** @param {number[]} values */
function median(values) {
  return quantile(values, 0.5);
}
