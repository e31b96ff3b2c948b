/** Training steps on one random batch, and whether two ways to compute them give the same. */

import { expect } from "vitest";
import { Random } from "../../src/engine/tensor/random.js";
import { elementCount } from "../../src/engine/tensor/shape.js";
import { float32, int64, type Tensor, tensor } from "../../src/engine/tensor/tensor.js";
import type { FeatureMapShapes, PictureTensors } from "../../src/images/feature-maps.js";
import type { CompositionModel } from "../../src/models/composition-model.js";
import { type TeacherLogits, TrainingStep } from "../../src/training/training-step.js";
import { session } from "./tiny-training.js";

export const [batchSize, imagePx, maxWords, vocabularySize] = [6, 32, 5, 23];
export const featureMapShape = [32, 2, 1] as const;

/** The smallest model. */
export const small = { backbone: "resnet18", backboneWidth: 1 / 16, wordDim: 7 };

export const training = (
  microBatchSize: number | null,
  others: { batchSize?: number; gradientClip?: number } = {},
) => ({
  batchSize,
  imagePx,
  maxWords,
  weightDecay: 0.01,
  gradientClip: 0,
  backboneRate: 1,
  wordRate: 1,
  ...others,
  microBatchSize,
});

export interface PreparedBatch {
  readonly images: PictureTensors;
  readonly tokens: Tensor<"int64">;
  readonly lengths: Tensor<"int64">;
}

/** Pictures, or maps of these shapes. */
export function newBatch(shapes?: FeatureMapShapes): PreparedBatch {
  const random = new Random(4);
  const lengths = Array.from({ length: batchSize }, () => 2 + random.integer(maxWords - 1));
  const words = lengths.flatMap((n) =>
    Array.from({ length: maxWords }, (_, t) => (t < n ? 2 + random.integer(vocabularySize - 2) : 0)),
  );
  const pixels = () =>
    Uint8Array.from({ length: 2 * batchSize * imagePx * imagePx * 3 }, () => random.integer(256));
  const maps = [...(shapes ?? [])].map(([name, shape]) => {
    const values = Array.from({ length: 2 * batchSize * elementCount(shape) }, () =>
      Math.abs(random.normal()),
    );
    return [name, float32([2 * batchSize, ...shape], values)] as const;
  });
  return {
    images: shapes
      ? (Object.fromEntries(maps) as unknown as PictureTensors)
      : { images: tensor("uint8", [2 * batchSize, imagePx, imagePx, 3], pixels()) },
    tokens: int64([batchSize, maxWords], words),
    lengths: int64([batchSize], lengths),
  };
}

/** The same batch with the second half of its triplets equal to the first: each half has the statistics of the whole. */
export function withEqualHalves({ images, tokens, lengths }: PreparedBatch): PreparedBatch {
  const maps = Object.entries(images).map(([name, map]) => [name, equalHalves(map)] as const);
  return {
    images: Object.fromEntries(maps) as unknown as PictureTensors,
    tokens: equalHalves(tokens),
    lengths: equalHalves(lengths),
  };
}

/** One row a triplet, or all references and then all targets. */
function equalHalves<T extends Tensor>(whole: T): T {
  const data = whole.data.slice();
  const blockLength = data.length / ((whole.shape[0] ?? 0) / batchSize);
  for (let start = 0; start < data.length; start += blockLength) {
    data.copyWithin(start + blockLength / 2, start, start + blockLength / 2);
  }
  return { ...whole, data };
}

/** Draws masks whose second half is equal to the first. */
export class EqualHalves extends Random {
  override fillMask(mask: Uint8Array, keepProbability: number): void {
    super.fillMask(mask.subarray(0, mask.length / 2), keepProbability);
    mask.copyWithin(mask.length / 2, 0, mask.length / 2);
  }
}

/** Steps on one batch, and everything that they leave behind. */
export async function stepped(
  model: CompositionModel,
  config: Parameters<typeof TrainingStep.compile>[1],
  {
    steps = 2,
    batch = newBatch(config.featureMapShapes),
    learningRate = 0.01,
    random = new Random(5),
    logits = logitsLike(model, config.training.batchSize),
  } = {},
) {
  const step = await TrainingStep.compile(model, config, session);
  const results = [];
  for (let i = 1; i <= steps; i += 1) {
    // None in the first step, as in the first epoch.
    const teacher = i === 1 ? undefined : logits;
    results.push(await step.run(batch, { step: i, learningRate, random, teacher }));
  }
  await step.release();
  const notFinite = new Set(step.notFinite);
  const bad = [...model.namedParameters()].filter(([, parameter]) => notFinite.has(parameter));
  const moments = new Map([...step.moments].map(([name, { data }]) => [name, data.slice()]));
  return {
    results,
    moments,
    notes: step.notes,
    notFinite: bad.map(([name]) => name),
    state: model.stateDict(),
    randomState: random.state(),
  };
}

/** Random logits in place of a teacher's. */
function logitsLike(model: CompositionModel, count: number): TeacherLogits | undefined {
  if (!model.isSelfDistilled) return undefined;
  const random = new Random(6);
  const entries = [4, 1].flatMap((destinations, layer) =>
    ["image", "text"].map((kind) => {
      const values = Array.from({ length: count * 4 * destinations }, () => random.normal());
      return [`teacher.${layer}.${kind}`, float32([count, 4, destinations], values)] as const;
    }),
  );
  return Object.fromEntries(entries);
}

/** Largest difference of a tensor, as a part of its largest element. */
export function differenceOf(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, size] = [0, 0];
  for (let i = 0; i < a.length; i += 1) {
    difference = Math.max(difference, Math.abs((a[i] ?? 0) - (b[i] ?? 0)));
    size = Math.max(size, Math.abs(b[i] ?? 0));
  }
  return size === 0 ? difference : difference / size;
}

export type Stepped = Awaited<ReturnType<typeof stepped>>;

/** @param closeness of losses and moments, as a part of them: rounding, which batch norm on a few rows enlarges. */
export function expectSame(
  cached: Stepped,
  whole: Stepped,
  closeness = { losses: 1e-6, moments: 2e-5 },
): void {
  for (const [i, { loss, gradientNorm, isAccepted }] of cached.results.entries()) {
    const expected = whole.results[i];
    expect(isAccepted).toBe(true);
    expect(Object.keys(loss)).toEqual(Object.keys(expected?.loss ?? {}));
    for (const [part, value] of Object.entries(loss))
      expect(Math.abs(value - (expected?.loss[part] ?? 0)), part).toBeLessThan(
        closeness.losses * (1 + Math.abs(value)),
      );
    expect(gradientNorm / (expected?.gradientNorm ?? 0)).toBeCloseTo(1, 5);
  }
  expect([...cached.moments.keys()]).toEqual([...whole.moments.keys()]);
  for (const [name, moment] of cached.moments)
    expect(differenceOf(moment, whole.moments.get(name) ?? []), name).toBeLessThan(closeness.moments);
  expect(cached.randomState).toEqual(whole.randomState);
}
