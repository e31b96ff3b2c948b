/** How far a model came, measured after an epoch on what is held out of training. */
import type { ImageSource } from "../data/image-source.js";
import type { DatasetSplit } from "../data/triplet.js";
import { joinCaptions, type Vocabulary } from "../data/vocabulary.js";
import { scoreSplit } from "../evaluation/evaluate.js";
import { defaultProtocol } from "../evaluation/protocols.js";
import type { CompositionModel } from "../models/composition-model.js";
import type { FrozenBackbone } from "../retrieval/frozen-backbone.js";
import { ModelEmbedder } from "../retrieval/model-embedder.js";
import type { SessionOptions } from "../runtime/session.js";
import type { EpochMetrics } from "./metrics.js";
import type { RunConfig } from "./run-config.js";

/** What epochs are compared by: the mean of R@1, R@10 and R@50, percent; small galleries saturate the last. */
export function recallOf({ r1, r10, r50 }: NonNullable<EpochMetrics["validation"]>): number {
  return (r1 + r10 + r50) / 3;
}

/** Recall and route statistics on the held-out triplets. */
export async function watch(
  model: CompositionModel,
  {
    images,
    vocabulary,
    features,
    training,
    validation,
    session,
  }: {
    images: ImageSource;
    vocabulary: Vocabulary;
    features: FrozenBackbone | undefined;
    training: RunConfig["training"];
    validation: DatasetSplit | undefined;
    session: SessionOptions;
  },
): Promise<Pick<EpochMetrics, "validation" | "routerEntropy" | "routeWeights">> {
  if (!validation) return {};
  const embedder = await ModelEmbedder.compile(
    model,
    { images, vocabulary, featureMaps: features, ...training },
    session,
  );
  try {
    const { mean, perCategory } = await scoreSplit(validation, embedder, { protocol: defaultProtocol });
    const categories = Object.values(perCategory);
    const routes = await embedder.routeStatistics(
      validation.triplets.map(({ reference, captions }) => ({ reference, text: joinCaptions(captions) })),
    );
    const total = (value: (category: (typeof categories)[number]) => number) =>
      categories.reduce((sum, c) => sum + value(c), 0);
    return {
      validation: {
        r1: mean.r1,
        r10: mean.r10,
        r50: mean.r50,
        queries: total((c) => c.queries),
        gallery: total((c) => c.gallery),
      },
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
