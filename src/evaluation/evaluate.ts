/** Runs a protocol: embeds galleries and queries, ranks, and reports recalls. */

import { availableSplit } from "../data/presence/missing-images.js";
import {
  type DatasetSplit,
  hitsOf,
  type RetrievalDataset,
  type SplitName,
  type Triplet,
  usualEvaluation,
} from "../data/triplet.js";
import type { EmbeddableQuery } from "../embedding/model-embedder.js";
import { DatasetError, ShapeError } from "../errors.js";
import { galleriesOf, type Protocol, queryTexts } from "./protocols.js";
import { type RankingTask, targetRanks } from "./recall.js";
import {
  type CategoryResult,
  categoryResult,
  comparedMean,
  type EvaluationResult,
  meanOf,
  type Provenance,
  type Scores,
} from "./result.js";

/** Anything that can be evaluated. Embeddings have length 1; row i belongs to the i-th input. */
export interface Embedder {
  readonly embedDim: number;
  /** [ids.length, embedDim] */
  embedImages(ids: readonly string[]): Promise<Float32Array>;
  /** [queries.length, embedDim] */
  embedQueries(queries: readonly EmbeddableQuery[]): Promise<Float32Array>;
  /** Scores of every query with every row of a gallery, [queries.length, G], for models that score pairs; undefined for others. */
  scorePairs?(queries: readonly EmbeddableQuery[], gallery: Float32Array): Promise<Float32Array | undefined>;
}

/** What to evaluate, and what to write beside the numbers. */
export interface EvaluationOptions extends Provenance {
  readonly split: SplitName;
  readonly protocol: Protocol;
  /** Is shown each category's embeddings before they are let go. */
  readonly onCategory?: ((category: CategoryTask) => Promise<void>) | undefined;
}

/** A query that was asked, and the triplet it comes from. */
export interface AskedQuery {
  readonly triplet: Triplet;
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
}

/** Every image that an evaluation of the split looks at: galleries, references and targets. */
export function evaluationImages(split: DatasetSplit, protocol: Protocol): ReadonlySet<string> {
  const ids = new Set([...galleriesOf(split, protocol).values()].flat());
  for (const { reference, target } of split.triplets) ids.add(reference).add(target);
  return ids;
}

/**
 * Recalls of a data set's split under a protocol. What needs a missing image, or a broken one
 * (`withoutBroken` finds them), is dropped and counted; an image that is there stays in the gallery
 * even if its own query was dropped.
 * @throws DatasetError when nothing is left to ask, or a target is not in its gallery.
 */
export async function evaluate(
  dataset: RetrievalDataset,
  embedder: Embedder,
  { split: name, protocol, model, seed, commit, onCategory }: EvaluationOptions,
): Promise<EvaluationResult> {
  const { split, whole, dropped } = availableSplit(dataset, name);
  const published = galleriesOf(whole, protocol);
  const isAvailable = (id: string) => dataset.imagePath(id) !== undefined;
  const galleries = new Map([...published].map(([category, ids]) => [category, ids.filter(isAvailable)]));
  const scores = await scoreSplit(split, embedder, { protocol, galleries, onCategory });
  const [before, after] = [entryCount(published), entryCount(galleries)];
  return {
    model,
    dataset: dataset.name,
    split: name,
    protocol: protocol.name,
    reference: protocol.reference,
    captions: protocol.captions,
    ...scores,
    compared: comparedMean(scores.mean, (dataset.evaluation ?? usualEvaluation).compared),
    dropped: { ...dropped, galleryEntries: { dropped: before - after, of: before } },
    seed,
    commit,
  };
}

/**
 * Recalls of a split whose every image is there, such as one held out of training.
 * @param galleries the protocol's galleries of the split by default.
 * @throws DatasetError when there are no triplets, or a target is not in its gallery.
 */
export async function scoreSplit(
  split: DatasetSplit,
  embedder: Embedder,
  {
    protocol,
    galleries = galleriesOf(split, protocol),
    onCategory,
  }: {
    readonly protocol: Protocol;
    readonly galleries?: ReadonlyMap<string, readonly string[]>;
    readonly onCategory?: EvaluationOptions["onCategory"];
  },
): Promise<Scores> {
  const results: [string, CategoryResult][] = [];
  for (const category of new Set(split.triplets.map((triplet) => triplet.category))) {
    const triplets = split.triplets.filter((triplet) => triplet.category === category);
    const gallery = galleries.get(category) ?? [];
    const { asked, task } = await categoryTask(triplets, gallery, { embedder, protocol });
    const ranks = targetRanks(task);
    results.push([category, categoryResult(ranks, gallery.length)]);
    await onCategory?.({ category, galleryIds: gallery, asked, task, ranks });
  }
  if (results.length === 0) {
    throw new DatasetError(
      `${split.name} split: there is no query with a target; got ${split.untargeted.length} without; ` +
        "evaluate a split whose targets are published, with its images in place",
    );
  }
  return { perCategory: Object.fromEntries(results), mean: meanOf(results.map(([, result]) => result)) };
}

async function categoryTask(
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
    for (const text of queryTexts(triplet.captions, protocol.captions)) {
      asked.push({ triplet, text });
      hits.push(rows);
      masked.push(protocol.reference === "removed" ? rowsOf([triplet.reference]) : []);
    }
  }
  const queries = asked.map(({ triplet: { reference }, text }) => ({ reference, text }));
  const { embedDim } = embedder;
  const gallery = requireRows("embedImages", await embedder.embedImages(galleryIds), [
    galleryIds.length,
    embedDim,
  ]);
  const task = {
    gallery,
    queries: requireRows("embedQueries", await embedder.embedQueries(queries), [queries.length, embedDim]),
    embedDim,
    hits,
    masked,
    scores: await embedder.scorePairs?.(queries, gallery),
  };
  return { asked, task };
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

function entryCount(galleries: ReadonlyMap<string, readonly string[]>): number {
  return [...galleries.values()].reduce((sum, ids) => sum + ids.length, 0);
}
