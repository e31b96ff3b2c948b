/** What one category's queries are ranked by: its gallery and its queries, embedded. */

import { hitsOf, type Triplet } from "../data/triplet.js";
import type { EmbeddableQuery } from "../embedding/model-embedder.js";
import { DatasetError, ShapeError } from "../errors.js";
import { type Protocol, queryTexts } from "./protocols.js";
import type { RankingTask } from "./recall.js";

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
}

/**
 * Embeds a category's gallery and queries.
 * @throws DatasetError when a target is not in the gallery.
 */
export async function categoryTask(
  triplets: readonly Triplet[],
  galleryIds: readonly string[],
  { embedder, protocol }: { readonly embedder: Embedder; readonly protocol: Protocol },
): Promise<Pick<CategoryTask, "asked" | "task">> {
  const rowOf = new Map(galleryIds.map((id, row) => [id, row]));
  const rowsOf = (ids: readonly string[]) => ids.flatMap((id) => rowOf.get(id) ?? []);
  // Fashion200k's queries share lists of hits: their rows are shared too.
  const shared = new Map<readonly string[], number[]>();
  const asked: AskedQuery[] = [];
  const hits: number[][] = [];
  const masked: number[][] = [];
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
      masked.push(protocol.reference === "removed" ? rowsOf([triplet.reference]) : []);
    }
  }
  const { embedDim } = embedder;
  const gallery = requireRows("embedImages", await embedder.embedImages(galleryIds), [
    galleryIds.length,
    embedDim,
  ]);
  const queries = asked.map(({ triplet: { reference }, text }) => ({ reference, text }));
  const embedded = await embeddedQueries(queries, { embedder, gallery });
  return { asked, task: { gallery, ...embedded, embedDim, hits, masked } };
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
