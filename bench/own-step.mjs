// A training step of SDFN on random pictures and texts, ready to be timed.

import { Random } from "../dist/engine/tensor/random.js";
import { createModel } from "../dist/models/registry.js";
import { TrainingStep } from "../dist/training/training-step.js";

const maxWords = 24;
/** Fields of the model, and channels of its backbone's last feature map. */
const sizes = {
  paper: { fields: {}, mapChannels: 2048 },
  tiny: {
    fields: { backbone: "resnet18", backboneWidth: 1 / 16, embedDim: 16, wordDim: 8, heads: 2 },
    mapChannels: 32,
  },
};

/**
 * SDFN at the paper's size: ResNet-50, D 1024; or so small that it runs at once and its figures mean nothing. A frozen
 * backbone's feature maps have one position for 32 pixels.
 * @param {{batch: number, isFrozen?: boolean, microBatch?: number | null, imagePx?: number, vocabularySize?: number,
 *   isTiny?: boolean, beforeCompile?: (memory: import("../dist/engine/graph/peak-memory.js").GraphMemory) => void}} options
 */
export async function startOwnStep({
  batch: batchSize,
  isFrozen = false,
  microBatch = null,
  imagePx = 224,
  vocabularySize = 5000,
  isTiny = false,
  beforeCompile,
}) {
  const { fields, mapChannels } = isTiny ? sizes.tiny : sizes.paper;
  const random = new Random(1);
  const model = createModel("sdfn", { ...fields, lambda1: 1, lambda2: 1 }, { vocabularySize, random });
  const training = {
    batchSize,
    microBatchSize: microBatch,
    imagePx,
    maxWords,
    weightDecay: 1e-6,
    gradientClip: 10,
    backboneRate: 1,
    wordRate: 1,
  };
  const side = Math.ceil(imagePx / 32);
  const featureMapShape = [mapChannels, side, side];
  const compileStart = performance.now();
  const step = await TrainingStep.compile(
    model,
    {
      training,
      ...(isFrozen
        ? { featureMapShapes: new Map([["images", featureMapShape]]), featureMapType: "float32" }
        : {}),
    },
    { beforeCompile },
  );
  const compileSeconds = (performance.now() - compileStart) / 1000;
  const images = isFrozen
    ? randomMaps([2 * batchSize, ...featureMapShape], random)
    : randomPictures([2 * batchSize, imagePx, imagePx, 3], random);
  const batch = { images: { images }, ...randomTexts(batchSize, vocabularySize, random) };
  const teacher = teacherLogits(batchSize, random);
  let count = 0;
  return {
    compileSeconds,
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

function randomMaps(shape, random) {
  const length = shape.reduce((product, dim) => product * dim, 1);
  const data = Float32Array.from({ length }, () => Math.max(0, random.normal()));
  return { dtype: "float32", shape, data };
}

function randomPictures(shape, random) {
  const data = new Uint8Array(shape.reduce((product, dim) => product * dim, 1));
  for (let i = 0; i < data.length; i += 1) data[i] = random.integer(256);
  return { dtype: "uint8", shape, data };
}

function randomTexts(batchSize, vocabularySize, random) {
  const lengths = Array.from({ length: batchSize }, () => 3 + random.integer(maxWords - 2));
  const tokens = lengths.flatMap((length) =>
    Array.from({ length: maxWords }, (_, t) => (t < length ? 2 + random.integer(vocabularySize - 2) : 0)),
  );
  const int64 = (shape, values) => ({ dtype: "int64", shape, data: BigInt64Array.from(values, BigInt) });
  return { tokens: int64([batchSize, maxWords], tokens), lengths: int64([batchSize], lengths) };
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
