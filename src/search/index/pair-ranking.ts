/** Ranks items by a model's own scores of pairs: all that fit, read some at a time, or the best of a search by embeddings. */
import { dotProduct } from "../../embedding/dot-products.js";
import type { EmbedOptions, EncodedQuery, Encoder } from "../../embedding/encoder.js";
import type { StoreAnswer, StoredVectors, StoreHit, StoreQuery, VectorStore } from "../store/vector-store.js";

/** Queries as vectors, and how much each counts. */
export interface WeightedQueries extends EmbedOptions {
  readonly encoded: readonly EncodedQuery[];
  /** One for each. */
  readonly weights: readonly number[];
}

export interface PairAnswer extends StoreAnswer {
  /** Items whose pair with the query was scored by the model. */
  readonly scoredPairs: number;
}

interface Scored {
  readonly id: string;
  readonly score: number;
}

/** Numbers of gallery rows that are scored at a time, for one query: 4 MB. */
const numbersAtATime = 2 ** 20;

/**
 * A page of the best. The item's score is the mean over the queries by weight; a query without a text, which has no row for
 * pairs, counts by its cosine. Whatever the index's size, memory holds one part of it and the best so far.
 * @returns undefined where no pair is scored: another kind of model, or no query with a text.
 */
export async function rankedByPairs(
  store: VectorStore,
  { encoder, queries }: { readonly encoder: Encoder; readonly queries: WeightedQueries },
  asked: StoreQuery & { readonly offset: number },
): Promise<PairAnswer | undefined> {
  const { limit, offset, filter } = asked;
  const { pairCandidates } = encoder;
  const score = scorerOf(encoder, queries);
  if (pairCandidates === undefined || !score) return undefined;
  if (pairCandidates === "all" || asked.isExact) {
    const { best, scoredPairs } = await highestOf(store.vectors(filter), { score, count: offset + limit });
    const page = best.slice(offset, offset + limit);
    const items = await store.get(page.map(({ id }) => id));
    const hits = page.flatMap(({ id, score }): StoreHit[] => {
      const item = items.get(id);
      return item ? [{ ...item, score }] : []; // one that was deleted meanwhile is gone
    });
    return { hits, fitting: scoredPairs, plan: "exact", scoredPairs };
  }
  const found = await store.query({ ...asked, offset: 0, limit: Math.max(pairCandidates, offset + limit) });
  const part = { ids: found.hits.map(({ id }) => id), vectors: joined(found.hits, store.embedDim) };
  const { best, scoredPairs } = await highestOf([part], { score, count: offset + limit });
  const hitOf = new Map(found.hits.map((hit) => [hit.id, hit]));
  const hits = best.slice(offset).flatMap(({ id, score }): StoreHit[] => {
    const hit = hitOf.get(id);
    return hit ? [{ ...hit, score }] : [];
  });
  return { ...found, hits, scoredPairs };
}

/** The best `count` of all parts, best first, equal scores by id. */
async function highestOf(
  parts: AsyncIterable<StoredVectors> | Iterable<StoredVectors>,
  { score, count }: { readonly score: Scorer; readonly count: number },
): Promise<{ readonly best: readonly Scored[]; readonly scoredPairs: number }> {
  let best: Scored[] = [];
  let scoredPairs = 0;
  const keepBest = () => {
    best.sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
    best = best.slice(0, count);
  };
  for await (const { ids, vectors } of parts) {
    const scores = await score(vectors, ids.length);
    for (const [row, id] of ids.entries()) best.push({ id, score: scores[row] ?? Number.NaN });
    scoredPairs += ids.length;
    if (best.length > 2 * count) keepBest();
  }
  keepBest();
  return { best, scoredPairs };
}

/** Scores of gallery rows [count, D]. */
type Scorer = (vectors: Float32Array, count: number) => Promise<Float64Array>;

/** Undefined where the model scores no pairs, or no query has a row for them. */
function scorerOf(encoder: Encoder, { encoded, weights, onModelTime }: WeightedQueries): Scorer | undefined {
  const { embedDim } = encoder;
  const pairRows = encoded.flatMap(({ pairRow }) => pairRow ?? []);
  if (!encoder.scorePairs || pairRows.length === 0) return undefined;
  const total = weights.reduce((sum, weight) => sum + Math.abs(weight), 0);
  const rowsAtATime = Math.max(1, Math.floor(numbersAtATime / (embedDim * pairRows.length)));
  return async (vectors, count) => {
    const result = new Float64Array(count);
    for (let start = 0; start < count; start += rowsAtATime) {
      const gallery = vectors.slice(start * embedDim, Math.min(count, start + rowsAtATime) * embedDim);
      const scores = (await encoder.scorePairs?.(pairRows, gallery, { onModelTime })) ?? [];
      let pair = 0;
      for (const [i, { embedding, pairRow }] of encoded.entries()) {
        const weight = (weights[i] ?? 0) / total;
        const own = pairRow ? scores[pair] : undefined;
        if (pairRow) pair += 1;
        for (let row = 0; row < gallery.length / embedDim; row += 1) {
          const score = own ? (own[row] ?? Number.NaN) : dotProduct(embedding, gallery, row * embedDim);
          result[start + row] = (result[start + row] ?? 0) + weight * score;
        }
      }
    }
    return result;
  };
}

function joined(items: readonly StoreHit[], embedDim: number): Float32Array {
  const rows = new Float32Array(items.length * embedDim);
  for (const [row, { vector }] of items.entries()) rows.set(vector, row * embedDim);
  return rows;
}
