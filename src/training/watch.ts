/** Measures a model after an epoch: recall on the held-out triplets, if there are any, and its routers. */

import type { DatasetSplit, Triplet } from "../data/triplet.js";
import type { FrozenBackbone } from "../embedding/frozen-backbone.js";
import { inferenceGraphs } from "../embedding/inference-graphs.js";
import { ModelEmbedder } from "../embedding/model-embedder.js";
import type { SessionOptions } from "../engine/runtime/session.js";
import { scoreSplit } from "../evaluation/evaluate.js";
import { defaultProtocol } from "../evaluation/protocols.js";
import type { ImageSource } from "../images/image-source.js";
import type { CompositionModel } from "../models/composition-model.js";
import type { EpochMetrics } from "../runs/metrics.js";
import type { RunConfig } from "../runs/run-config.js";
import { joinCaptions, type Vocabulary } from "../text/vocabulary.js";

/** What epochs are compared by: the mean of R@1, R@10 and R@50, percent; small galleries saturate the last. */
export function recallOf({ r1, r10, r50 }: NonNullable<EpochMetrics["validation"]>): number {
  return (r1 + r10 + r50) / 3;
}

/** Triplets on which routers are looked at where none are held out. */
const routedTriplets = 64;

/** Recall and route statistics on the held-out triplets; without any, route statistics on some of those trained on. */
export async function watch(
  model: CompositionModel,
  {
    images,
    vocabulary,
    features,
    training,
    validation,
    trainedOn,
    session,
  }: {
    images: ImageSource;
    vocabulary: Vocabulary;
    features: FrozenBackbone | undefined;
    training: RunConfig["training"];
    validation: DatasetSplit | undefined;
    trainedOn: readonly Triplet[];
    session: SessionOptions;
  },
): Promise<Pick<EpochMetrics, "validation" | "routerEntropy" | "routeWeights">> {
  const featureMapShapes = features?.shapes;
  if (!validation && inferenceGraphs(model, { ...training, featureMapShapes }).layerCount === 0) return {};
  const embedder = await ModelEmbedder.compile(
    model,
    { images, vocabulary, featureMaps: features, ...training },
    session,
  );
  try {
    const routed = validation?.triplets ?? trainedOn.slice(0, routedTriplets);
    const routes = await embedder.routeStatistics(
      routed.map(({ reference, captions }) => ({ reference, text: joinCaptions(captions) })),
    );
    return {
      validation: validation ? await recallsOf(validation, embedder) : undefined,
      ...(routes.length > 0
        ? {
            routerEntropy: routes.map(({ entropy }) => entropy),
            routeWeights: routes.map(({ weights }) => weights),
          }
        : {}),
    };
  } finally {
    await embedder.release();
  }
}

async function recallsOf(
  split: DatasetSplit,
  embedder: ModelEmbedder,
): Promise<NonNullable<EpochMetrics["validation"]>> {
  const { mean, perCategory } = await scoreSplit(split, embedder, { protocol: defaultProtocol });
  const categories = Object.values(perCategory);
  const total = (value: (category: (typeof categories)[number]) => number) =>
    categories.reduce((sum, category) => sum + value(category), 0);
  return {
    r1: mean.r1,
    r10: mean.r10,
    r50: mean.r50,
    queries: total(({ queries }) => queries),
    gallery: total(({ gallery }) => gallery),
  };
}
