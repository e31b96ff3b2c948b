/** Ranks queries along other routes than the model's own: how much could any router gain? */
import type { RouteWeights } from "../../embedding/encoder.js";
import type { Random } from "../../engine/tensor/random.js";
import type { CategoryTask } from "../../evaluation/category-task.js";
import {
  chosenRanks,
  oracleRanks,
  type RankedTrial,
  type Ranks,
  routeTrials,
} from "../../evaluation/instruments/route-trials.js";
import type { RouteTrials } from "../../evaluation/instruments/run-instruments.js";
import { targetRanks } from "../../evaluation/recall.js";
import type { RouteBench } from "./route-bench.js";
import {
  equalRoute,
  halfWay,
  meanRoute,
  movedAsOthers,
  onePathRoutes,
  pathCount,
  turnedAtRandom,
} from "./route-candidates.js";

/** What every trial needs. */
export interface RouteExperiment {
  readonly bench: RouteBench;
  /** The same queries as the bench's, category after category. */
  readonly categories: readonly CategoryTask[];
  /** Name of each query's kind of change. */
  readonly kinds: readonly string[];
  readonly random: Random;
  readonly signal: AbortSignal | undefined;
  /** Is told after each route that was tried. */
  readonly onRoute: () => void;
}

/** Routes that are tried apart from those of the two families of candidates. */
const singleRoutes = 4;

/** How often `onRoute` will be called. */
export function triedRoutes({ ownRoutes: [like], takesRoutes }: RouteBench): number {
  return like && takesRoutes ? singleRoutes + 2 * pathCount(like) : 0;
}

/** Undefined for a model that takes no routes. @throws the signal's reason when it is aborted. */
export async function tryRoutes(experiment: RouteExperiment): Promise<RouteTrials | undefined> {
  const { bench, random } = experiment;
  const { ownRoutes } = bench;
  const [like] = ownRoutes;
  if (!bench.takesRoutes || !like) return undefined;
  const paths = onePathRoutes(like, random.fork("paths"));
  const ownOf = (i: number) => ownRoutes[i] ?? like;
  const own = await embedAlong(experiment, ownOf);
  const mean = meanRoute(ownRoutes);
  const order = random.fork("others").shuffled([...ownRoutes.keys()]);
  const single: readonly (readonly [string, (i: number) => RouteWeights])[] = [
    ["equal weights", () => equalRoute(like)],
    ["its mean route", () => mean],
    ["another query's route", (i) => ownOf(order[i] ?? i)],
  ];
  const ownRanks = ranksOf(experiment, own);
  const trials: RankedTrial[] = [{ name: "its own routes", ranks: ownRanks }];
  for (const [name, routeOf] of single) {
    trials.push({ name, ranks: ranksOf(experiment, await embedAlong(experiment, routeOf)) });
  }
  const alone = paths.routes.map((path) => () => path);
  const half = paths.routes.map((path) => (i: number) => halfWay(ownOf(i), path));
  trials.push(...(await familyTrials("path", alone, { ...experiment, own, ownRanks })));
  trials.push(...(await familyTrials("half", half, { ...experiment, own, ownRanks })));
  return {
    candidates: paths.routes.length,
    isExhaustive: paths.isExhaustive,
    trials: routeTrials(ownRanks, trials, random.fork("bootstrap")),
  };
}

/** What the best of some candidates gives: chosen for all, chosen for each kind, and as an oracle beside its two controls. */
async function familyTrials(
  name: string,
  candidates: readonly ((i: number) => RouteWeights)[],
  experiment: RouteExperiment & { readonly own: Float32Array; readonly ownRanks: Ranks },
): Promise<readonly RankedTrial[]> {
  const { own, ownRanks, kinds, random } = experiment;
  const stream = random.fork(name);
  const embedDim = embedDimOf(experiment);
  const ranks: Ranks[] = [];
  const turned: Ranks[] = [];
  const asOthers: Ranks[] = [];
  for (const routeOf of candidates) {
    const moved = await embedAlong(experiment, routeOf);
    ranks.push(ranksOf(experiment, moved));
    turned.push(ranksOf(experiment, turnedAtRandom({ own, moved, embedDim }, stream)));
    asOthers.push(ranksOf(experiment, movedAsOthers({ own, moved, embedDim }, stream)));
  }
  const everyone = kinds.map(() => "all");
  const all = [ownRanks, ...ranks];
  return [
    { name: `${name}: best for all`, ranks: chosenRanks(all, everyone, stream) },
    { name: `${name}: best by kind`, ranks: chosenRanks(all, kinds, stream) },
    { name: `${name}: oracle`, ranks: oracleRanks(all) },
    { name: `${name}: random turns`, ranks: oracleRanks([ownRanks, ...turned]) },
    { name: `${name}: others' moves`, ranks: oracleRanks([ownRanks, ...asOthers]) },
  ];
}

async function embedAlong(
  { bench, signal, onRoute }: RouteExperiment,
  routeOf: (i: number) => RouteWeights,
): Promise<Float32Array> {
  signal?.throwIfAborted();
  const embeddings = await bench.embed(routeOf);
  onRoute();
  return embeddings;
}

function embedDimOf({ categories }: RouteExperiment): number {
  return categories[0]?.task.embedDim ?? 1;
}

/** Ranks of all queries, each in its own category's gallery. */
function ranksOf({ categories }: RouteExperiment, embeddings: Float32Array): Ranks {
  let start = 0;
  return categories.flatMap(({ task }) => {
    const end = start + task.hits.length * task.embedDim;
    const queries = embeddings.subarray(start, end);
    start = end;
    return targetRanks({ ...task, queries });
  });
}
