/** What cells that are to run side by side need, found before they start: their memory, and feature maps that they share. */
import { availableSplit } from "../data/presence/missing-images.js";
import { trainingImages, withoutBroken } from "../data/presence/usable-images.js";
import type { FrozenBackbone } from "../embedding/frozen-backbone.js";
import { SdfnError } from "../errors.js";
import { evaluationImages } from "../evaluation/evaluate.js";
import { ImageThread } from "../images/image-thread.js";
import { pictureOptions, type RunConfig } from "../runs/run-config.js";
import { prepareFeatures } from "../training/frozen-features.js";
import { peakMemoryBytes } from "../training/memory-estimate.js";
import {
  build,
  lookAtData,
  memoryNeeds,
  openFeatures,
  streamsOf,
  type WithData,
} from "../training/stages.js";
import { requestOf, type TrainEvent } from "../training/train.js";
import type { TrainingData } from "../training/training-data.js";
import { TrainingStep } from "../training/training-step.js";
import type { GridCell } from "./grid-cells.js";
import type { CellSurroundings } from "./run-cell.js";

interface ForeseeOptions {
  readonly signal: AbortSignal;
  /** Is told of images that are looked at, and of feature maps. */
  readonly onEvent: (event: TrainEvent) => void;
}

/**
 * The peak memory of each cell, by the estimate that training goes by. Feature maps of frozen backbones are computed on the
 * way: once, however many cells read them. A cell that cannot be foreseen, as its configuration does not suit the data,
 * has no entry: it says why when it is run.
 * @throws the signal's reason when it is aborted.
 */
export async function foreseeCells(
  cells: readonly GridCell[],
  surroundings: CellSurroundings,
  options: ForeseeOptions,
): Promise<ReadonlyMap<GridCell, number>> {
  const look = new Look(surroundings, options);
  const memory = new Map<GridCell, number>();
  try {
    for (const group of groupsOf(cells, surroundings)) {
      options.signal.throwIfAborted();
      try {
        const bytes = await look.at(group);
        for (const cell of group) memory.set(cell, bytes);
      } catch (error) {
        if (!(error instanceof SdfnError)) throw error;
      }
    }
  } finally {
    await look.close();
  }
  return memory;
}

/** Cells whose models have the same size, and where they are frozen the same backbone. */
function groupsOf(
  cells: readonly GridCell[],
  { initial }: CellSurroundings,
): readonly (readonly [GridCell, ...GridCell[]])[] {
  const groups = new Map<string, [GridCell, ...GridCell[]]>();
  for (const cell of cells) {
    // Random values of a frozen backbone are those of its seed.
    const isSeeds = cell.config.training.freezeBackbone && initial.backboneWeights === undefined;
    const key = isSeeds ? cell.name : cell.row.name;
    const group = groups.get(key);
    if (group) group.push(cell);
    else groups.set(key, [cell]);
  }
  return [...groups.values()];
}

/** Data sets are looked at once for all cells that read the same of them. */
class Look {
  readonly #surroundings: CellSurroundings;
  readonly #options: ForeseeOptions;
  readonly #images = new Map<string, ImageThread>();
  readonly #data = new Map<string, TrainingData>();
  /** Maps that are there: folder, data and mirroring. */
  readonly #prepared = new Set<string>();

  constructor(surroundings: CellSurroundings, options: ForeseeOptions) {
    this.#surroundings = surroundings;
    this.#options = options;
  }

  /** Peak memory of a cell of the group, with the feature maps of all of them computed. */
  async at(group: readonly [GridCell, ...GridCell[]]): Promise<number> {
    const [first] = group;
    const { signal } = this.#options;
    const built = await build(await this.#dataOf(first.config));
    const { model, config, data } = built;
    const { training } = config;
    const features = training.freezeBackbone ? await openFeatures(built) : undefined;
    try {
      const graph = TrainingStep.memory(model, { training, featureMapShapes: features?.shapes });
      const images = trainingImages(data.parts.training).size;
      if (features) {
        for (const cell of group) await this.#prepare(features, cell.config);
        signal.throwIfAborted();
      }
      return peakMemoryBytes(memoryNeeds(built, { graph, images }));
    } finally {
      await features?.release();
    }
  }

  async close(): Promise<void> {
    for (const images of this.#images.values()) await images.close();
  }

  async #dataOf(config: RunConfig): Promise<WithData> {
    const { signal } = this.#options;
    // What is to be noted of its data a cell says itself.
    const onEvent = (event: TrainEvent) => event.kind !== "note" && this.#options.onEvent(event);
    const options = { ...this.#surroundings, config, runDir: "", signal, onEvent };
    const request = requestOf(options, this.#imagesOf(config));
    const key = dataKey(config);
    const known = this.#data.get(key);
    if (known) return { ...request, data: known, streams: streamsOf(config.training.seed) };
    const looked = await lookAtData(request);
    this.#data.set(key, looked.data);
    return looked;
  }

  #imagesOf(config: RunConfig): ImageThread {
    const options = pictureOptions(config);
    const key = JSON.stringify(options);
    const { dataset, imageCache } = this.#surroundings;
    const images =
      this.#images.get(key) ??
      new ImageThread((id) => dataset.imagePath(id), { ...options, disk: imageCache });
    this.#images.set(key, images);
    return images;
  }

  /** Every map that training and evaluation of the configuration will read. */
  async #prepare(features: FrozenBackbone, config: RunConfig): Promise<void> {
    const { signal, onEvent } = this.#options;
    const { data } = await this.#dataOf(config);
    const key = `${features.folder} ${dataKey(config)} ${config.training.flip}`;
    if (this.#prepared.has(key)) return;
    await prepareFeatures(features, { parts: data.parts, config: config.training, signal, onEvent });
    const plan = await features.plan(
      (await this.#evaluated(config)).map((id) => ({ id, isFlipped: false })),
      { signal },
    );
    const total = plan.missing.length;
    await features.compute(plan, {
      signal,
      onProgress: (done) => onEvent({ kind: "features", stage: "compute", done, total }),
    });
    this.#prepared.add(key);
  }

  /** Images that evaluation will embed. */
  async #evaluated(config: RunConfig): Promise<readonly string[]> {
    const { dataset, split, protocol } = this.#surroundings;
    const ids = evaluationImages(dataset.split(split), protocol);
    const { signal } = this.#options;
    const usable = await withoutBroken(dataset, this.#imagesOf(config), { ids, signal });
    const images = evaluationImages(availableSplit(usable, split).split, protocol);
    return [...images].filter((id) => usable.imagePath(id) !== undefined);
  }
}

/** What training data depend on. */
function dataKey(config: RunConfig): string {
  const { seed, holdOut, holdOutBy, keep, patience, minWordCount, category, mismatchedTriplets } =
    config.training;
  return JSON.stringify([
    pictureOptions(config),
    { seed, holdOut, holdOutBy, keep, patience, minWordCount, category, mismatchedTriplets },
  ]);
}
