/** Runs a protocol: embeds galleries and queries, ranks, and reports recalls. */

import { availableSplit } from "../data/presence/missing-images.js";
import {
  type DatasetSplit,
  type MetricName,
  type RetrievalDataset,
  type SplitName,
  usualEvaluation,
} from "../data/triplet.js";
import { wordingCount } from "../data/wordings.js";
import { DatasetError } from "../errors.js";
import { type CategoryTask, type Embedder, placesOf, rankCategory } from "./category-task.js";
import { otherMetrics } from "./metrics.js";
import { paraphraseScores, paraphrasesOf, wordingRanks, wordingsOf } from "./paraphrases.js";
import { galleriesOf, type Protocol } from "./protocols.js";
import {
  type CategoryResult,
  categoryResult,
  comparedMean,
  type EvaluationResult,
  meanOf,
  type ParaphraseScores,
  type Provenance,
  type Scores,
  type ShortcutScores,
} from "./result.js";
import { halfRanks, shortcutScores, shortcutsOf } from "./shortcuts.js";

/** What to evaluate, and what to write beside the numbers. */
export interface EvaluationOptions extends Provenance {
  readonly split: SplitName;
  readonly protocol: Protocol;
  /** Wordings that each query is asked in, where the data set has them; 1 for its own alone. */
  readonly wordings?: number | undefined;
  /** Is shown each category's embeddings before they are let go. */
  readonly onCategory?: ((category: CategoryTask) => Promise<void>) | undefined;
}

/**
 * Every image that an evaluation of the split looks at: galleries, references and targets.
 * @throws DatasetError when no query has a target.
 */
export function evaluationImages(split: DatasetSplit, protocol: Protocol): ReadonlySet<string> {
  requireTargets(split);
  const ids = new Set([...galleriesOf(split, protocol).values()].flat());
  for (const { reference, target } of split.triplets) ids.add(reference).add(target);
  return ids;
}

/**
 * Recalls of a data set's split under a protocol, shortcuts and the spread over wordings. What needs a missing image, or a broken one
 * (`withoutBroken` finds them), is dropped and counted; an image that is there stays in the gallery
 * even if its own query was dropped.
 * @throws DatasetError when nothing is left to ask, or a target is not in its gallery.
 */
export async function evaluate(
  dataset: RetrievalDataset,
  embedder: Embedder,
  {
    split: name,
    protocol,
    wordings: wanted = wordingCount,
    model,
    seed,
    commit,
    onCategory,
  }: EvaluationOptions,
): Promise<EvaluationResult> {
  const { split, whole, dropped } = availableSplit(dataset, name);
  const { alsoMeasured, compared } = dataset.evaluation ?? usualEvaluation;
  const published = galleriesOf(whole, protocol);
  const isAvailable = (id: string) => dataset.imagePath(id) !== undefined;
  const galleries = new Map([...published].map(([category, ids]) => [category, ids.filter(isAvailable)]));
  const shortcuts = new Map<string, ShortcutScores>();
  const paraphrases = new Map<string, ParaphraseScores>();
  const wordings = wordingsOf(split.triplets, wanted);
  const scores = await scoreSplit(split, embedder, {
    protocol,
    galleries,
    alsoMeasured,
    async onCategory(task) {
      const { category, ranks } = task;
      shortcuts.set(category, shortcutScores(ranks, await halfRanks(task, embedder)));
      if (wordings > 1) {
        const worded = await wordingRanks(task, { embedder, wordings });
        if (worded[0]?.length) paraphrases.set(category, paraphraseScores(worded, ranks.length));
      }
      await onCategory?.(task);
    },
  });
  const [before, after] = [entryCount(published), entryCount(galleries)];
  return {
    model,
    dataset: dataset.name,
    split: name,
    protocol: protocol.name,
    reference: protocol.reference,
    captions: protocol.captions,
    ...scores,
    compared: comparedMean(scores.mean, compared),
    dropped: { ...dropped, galleryEntries: { dropped: before - after, of: before } },
    shortcuts: shortcutsOf(shortcuts),
    paraphrases: wanted === 1 ? undefined : paraphrasesOf(paraphrases, wordings),
    seed,
    commit,
  };
}

/**
 * Recalls of a split whose every image is there, such as one held out of training.
 * @param galleries the protocol's galleries of the split by default.
 * @param alsoMeasured metrics besides R@1, R@10 and R@50.
 * @throws DatasetError when there are no triplets, or a target is not in its gallery.
 */
export async function scoreSplit(
  split: DatasetSplit,
  embedder: Embedder,
  {
    protocol,
    galleries = galleriesOf(split, protocol),
    alsoMeasured = [],
    onCategory,
  }: {
    readonly protocol: Protocol;
    readonly galleries?: ReadonlyMap<string, readonly string[]>;
    readonly alsoMeasured?: readonly MetricName[] | undefined;
    readonly onCategory?: EvaluationOptions["onCategory"];
  },
): Promise<Scores> {
  requireTargets(split);
  const results: [string, CategoryResult][] = [];
  for (const category of new Set(split.triplets.map((triplet) => triplet.category))) {
    const triplets = split.triplets.filter((triplet) => triplet.category === category);
    const galleryIds = galleries.get(category) ?? [];
    const task = await rankCategory(category, { triplets, galleryIds }, { embedder, protocol });
    const others = otherMetrics(placesOf(task), alsoMeasured);
    results.push([category, categoryResult(task.ranks, galleryIds.length, others)]);
    await onCategory?.(task);
  }
  return { perCategory: Object.fromEntries(results), mean: meanOf(results.map(([, result]) => result)) };
}

/** @throws DatasetError when no query of the split has a target. */
export function requireTargets({ name, triplets, untargeted }: DatasetSplit): void {
  if (triplets.length > 0) return;
  throw new DatasetError(
    `${name} split: there is no query with a target; got ${untargeted.length} without; evaluate a split whose targets ` +
      "are published, with its images in place; for the server of a data set that has one, `sdfn evaluate --submission` " +
      "writes the answers",
  );
}

function entryCount(galleries: ReadonlyMap<string, readonly string[]>): number {
  return [...galleries.values()].reduce((sum, ids) => sum + ids.length, 0);
}
