/** Looks into a trained run: what its losses ask of its parts, and what its routes are worth. */
import { BatchLoader } from "../../data/batches/batch-loader.js";
import { FixedSplit } from "../../data/fixed-split.js";
import { ModelEmbedder } from "../../embedding/model-embedder.js";
import { Random } from "../../engine/tensor/random.js";
import type { CategoryTask } from "../../evaluation/category-task.js";
import { scoreSplit } from "../../evaluation/evaluate.js";
import { groupName, routeInformation } from "../../evaluation/instruments/route-information.js";
import type {
  GradientShares,
  QuerySource,
  RouteInstruments,
  RunInstruments,
} from "../../evaluation/instruments/run-instruments.js";
import { defaultProtocol, galleriesOf } from "../../evaluation/protocols.js";
import { Teacher } from "../../training/teacher.js";
import { GradientGraph } from "./gradient-shares.js";
import { kindsOfChange } from "./kinds-of-change.js";
import { type LaidRun, type LaidRunOptions, withLaidRun } from "./lay-run.js";
import { RouteBench } from "./route-bench.js";
import { triedRoutes, tryRoutes } from "./try-routes.js";

export interface InspectRunOptions extends LaidRunOptions {
  /** Most queries that routes are tried on. */
  readonly queries: number;
  /** Training batches that gradients are measured on; 8 by default. */
  readonly batches?: number;
  /** Is told how many batches and routes are done. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** The run, and what is asked of it. */
interface Inspection extends LaidRun {
  readonly options: InspectRunOptions;
  readonly random: Random;
  /** A batch or a route is done. */
  readonly onPiece: () => void;
}

/**
 * Instruments of a run on the data that it was trained on: gradients on training batches, routes on held-out triplets (on
 * some of those trained on, where none are held out). No parameter is changed, and no split that results are reported on is
 * looked at.
 * @throws DatasetError, ImageError for the data; the signal's reason when it is aborted.
 */
export async function inspectRun(options: InspectRunOptions): Promise<RunInstruments> {
  return withLaidRun(options, async (laid) => {
    const random = new Random(laid.run.config.training.seed).fork("instruments");
    const categories = await askedCategories(laid, options, random.fork("queries"));
    const bench = await openBench(laid, categories);
    try {
      const batches = batchCount(laid, options);
      const total = batches + (bench ? triedRoutes(bench) : 0);
      let done = 0;
      const onPiece = (): void => {
        done += 1;
        options.onProgress?.(done, total);
      };
      const inspection = { ...laid, options, random, onPiece };
      return {
        gradients: await measureGradients(inspection, batches),
        queries: categories.reduce((sum, { asked }) => sum + asked.length, 0),
        from: sourceOf(laid),
        routes: bench && (await inspectRoutes(inspection, bench, categories)),
      };
    } finally {
      await bench?.release();
    }
  });
}

function sourceOf({ run: { manifest }, data: { parts } }: LaidRun): QuerySource {
  const held = { triplets: parts.validation?.triplets.length ?? 0, leftOut: parts.leftOut };
  const { triplets, leftOut } = manifest.heldOut ?? held; // not written by older versions
  if (triplets !== held.triplets || leftOut !== held.leftOut) return "other data";
  return triplets > 0 ? "held out" : "trained on";
}

/** At most `queries` of the held-out triplets, in the gallery of all of them. */
async function askedCategories(
  laid: LaidRun,
  { queries }: InspectRunOptions,
  random: Random,
): Promise<readonly CategoryTask[]> {
  const { validation, training } = laid.data.parts;
  const drawn = (validation ?? training).drawEpoch(random).slice(0, queries);
  const { name, images } = validation ?? training;
  const split = new FixedSplit({ name, images, triplets: drawn });
  const categories: CategoryTask[] = [];
  const embedder = await ModelEmbedder.compile(laid.run.model, embeddingOptions(laid));
  try {
    await scoreSplit(split, embedder, {
      protocol: defaultProtocol,
      galleries: galleriesOf(validation ?? split, defaultProtocol),
      onCategory: async (category) => {
        categories.push(category);
      },
    });
  } finally {
    await embedder.release();
  }
  return categories;
}

function embeddingOptions({ run: { config, vocabulary }, images, featureMaps }: LaidRun) {
  const { imagePx, maxWords } = config.training;
  return { images, vocabulary, featureMaps, imagePx, maxWords };
}

function openBench(laid: LaidRun, categories: readonly CategoryTask[]): Promise<RouteBench | undefined> {
  const queries = categories.flatMap(({ asked }) =>
    asked.map(({ triplet: { reference }, text }) => ({ reference, text })),
  );
  return RouteBench.open(laid.run.model, queries, embeddingOptions(laid));
}

async function inspectRoutes(
  { dataset, options: { signal }, random, onPiece }: Inspection,
  bench: RouteBench,
  categories: readonly CategoryTask[],
): Promise<RouteInstruments> {
  const asked = categories.flatMap((category) => category.asked);
  const { from, kinds } = await kindsOfChange(dataset, asked);
  const routed = bench.ownRoutes.map((routes, i) => ({ routes, kinds: kinds[i] ?? [] }));
  return {
    kindsFrom: from,
    information: routeInformation(routed, random.fork("kinds")),
    trials: await tryRoutes({
      bench,
      categories,
      kinds: kinds.map(groupName),
      random: random.fork("routes"),
      signal,
      onRoute: onPiece,
    }),
  };
}

/** Gradients of every loss take more memory than a step's: larger batches are not needed here. */
const maxBatchSize = 64;

/** Triplets of a batch; with micro-batches as many as are in memory at a time. */
function batchSizeOf({ run: { config } }: LaidRun): number {
  const { microBatchSize, batchSize } = config.training;
  return Math.min(microBatchSize ?? batchSize, maxBatchSize);
}

function batchCount(laid: LaidRun, { batches = 8 }: InspectRunOptions): number {
  return Math.min(batches, Math.floor(laid.data.parts.training.epochTripletCount / batchSizeOf(laid)));
}

/** The teacher of self path distillation is the run itself, as it is for the first step of an epoch. */
async function measureGradients(inspection: Inspection, batches: number): Promise<GradientShares> {
  const { run, images, featureMaps, data, random, options, onPiece } = inspection;
  const { model, vocabulary } = run;
  const training = { ...run.config.training, batchSize: batchSizeOf(inspection) };
  const featureMapShapes = featureMaps?.shapes;
  const loader = new BatchLoader(data.parts.training, images, vocabulary, {
    random: random.fork("batches"),
    batchSize: training.batchSize,
    maxWords: training.maxWords,
    cropPx: training.imagePx,
    shouldCropRandomly: training.randomCrop && !featureMaps,
    shouldFlip: training.flip,
    shouldSwapCaptions: training.swapCaptions,
    grouping: training.batchGrouping,
    featureMaps,
  });
  const teacher = model.isSelfDistilled
    ? await Teacher.snapshot(model, { ...training, featureMapShapes })
    : undefined;
  const graph = await GradientGraph.compile(model, { training, featureMapShapes });
  const dropout = random.fork("dropout");
  let done = 0;
  try {
    for await (const batch of loader.epoch()) {
      options.signal?.throwIfAborted();
      await graph.add(batch, { random: dropout, teacher });
      onPiece();
      done += 1;
      if (done === batches) break;
    }
    return graph.shares();
  } finally {
    await graph.release();
    await teacher?.release();
  }
}
