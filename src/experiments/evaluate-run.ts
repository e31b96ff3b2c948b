/** Trains and evaluates one model: what the demo and the grids do again and again. */

import type { RetrievalDataset, SplitName } from "../data/triplet.js";
import type { CategoryTask } from "../evaluation/category-task.js";
import type { SeedEvaluation } from "../evaluation/comparison.js";
import { evaluate, evaluationImages } from "../evaluation/evaluate.js";
import type { Protocol } from "../evaluation/protocols.js";
import { type QueryRank, queryRanksOf } from "../evaluation/query-ranks.js";
import { type EmbedderOptions, type RunEmbedder, withEmbedder } from "../evaluation/run-embedder.js";
import { openRun, type Run } from "../runs/open-run.js";
import { projectCommit } from "../runs/project-version.js";
import { resumeTraining, type TrainOptions, train } from "../training/train.js";

export interface EvaluateRunOptions extends EmbedderOptions {
  readonly dataset: RetrievalDataset;
  readonly runDir: string;
  readonly split: SplitName;
  readonly protocol: Protocol;
  /** Name beside the numbers; the model's own by default. */
  readonly name?: string | undefined;
}

export interface TrainRunOptions extends Omit<TrainOptions, "availableBytes" | "checkpointMinutes"> {
  /** The folder holds a run of this configuration that was stopped. */
  readonly isStopped?: boolean;
}

/** Trains into `runDir`, or continues with the run there. @throws the signal's reason when it was stopped; the run is saved. */
export async function trainRun({ isStopped = false, ...options }: TrainRunOptions): Promise<void> {
  await (isStopped ? resumeTraining(options) : train(options));
  options.signal?.throwIfAborted();
}

/**
 * Recalls and the rank of every query.
 * @param inspect is given the embedder, what the ranks come from, and the run, before they are let go.
 * @example
 * import { evaluateRun, openDataset, protocolFor } from "sdfn/training";
 * const dataset = openDataset("data/small");
 * const protocol = protocolFor(dataset, {});
 * const { result } = await evaluateRun({ dataset, runDir: "runs/first", split: "val", protocol });
 * console.log(result.model, result.protocol); // sdfn val-split
 */
export async function evaluateRun(
  options: EvaluateRunOptions,
  inspect: (
    embedding: RunEmbedder,
    categories: readonly CategoryTask[],
    run: Run,
  ) => Promise<void> = async () => undefined,
): Promise<SeedEvaluation> {
  const { dataset, runDir, split, protocol, name } = options;
  const opened = openRun(runDir);
  return withEmbedder(opened, dataset, options, async (embedding) => {
    const { embedder, usable } = embedding;
    const ranks: Record<string, QueryRank[]> = {};
    const categories: CategoryTask[] = [];
    const result = await evaluate(await usable(evaluationImages(dataset.split(split), protocol)), embedder, {
      split,
      protocol,
      model: name ?? opened.config.model,
      seed: opened.config.training.seed,
      commit: projectCommit(),
      onCategory: async (category) => {
        ranks[category.category] = queryRanksOf(category);
        categories.push(category);
      },
    });
    await inspect(embedding, categories, opened);
    return { result, ranks };
  });
}
