/** Answers a handful of held-out queries for the demo's report. */
import { type DatasetSplit, hitsOf, type RetrievalDataset, type Triplet } from "../../data/triplet.js";
import type { RouteWeights } from "../../embedding/encoder.js";
import type { ModelEmbedder } from "../../embedding/model-embedder.js";
import { Random } from "../../engine/tensor/random.js";
import { galleriesOf, type Protocol, queryTexts } from "../../evaluation/protocols.js";
import { unranked } from "../../evaluation/recall.js";
import type { QueryAnswer } from "../../report/types.js";
import { Searcher } from "../../search/searcher.js";
import { withQueryPictures } from "../views/query-pictures.js";

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
  readonly routes: RouteWeights;
}

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
  const { reference, captions } = triplet;
  const [text = ""] = queryTexts(captions, protocol.captions);
  const excluded = protocol.reference === "removed" ? [reference] : [];
  const { hits, routes } = await searcher.search({ reference, text, k: searcher.size, excluded });
  const targets = new Set(hitsOf(triplet));
  const rank = hits.findIndex(({ id }) => targets.has(id)) + 1;
  const ranked = {
    triplet,
    text,
    hits: hits.slice(0, shown),
    rank: rank === 0 ? unranked : rank,
    gallerySize: searcher.size,
  };
  return { routes, answer: await withQueryPictures(ranked, { dataset, titleOf }) };
}
