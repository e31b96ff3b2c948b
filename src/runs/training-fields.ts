/** Configuration of data preparation and training; a run's configuration is these fields and its model's. */
import { z } from "zod";
import { batchGroupings } from "../data/batches/batch-loader.js";
import { holdOutRules } from "../data/hold-out.js";
import { imageFits } from "../images/image.js";

/**
 * Fields and defaults. The paper states Adam with weight decay, step decay by 10, epochs and batch sizes (section 3.1;
 * FashionIQ's are the defaults); its rate and decay are not recoverable, so those follow AMC, its closest relative.
 */
export const trainingFields = {
  /** Seed of initial values, dropout, order and augmentation. */
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(1),
  /** Passes over the training triplets. */
  epochs: z.int().min(1).max(10_000).default(60),
  /** B, triplets per step; in-batch classification compares every query with B targets. */
  batchSize: z.int().min(2).max(4096).default(32),
  /**
   * Triplets that are in memory at a time, for large batches on small machines; a divisor of batchSize, null is all of
   * them. The loss and its gradient are still the whole batch's (docs/performance.md).
   */
  microBatchSize: z.int().min(1).max(4096).nullable().default(null),
  /** Adam's rate. */
  learningRate: z.number().positive().default(1e-4),
  /** Times the rate, for the backbone. */
  backboneRate: z.number().min(0).max(10).default(1),
  /**
   * The backbone keeps its weights and statistics; its feature maps are computed once for each image, of the middle of
   * the picture, and mirrored if `flip` says so. `randomCrop`, `backboneRate` and `backboneStatistics` have no effect.
   */
  freezeBackbone: z.boolean().default(false),
  /** Times the rate, for the word vectors. */
  wordRate: z.number().min(0).max(10).default(1),
  /** L2 term added to every gradient. */
  weightDecay: z.number().min(0).max(1).default(1e-6),
  /** Steps over which the rate rises from 0. */
  warmupSteps: z.int().min(0).max(1_000_000).default(0),
  /** "step" multiplies the rate by decayFactor once; "cosine" lets it fall to 0. */
  schedule: z.enum(["step", "cosine"]).default("step"),
  /** Fraction of all steps after which "step" decays: 50 of 60 epochs. */
  decayAt: z
    .number()
    .min(0)
    .max(1)
    .default(5 / 6),
  decayFactor: z.number().positive().max(1).default(0.1),
  /** Bound on the global norm of the gradients; 0 is none. */
  gradientClip: z.number().min(0).default(0),
  /**
   * Decay d of the weight average: after step t, average = k · average + (1 - k) · parameters with
   * k = min(d, (1 + t) / (10 + t)), running statistics included. The average is what is watched and saved, training goes
   * on from the parameters; 0 is none.
   */
  weightAverage: z.number().min(0).max(0.999_999).default(0),
  /**
   * Fraction of the training triplets that is not trained on, at most 500; recall on them is printed after every epoch,
   * and `keep` and `patience` go by it. Never a part of the split that results are reported on.
   */
  holdOut: z.number().min(0).max(0.5).default(0.05),
  /** "item" holds out images with all their triplets; "triplet" triplets whose images may be trained on in others. */
  holdOutBy: z.enum(holdOutRules).default("item"),
  /** The epoch whose parameters the run keeps: the last, or the one with the highest mean of held-out R@1, R@10, R@50. */
  keep: z.enum(["last", "best"]).default("last"),
  /** Training ends early after so many epochs without a higher mean of held-out recalls; 0 is never. */
  patience: z.int().min(0).max(10_000).default(0),
  /** Trains on the triplets of one category; empty is all of them, mixed. */
  category: z.string().max(200).default(""),
  /**
   * Share of the triplets that are trained on which have the modification text of another, drawn by the seed: wrong data,
   * to see what a method stands. Held-out triplets and the split that is reported on stay right.
   */
  mismatchedTriplets: z.number().min(0).max(1).default(0),
  /**
   * Self path distillation's teacher, the model at the end of the preceding epoch: "snapshot" sees every batch as the
   * student does, augmented; "stored" computed its predictions once, on the middle of each picture and the captions in
   * their order.
   */
  teacher: z.enum(["snapshot", "stored"]).default("snapshot"),
  /**
   * Training stops as diverged when the loss was above this factor times its running mean (at least ln batchSize, the
   * loss of a model that knows nothing) for `lossLimitSteps` steps on end; 0 is never.
   */
  lossLimit: z.number().min(0).default(10),
  lossLimitSteps: z.int().min(1).max(1_000_000).default(20),
  /** Side of the pictures the network sees; by default the backbone's (ResNet: 224). */
  imagePx: z.int().min(32).max(1024),
  /** Side that pictures are resized to; a part of imagePx is cut from it. By default the backbone's (ResNet: 256). */
  resizePx: z.int().min(32).max(2048),
  /** How a picture becomes a square; by default the backbone's (ResNet: "squash"). */
  imageFit: z.enum(imageFits),
  /** Training cuts at random places; off, it cuts the middle as evaluation does. */
  randomCrop: z.boolean().default(true),
  /** Training mirrors half of the pictures. */
  flip: z.boolean().default(true),
  /** Training swaps the order of half of the caption pairs. */
  swapCaptions: z.boolean().default(false),
  /**
   * What the triplets of a batch have in common, which makes in-batch negatives harder: nothing, their category, or
   * images they share with each other.
   */
  batchGrouping: z.enum(batchGroupings).default("none"),
  /** T, words of a joined text; later ones are cut off. */
  maxWords: z.int().min(1).max(256).default(30),
  /** Rarer words of the training texts are unknown. */
  minWordCount: z.int().min(1).max(1000).default(1),
} as const;

const trainingSchema = z.object(trainingFields);

/** Data preparation and training, complete. */
export type TrainingConfig = z.output<typeof trainingSchema>;

/** What is wrong with fields that are right one by one. */
export function refusedTrainingCombinations(config: Partial<TrainingConfig>): string[] {
  const { imagePx, resizePx, batchSize, microBatchSize, holdOut, keep, patience = 0 } = config;
  return [
    ...(imagePx !== undefined && resizePx !== undefined && imagePx > resizePx
      ? [`imagePx: must not exceed resizePx; got imagePx ${imagePx}, resizePx ${resizePx}`]
      : []),
    ...(batchSize !== undefined && microBatchSize && batchSize % microBatchSize !== 0
      ? [
          `microBatchSize: must divide batchSize; got microBatchSize ${microBatchSize}, batchSize ${batchSize}`,
        ]
      : []),
    ...(holdOut === 0 && keep === "best" ? ["keep: best goes by held-out triplets; got holdOut 0"] : []),
    ...(holdOut === 0 && patience > 0
      ? [`patience: goes by held-out triplets; got patience ${patience}, holdOut 0`]
      : []),
  ];
}
