// One training step of SDFN, ours and PyTorch's, in turn: on a shared machine only the ratio means something.
import { createModel } from "../dist/models/registry.js";
import { Random } from "../dist/tensor/random.js";
import { projectCommit } from "../dist/training/project-version.js";
import { TrainingStep } from "../dist/training/training-step.js";
import { quantile, startPeer } from "./peer.mjs";

const vocabularySize = 5000;
const maxWords = 24;
const imagePx = 224;
/** [C, h, w] of ResNet-50's last feature map at 224 px. */
const featureMapShape = [2048, 7, 7];
const lambdas = { lambda1: 1, lambda2: 1 };

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
  const ours = await startOurs(batch, isFrozen);
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

async function startOurs(batchSize, isFrozen) {
  const random = new Random(1);
  const model = createModel("sdfn", lambdas, { vocabularySize, random });
  const training = {
    batchSize,
    imagePx,
    maxWords,
    weightDecay: 1e-6,
    gradientClip: 10,
    backboneRate: 1,
    wordRate: 1,
  };
  const step = await TrainingStep.compile(model, { training, ...(isFrozen ? { featureMapShape } : {}) });
  const batch = randomBatch(batchSize, isFrozen, random);
  const teacher = teacherLogits(batchSize, random);
  let count = 0;
  return {
    async run() {
      count += 1;
      const start = performance.now();
      const { loss, isAccepted } = await step.run(batch, {
        step: count,
        learningRate: 1e-4,
        random,
        teacher,
      });
      if (!isAccepted) throw new Error(`the loss is not finite: ${JSON.stringify(loss)}`);
      return (performance.now() - start) / 1000;
    },
  };
}

function randomBatch(batchSize, isFrozen, random) {
  const images = isFrozen
    ? {
        dtype: "float32",
        shape: [2 * batchSize, ...featureMapShape],
        data: Float32Array.from({ length: 2 * batchSize * 2048 * 49 }, () => Math.max(0, random.normal())),
      }
    : {
        dtype: "uint8",
        shape: [2 * batchSize, imagePx, imagePx, 3],
        data: Uint8Array.from({ length: 2 * batchSize * imagePx * imagePx * 3 }, () => random.integer(256)),
      };
  const lengths = Array.from({ length: batchSize }, () => 3 + random.integer(maxWords - 2));
  const tokens = lengths.flatMap((length) =>
    Array.from({ length: maxWords }, (_, t) => (t < length ? 2 + random.integer(vocabularySize - 2) : 0)),
  );
  const int64 = (shape, values) => ({ dtype: "int64", shape, data: BigInt64Array.from(values, BigInt) });
  return { images, tokens: int64([batchSize, maxWords], tokens), lengths: int64([batchSize], lengths) };
}

/** Given, as in PyTorch's run: the teacher's own forward pass is not part of the comparison. */
function teacherLogits(batchSize, random) {
  const logits = {};
  for (const [layer, destinations] of [4, 4, 1].entries()) {
    for (const kind of ["image", "text"]) {
      const shape = [batchSize, 4, destinations];
      logits[`teacher.${layer}.${kind}`] = {
        dtype: "float32",
        shape,
        data: Float32Array.from({ length: batchSize * 4 * destinations }, () => random.normal()),
      };
    }
  }
  return logits;
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
