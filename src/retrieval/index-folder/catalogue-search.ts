/** Composed search in an indexed catalogue: pictures, words and filters in, ranked items out. */
import { UsageError } from "../../errors.js";
import type { EncodedQuery, Encoder, EncoderQuery, Picture, WordAttention } from "../encoder.js";
import type { QueryRoutes } from "../model-embedder.js";
import type { Filter } from "../store/filter.js";
import type { StoreAnswer } from "../store/vector-store.js";
import type { CatalogueIndex } from "./catalogue-index.js";
import { type CatalogueEntry, parseEntry } from "./entry.js";
import { defaultLimit, type Page, pageLimits, pageProblems, wholeNumberProblems } from "./page.js";

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

export interface CatalogueSearchRequest extends Page {
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
  /** Cosine of query and item, -1 to 1. */
  readonly score: number;
  readonly entry: CatalogueEntry;
}

/** How one query went through the model. */
export interface QueryAccount {
  /** Empty for models without routers, and without a text. */
  readonly routes: QueryRoutes;
  readonly unknownWords: readonly string[];
  readonly attention: WordAttention | undefined;
}

export interface CatalogueAnswer {
  readonly hits: readonly CatalogueHit[];
  /** Items that fit the filter, references that are left out not counted. */
  readonly fitting: number;
  readonly plan: StoreAnswer["plan"];
  /** One for each query. */
  readonly queries: readonly QueryAccount[];
  /** Milliseconds: queries to vectors (references looked up included), vectors to ids, all together. */
  readonly timesMs: { readonly encode: number; readonly search: number; readonly total: number };
}

export const searchLimits = { ...pageLimits, queries: 16, textCharacters: 2000 } as const;
/** Shorter sums point nowhere: their direction is rounding. */
const leastSum = 1e-3;

/** An index and its model. */
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
    const encoded = await this.#encode(queries);
    const vector = weightedSum(
      encoded.map(({ embedding }) => embedding),
      queries.map(({ weight = 1 }) => weight),
    );
    const encodedMs = performance.now();
    const ids = queries.flatMap(({ reference }) => (reference && "id" in reference ? [reference.id] : []));
    const conditions: readonly Filter[] = [
      ...(filter === undefined ? [] : [filter]),
      ...(includeReferences || ids.length === 0
        ? []
        : [{ kind: "not", filter: { kind: "id", anyOf: ids } } as const]),
    ];
    const { hits, fitting, plan } = await this.index.store.query({
      vector,
      limit,
      offset,
      filter: conditions.length === 0 ? undefined : { kind: "all", of: conditions },
      isExact: isExact ?? false,
    });
    const endMs = performance.now();
    return {
      hits: hits.map(({ id, score, details }, i) => ({
        rank: offset + i + 1,
        score,
        entry: parseEntry(id, details),
      })),
      fitting,
      plan,
      queries: encoded.map(({ routes, unknownWords, attention }) => ({ routes, unknownWords, attention })),
      timesMs: { encode: encodedMs - startMs, search: endMs - encodedMs, total: endMs - startMs },
    };
  }

  /** Queries as vectors; items of the index that stand alone have theirs already. */
  async #encode(queries: readonly CatalogueQuery[]): Promise<readonly EncodedQuery[]> {
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
        else asked.push({ place, query: { picture: this.#pictureOf(item.entry), text } });
      }
    }
    const encoded =
      asked.length === 0 ? [] : await this.#encoder.embedQueries(asked.map(({ query }) => query));
    for (const [i, { place }] of asked.entries()) result[place] = encoded[i];
    return result.map((query) => query as EncodedQuery);
  }

  #pictureOf(entry: CatalogueEntry): string {
    const file = this.index.pictureFile(entry);
    if (file !== undefined) return file;
    throw new UsageError(
      `reference: the picture of item ${entry.id} is gone, and so is its thumbnail; index the catalogue again`,
    );
  }
}

/**
 * sum of weight · embedding, divided by its length. embeddings [D] of length 1 -> [D].
 * @throws UsageError when the parts cancel each other out.
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
