/** What one category's queries are ranked by: its gallery and its queries, embedded. */

import { hitsOf, type Triplet } from "../data/triplet.js";
import type { EmbeddableQuery } from "../embedding/model-embedder.js";
import { DatasetError, ShapeError } from "../errors.js";
import { relevantRanks, subsetRanks } from "./answer-ranks.js";
import type { QueryPlaces } from "./metrics.js";
import { type Protocol, queryTexts } from "./protocols.js";
import { type RankingTask, targetRanks, unranked } from "./recall.js";

/** Anything that can be evaluated. Embeddings have length 1; row i belongs to the i-th input. */
export interface Embedder {
  readonly embedDim: number;
  /** [ids.length, embedDim] */
  embedImages(ids: readonly string[]): Promise<Float32Array>;
  /** Features that stand for a picture in a query of words alone: the mean over images. */
  meanPicture(ids: readonly string[]): Promise<Float32Array>;
  /** [queries.length, embedDim] */
  embedQueries(queries: readonly EmbeddableQuery[]): Promise<Float32Array>;
  /** Scores of every query with every row of a gallery, [queries.length, G], for models that score pairs; undefined for others. */
  scorePairs?(queries: readonly EmbeddableQuery[], gallery: Float32Array): Promise<Float32Array | undefined>;
}

/** A query that was asked, and the triplet it comes from. */
export interface AskedQuery {
  readonly triplet: Triplet;
  readonly text: string;
  /** The same in other words; none where the data set has none. */
  readonly paraphrases: readonly string[];
}

/** A query as it is asked, with a target or without. */
interface Asked {
  readonly reference: string;
  readonly text: string;
}

/** What one category's ranks come from. */
export interface CategoryTask {
  readonly category: string;
  /** Id of each row of the gallery. */
  readonly galleryIds: readonly string[];
  /** What each row of the queries asks. */
  readonly asked: readonly AskedQuery[];
  readonly task: RankingTask & Required<Pick<RankingTask, "masked">>;
  /** Rank of each query's best hit, as `targetRanks` gives it. */
  readonly ranks: readonly number[];
  /** Rank of each query's target in its subset, where the queries have one. */
  readonly subsetRanks?: readonly number[] | undefined;
  /** Ranks of each query's relevant images, where they were judged. */
  readonly relevantRanks?: readonly (readonly number[])[] | undefined;
}

/** Where the right answers to each query came. */
export function placesOf({
  ranks,
  subsetRanks: ofSubsets,
  relevantRanks: ofRelevant,
}: Pick<CategoryTask, "ranks" | "subsetRanks" | "relevantRanks">): readonly QueryPlaces[] {
  return ranks.map((rank, i) => ({
    rank,
    ...(ofSubsets ? { subsetRank: ofSubsets[i] ?? unranked } : {}),
    ...(ofRelevant ? { relevantRanks: ofRelevant[i] ?? [] } : {}),
  }));
}

/**
 * Embeds a category's gallery and queries, and ranks them.
 * @throws DatasetError when a target is not in the gallery.
 */
export async function rankCategory(
  category: string,
  { triplets, galleryIds }: { readonly triplets: readonly Triplet[]; readonly galleryIds: readonly string[] },
  options: { readonly embedder: Embedder; readonly protocol: Protocol },
): Promise<CategoryTask> {
  const { asked, task } = await categoryTask(triplets, galleryIds, options);
  const rowsOf = rowFinder(galleryIds);
  const ranked = asked.map(({ triplet }) => triplet);
  const targets = ranked.map(({ target }) => rowsOf([target])[0]);
  const subsets = ranked.flatMap(({ subset }) => (subset ? [rowsOf(subset)] : []));
  const relevant = ranked.flatMap((triplet) => (triplet.relevant ? [rowsOf(triplet.relevant)] : []));
  return {
    category,
    galleryIds,
    asked,
    task,
    ranks: targetRanks(task),
    subsetRanks: subsets.length === ranked.length ? subsetRanks(task, subsets, targets) : undefined,
    relevantRanks: relevant.length === ranked.length ? relevantRanks(task, relevant) : undefined,
  };
}

/**
 * Embeds a category's gallery and queries.
 * @throws DatasetError when a target is not in the gallery.
 */
async function categoryTask(
  triplets: readonly Triplet[],
  galleryIds: readonly string[],
  { embedder, protocol }: { readonly embedder: Embedder; readonly protocol: Protocol },
): Promise<Pick<CategoryTask, "asked" | "task">> {
  const rowsOf = rowFinder(galleryIds);
  // Fashion200k's queries share lists of hits: their rows are shared too.
  const shared = new Map<readonly string[], readonly number[]>();
  const asked: AskedQuery[] = [];
  const hits: (readonly number[])[] = [];
  for (const triplet of triplets) {
    const ids = hitsOf(triplet);
    const rows = shared.get(ids) ?? rowsOf(ids);
    if (triplet.hits) shared.set(ids, rows);
    if (rows.length === 0) {
      throw new DatasetError(
        `${triplet.category}: the target is not in the gallery of ${galleryIds.length} images; ` +
          `got ${triplet.target}; add it to the split's image list, or use the protocol val-split`,
      );
    }
    for (const query of askedQueries(triplet, protocol)) {
      asked.push(query);
      hits.push(rows);
    }
  }
  const queries = asked.map(({ triplet: { reference }, text }) => ({ reference, text }));
  return { asked, task: { ...(await embeddedRanking(queries, galleryIds, { embedder, protocol })), hits } };
}

/** Embeds queries and what they are ranked against; under the protocol, a query's reference is left out for it. */
export async function embeddedRanking(
  queries: readonly Asked[],
  galleryIds: readonly string[],
  { embedder, protocol }: { readonly embedder: Embedder; readonly protocol: Protocol },
): Promise<Omit<CategoryTask["task"], "hits">> {
  const { embedDim } = embedder;
  const gallery = requireRows("embedImages", await embedder.embedImages(galleryIds), [
    galleryIds.length,
    embedDim,
  ]);
  const rowsOf = rowFinder(galleryIds);
  const masked = queries.map(({ reference }) =>
    protocol.reference === "removed" ? rowsOf([reference]) : [],
  );
  return { gallery, ...(await embeddedQueries(queries, { embedder, gallery })), embedDim, masked };
}

/** Rows of the gallery's images by id; none for an image that is not in it. */
export function rowFinder(galleryIds: readonly string[]): (ids: readonly string[]) => readonly number[] {
  const rowOf = new Map(galleryIds.map((id, row) => [id, row]));
  return (ids) => ids.flatMap((id) => rowOf.get(id) ?? []);
}

/** What a ranking needs of queries: embeddings and, for a model that scores pairs, scores with the gallery [G, embedDim]. */
export async function embeddedQueries(
  queries: readonly EmbeddableQuery[],
  { embedder, gallery }: { readonly embedder: Embedder; readonly gallery: Float32Array },
): Promise<Pick<RankingTask, "queries" | "scores">> {
  const size = [queries.length, embedder.embedDim] as const;
  return {
    queries: requireRows("embedQueries", await embedder.embedQueries(queries), size),
    scores: await embedder.scorePairs?.(queries, gallery),
  };
}

/** The queries of a triplet. A paraphrase that gives another number of texts, one caption being empty, is passed over. */
function askedQueries(triplet: Triplet, { captions: join }: Protocol): readonly AskedQuery[] {
  const texts = queryTexts(triplet.captions, join);
  const others = (triplet.paraphrases ?? [])
    .map((captions) => queryTexts(captions, join))
    .filter(({ length }) => length === texts.length);
  return texts.map((text, i) => ({ triplet, text, paraphrases: others.map((other) => other[i] ?? "") }));
}

function requireRows(
  where: string,
  embeddings: Float32Array,
  [rows, embedDim]: readonly [number, number],
): Float32Array {
  if (embeddings.length === rows * embedDim) return embeddings;
  throw new ShapeError(where, `needs ${rows} embeddings of ${embedDim} numbers`, {
    length: embeddings.length,
  });
}
