/** Composed search in an indexed catalogue: pictures, words and filters in, ranked items out. */

import type {
  EmbedOptions,
  EncodedQuery,
  Encoder,
  EncoderQuery,
  Picture,
  RouteWeights,
  WordAttention,
} from "../../embedding/encoder.js";
import { UsageError } from "../../errors.js";
import { type Filter, normalFilter } from "../store/filter.js";
import type { StoreAnswer } from "../store/vector-store.js";
import { type CatalogueEntry, parseEntry } from "./catalogue-entry.js";
import type { CatalogueIndex } from "./catalogue-index.js";
import { defaultLimit, type Page, pageLimits, pageProblems, wholeNumberProblems } from "./page.js";
import { rankedByPairs } from "./pair-ranking.js";
import { isRowSound } from "./verify-row.js";

/** The reference of a query: an item of the index, or any picture. */
export type Reference = { readonly id: string } | { readonly picture: Picture };

/** One query; a reference, a text, or both. */
export interface CatalogueQuery {
  readonly reference?: Reference | undefined;
  /** What should be different; without a reference, what is wanted. */
  readonly text?: string | undefined;
  /** How much it counts beside the other queries; negative for "away from this". 1 by default. */
  readonly weight?: number | undefined;
}

export interface CatalogueSearchRequest extends Page, EmbedOptions {
  /** At least one. Of several, the weighted sum of their unit embeddings, made a unit vector again, is searched for. */
  readonly queries: readonly CatalogueQuery[];
  /** May the answers have the items that were references? */
  readonly includeReferences?: boolean | undefined;
  /** Compare every item, whatever it costs. */
  readonly isExact?: boolean | undefined;
}

export interface CatalogueHit {
  /** From 1, over all pages. */
  readonly rank: number;
  /** Cosine of query and item, -1 to 1, or the model's own score where pairs are scored. */
  readonly score: number;
  readonly entry: CatalogueEntry;
}

/** How one query went through the model. */
export interface QueryAccount {
  /** Empty for models without routers, and without a text. */
  readonly routes: RouteWeights;
  readonly unknownWords: readonly string[];
  readonly attention: WordAttention | undefined;
}

export interface CatalogueAnswer {
  readonly hits: readonly CatalogueHit[];
  /** Ids, as they are stored, of found items that are not as they were written: their ranks are left out. */
  readonly damaged: readonly string[];
  /** Items that fit the filter, references that are left out not counted. */
  readonly fitting: number;
  readonly plan: StoreAnswer["plan"];
  /** Items whose pair with the query was scored by the model; absent for models whose dot products decide. */
  readonly scoredPairs?: number | undefined;
  /** One for each query. */
  readonly queries: readonly QueryAccount[];
  /** Milliseconds: queries to vectors (references looked up included), vectors to ids, all together. */
  readonly timesMs: { readonly encode: number; readonly search: number; readonly total: number };
}

export const searchLimits = { ...pageLimits, queries: 16, textCharacters: 2000 } as const;
/** Shorter sums point nowhere: their direction is rounding. */
const leastSum = 1e-3;

/**
 * An index and its model.
 * @example
 * import { openBundle } from "sdfn";
 * import { CatalogueIndex, CatalogueSearch } from "sdfn/search";
 * const index = await CatalogueIndex.open("indexes/shop", { access: "read" });
 * const encoder = await openBundle(index.bundleFolder);
 * const search = new CatalogueSearch(index, encoder);
 * const query = { reference: { picture: "photo.jpg" }, text: "is red" };
 * const { hits } = await search.search({ queries: [query], limit: 3 });
 * console.log(hits.map(({ rank }) => rank)); // [ 1, 2, 3 ]
 * await encoder.close();
 * await index.close();
 */
export class CatalogueSearch {
  readonly index: CatalogueIndex;
  readonly #encoder: Encoder;

  /** @throws StoreError when the index was made with another model. */
  constructor(index: CatalogueIndex, encoder: Encoder) {
    index.requireModel(encoder);
    this.index = index;
    this.#encoder = encoder;
  }

  /**
   * Ranks the index's items. Calls may overlap.
   * @throws UsageError for a request that cannot be meant, an id that is not in the index among them; ImageError for a
   *   reference picture that cannot be read.
   */
  async search(request: CatalogueSearchRequest): Promise<CatalogueAnswer> {
    const { queries, filter, limit = defaultLimit, offset = 0, includeReferences = false, isExact } = request;
    requireUsable(request);
    const startMs = performance.now();
    const encoded = await this.#encode(queries, request);
    const weights = queries.map(({ weight = 1 }) => weight);
    const vector = weightedSum(
      encoded.map(({ embedding }) => embedding),
      weights,
    );
    const encodedMs = performance.now();
    const ids = queries.flatMap(({ reference }) => (reference && "id" in reference ? [reference.id] : []));
    const conditions: readonly Filter[] = [
      ...(filter === undefined ? [] : [filter]),
      ...(includeReferences || ids.length === 0
        ? []
        : [{ kind: "not", filter: { kind: "id", anyOf: ids } } as const]),
    ];
    const asked = {
      vector,
      limit,
      offset,
      filter: conditions.length === 0 ? undefined : normalFilter({ kind: "all", of: conditions }),
      isExact: isExact ?? false,
    };
    const weighted = { encoded, weights, onModelTime: request.onModelTime };
    const { store } = this.index;
    const ofPairs = await rankedByPairs(store, { encoder: this.#encoder, queries: weighted }, asked);
    const { hits, fitting, plan } = ofPairs ?? (await store.query(asked));
    const ranked = hits.map((row, i) => ({ row, rank: offset + i + 1, isSound: isRowSound(row) }));
    const endMs = performance.now();
    return {
      hits: ranked.flatMap(({ row, rank, isSound }) =>
        isSound ? [{ rank, score: row.score, entry: parseEntry(row.id, row.details) }] : [],
      ),
      damaged: ranked.flatMap(({ row, isSound }) => (isSound ? [] : [row.id])),
      fitting,
      plan,
      scoredPairs: ofPairs?.scoredPairs,
      queries: encoded.map(({ routes, unknownWords, attention }) => ({ routes, unknownWords, attention })),
      timesMs: { encode: encodedMs - startMs, search: endMs - encodedMs, total: endMs - startMs },
    };
  }

  /** Queries as vectors; items of the index that stand alone have theirs already. */
  async #encode(
    queries: readonly CatalogueQuery[],
    { onModelTime }: EmbedOptions,
  ): Promise<readonly EncodedQuery[]> {
    const result: (EncodedQuery | undefined)[] = [];
    const asked: { readonly place: number; readonly query: EncoderQuery }[] = [];
    for (const [place, { reference, text = "" }] of queries.entries()) {
      const hasText = text.trim() !== "";
      if (reference === undefined) {
        asked.push({ place, query: { text } });
      } else if ("picture" in reference) {
        asked.push({ place, query: { picture: reference.picture, text: hasText ? text : undefined } });
      } else {
        const item = await this.index.get(reference.id);
        if (item === undefined) {
          throw new UsageError(`reference: there is no item of this id in the index; got ${reference.id}`);
        }
        if (!hasText) result[place] = { embedding: item.embedding, routes: [], unknownWords: [] };
        else asked.push({ place, query: { picture: await this.#pictureOf(item.entry), text } });
      }
    }
    const picked = asked.map(({ query }) => query);
    const encoded = asked.length === 0 ? [] : await this.#encoder.embedQueries(picked, { onModelTime });
    for (const [i, { place }] of asked.entries()) result[place] = encoded[i];
    return result.map((query) => query as EncodedQuery);
  }

  async #pictureOf(entry: CatalogueEntry): Promise<string> {
    const file = await this.index.pictureFile(entry);
    if (file !== undefined) return file;
    throw new UsageError(
      `reference: the picture of item ${entry.id} is gone, and so is its thumbnail; index the catalogue again`,
    );
  }
}

/**
 * sum of weight · embedding, divided by its length. embeddings [D] of length 1 -> [D].
 * @throws UsageError when the parts cancel each other out.
 * @example
 * import { weightedSum } from "sdfn/search";
 * console.log(weightedSum([Float32Array.of(1, 0), Float32Array.of(0, 1)], [1, 0])); // Float32Array(2) [ 1, 0 ]
 */
export function weightedSum(embeddings: readonly Float32Array[], weights: readonly number[]): Float32Array {
  // The largest weight counts as 1: sums of huge or tiny ones would leave float32.
  const largest = Math.max(...weights.map(Math.abs));
  const sum = new Float32Array(embeddings[0]?.length ?? 0);
  for (const [i, embedding] of embeddings.entries()) {
    const weight = (weights[i] as number) / largest;
    for (let d = 0; d < sum.length; d += 1) {
      sum[d] = (sum[d] as number) + weight * (embedding[d] as number);
    }
  }
  const length = Math.hypot(...sum);
  if (length > leastSum) return sum.map((value) => value / length);
  throw new UsageError(
    `queries: cancel each other out; got weights ${weights.join(", ")}; change one of them`,
  );
}

/** @throws UsageError that lists everything wrong. */
function requireUsable(request: CatalogueSearchRequest): void {
  const { queries } = request;
  const problems = [
    ...pageProblems(request),
    ...wholeNumberProblems("the number of queries", queries.length, 1, searchLimits.queries),
  ];
  for (const [i, { reference, text = "", weight = 1 }] of queries.entries()) {
    const name = queries.length === 1 ? "the query" : `query ${i + 1}`;
    if (reference === undefined && text.trim() === "")
      problems.push(`${name} needs a reference or a text; got neither`);
    const characters = [...text].length;
    if (characters > searchLimits.textCharacters) {
      problems.push(
        `${name}: the text must have at most ${searchLimits.textCharacters} characters; got ${characters}`,
      );
    }
    if (!Number.isFinite(weight) || weight === 0) {
      problems.push(`${name}: the weight must be a number other than 0; got ${weight}`);
    }
  }
  if (problems.length > 0) throw new UsageError(`search: ${problems.join("\n  - ")}`);
}
