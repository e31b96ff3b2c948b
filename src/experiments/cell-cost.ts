/** What a trained cell costs: parameters, time of a step and of a query, bytes of a gallery item. */
import { join } from "node:path";
import { z } from "zod";
import type { AskedQuery, CategoryTask, Embedder } from "../evaluation/category-task.js";
import { type RankingTask, targetRanks } from "../evaluation/recall.js";
import { readJsonSync } from "../files/read-json.js";
import { writeWholeSync } from "../files/whole.js";
import type { MeasuredCost } from "../report/cost-section.js";
import type { StepMetrics } from "../runs/metrics.js";
import { readMetrics } from "../runs/run-files.js";

const costFile = "cost.json";

/** As the report shows it (`MeasuredCost`). */
const costSchema = z.strictObject({
  format: z.literal(1),
  parameters: z.int().nonnegative(),
  secondsPerStep: z.number().nonnegative().nullable(),
  millisecondsPerQuery: z.number().nonnegative().nullable(),
  gallery: z.int().nonnegative(),
  bytesPerItem: z.int().positive(),
});

/** Queries that are timed, and those before them that are not. */
const timedQueries = 20;
const warmUpQueries = 3;

/**
 * Measures a run's cost at its evaluation: the median of its optimizer steps, and of single queries that are composed and
 * ranked against the largest gallery.
 */
export async function measureCost(
  { runDir, parameters, batchSize }: { runDir: string; parameters: number; batchSize: number },
  embedder: Embedder,
  categories: readonly CategoryTask[],
): Promise<MeasuredCost> {
  const [first] = categories;
  const [largest] = categories.toSorted((a, b) => b.galleryIds.length - a.galleryIds.length);
  const times = first && largest ? await queryTimes(embedder, first.asked, largest.task) : [];
  return {
    parameters,
    secondsPerStep: median(
      readMetrics(runDir)
        .filter((metrics): metrics is StepMetrics => metrics.kind === "step")
        .map(({ imagesPerSecond }) => (2 * batchSize) / imagesPerSecond),
    ),
    millisecondsPerQuery: median(times),
    gallery: largest?.galleryIds.length ?? 0,
    bytesPerItem: 4 * embedder.embedDim,
  };
}

export function writeCost(runDir: string, cost: MeasuredCost): void {
  writeWholeSync(join(runDir, costFile), `${JSON.stringify({ format: 1, ...cost })}\n`);
}

/** Undefined where there is none, as in cells of older versions, or one that is damaged. */
export function readCost(runDir: string): MeasuredCost | undefined {
  const found = readJsonSync(join(runDir, costFile), costSchema, () => undefined);
  if (!found) return undefined;
  const { format: _, ...cost } = found;
  return cost;
}

/**
 * Milliseconds of one query after the other.
 * @param asked of the category that was embedded first: the features of its references are kept in memory.
 */
async function queryTimes(
  embedder: Embedder,
  asked: readonly AskedQuery[],
  { gallery, embedDim }: Pick<RankingTask, "gallery" | "embedDim">,
): Promise<readonly number[]> {
  const times: number[] = [];
  for (const { triplet, text } of asked.slice(0, warmUpQueries + timedQueries)) {
    const query = [{ reference: triplet.reference, text }];
    const start = performance.now();
    const queries = await embedder.embedQueries(query);
    const scores = await embedder.scorePairs?.(query, gallery);
    targetRanks({ gallery, embedDim, queries, scores, hits: [[0]] });
    times.push(performance.now() - start);
  }
  return times.length > warmUpQueries ? times.slice(warmUpQueries) : times;
}

/** Of several trainings of a row. */
export function medianCost(costs: readonly MeasuredCost[]): MeasuredCost | null {
  const [first] = costs;
  if (!first) return null;
  const known = (read: (cost: MeasuredCost) => number | null) => costs.flatMap((cost) => read(cost) ?? []);
  return {
    ...first,
    secondsPerStep: median(known(({ secondsPerStep }) => secondsPerStep)),
    millisecondsPerQuery: median(known(({ millisecondsPerQuery }) => millisecondsPerQuery)),
  };
}

function median(values: readonly number[]): number | null {
  const sorted = values.filter(Number.isFinite).toSorted((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}
