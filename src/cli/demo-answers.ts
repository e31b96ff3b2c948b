/** Answers a handful of held-out queries for the demo's report. */
import { thumbnailDataUri } from "../data/image.js";
import { type DatasetSplit, hitsOf, type RetrievalDataset, type Triplet } from "../data/triplet.js";
import { galleriesOf, type Protocol, queryTexts } from "../evaluation/protocols.js";
import { unranked } from "../evaluation/recall.js";
import type { Picture, QueryAnswer } from "../report/types.js";
import type { ModelEmbedder, QueryRoutes } from "../retrieval/model-embedder.js";
import { Searcher } from "../retrieval/searcher.js";
import { Random } from "../tensor/random.js";

export interface DemoAnswerOptions {
  readonly dataset: RetrievalDataset;
  readonly split: DatasetSplit;
  readonly protocol: Protocol;
  readonly seed: number;
  readonly queriesPerCategory: number;
  /** Pictures shown of each ranking. */
  readonly shown: number;
  /** What a picture shows, by image id. */
  readonly titleOf: (id: string) => string | undefined;
}

/** An answer and how its query went through the model. */
export interface RoutedAnswer {
  readonly answer: QueryAnswer;
  readonly routes: QueryRoutes;
}

/** Longer side of the report's pictures. */
const thumbnailPx = 200;

/** Queries drawn by seed, not chosen, in turn from each category; ranked against the protocol's gallery. */
export async function answerQueries(
  embedder: ModelEmbedder,
  options: DemoAnswerOptions,
): Promise<readonly RoutedAnswer[]> {
  const { split, protocol, seed, queriesPerCategory } = options;
  const random = new Random(seed).fork("demo queries");
  const perCategory: RoutedAnswer[][] = [];
  for (const [category, gallery] of galleriesOf(split, protocol)) {
    const drawn = random
      .fork(category)
      .shuffled(split.triplets.filter((triplet) => triplet.category === category));
    const searcher = await Searcher.create(embedder, gallery);
    const answers: RoutedAnswer[] = [];
    for (const triplet of drawn.slice(0, queriesPerCategory))
      answers.push(await answer(searcher, triplet, options));
    perCategory.push(answers);
  }
  return Array.from({ length: queriesPerCategory }, (_, turn) =>
    perCategory.flatMap((answers) => answers[turn] ?? []),
  ).flat();
}

async function answer(
  searcher: Searcher,
  triplet: Triplet,
  { dataset, protocol, shown, titleOf }: DemoAnswerOptions,
): Promise<RoutedAnswer> {
  const { reference, target, captions, category } = triplet;
  const [text = ""] = queryTexts(captions, protocol.captions);
  const excluded = protocol.reference === "removed" ? [reference] : [];
  const { hits, routes } = await searcher.search({ reference, text, k: searcher.size, excluded });
  const targets = new Set(hitsOf(triplet));
  const rank = hits.findIndex(({ id }) => targets.has(id)) + 1;
  const picture = async (id: string): Promise<Picture> => {
    const title = titleOf(id);
    return {
      id,
      dataUri: await thumbnailDataUri(dataset.imagePath(id) ?? id, thumbnailPx),
      ...(title === undefined ? {} : { title }),
    };
  };
  return {
    routes,
    answer: {
      reference: await picture(reference),
      text,
      category,
      gallerySize: searcher.size,
      results: await Promise.all(
        hits.slice(0, shown).map(async ({ id, score }) => ({
          picture: await picture(id),
          score,
          isTarget: targets.has(id),
        })),
      ),
      target: { picture: await picture(target), rank: rank === 0 ? unranked : rank },
    },
  };
}
