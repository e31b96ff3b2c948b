/**
 * The stages before the first step, in order: prepare, build, restore, compile. Each takes what the one before gave and
 * adds its part.
 */
import { join } from "node:path";
import { BatchLoader } from "../data/batches/batch-loader.js";
import { describeDrops } from "../data/presence/missing-images.js";
import type { RetrievalDataset } from "../data/triplet.js";
import { FrozenBackbone } from "../embedding/frozen-backbone.js";
import type { GraphMemory } from "../engine/graph/peak-memory.js";
import type { SessionOptions } from "../engine/runtime/session.js";
import { Random } from "../engine/tensor/random.js";
import { writeWholeSync } from "../files/whole.js";
import type { ImageThread } from "../images/image-thread.js";
import type { CompositionModel } from "../models/composition-model.js";
import type { ModelSurroundings } from "../models/model-definition.js";
import type { StateDict } from "../nn/module.js";
import type { RunConfig } from "../runs/run-config.js";
import { type InitialWeightsRecord, type RunManifest, runFiles, writePhrases } from "../runs/run-files.js";
import { loadingParametersOf } from "../runs/run-parameters.js";
import { frequentPhrases } from "../text/phrases.js";
import type { DataFingerprint } from "./checkpoint-files.js";
import type { OpenedCheckpoint } from "./checkpoint-store.js";
import { fingerprintOf, requireSameData } from "./data-fingerprint.js";
import { type InitialWeights, loadInitialWeights } from "./initial-weights.js";
import { EpochTeacher } from "./make-teacher.js";
import { type MemoryNeeds, peakMemoryBytes, requireMemory } from "./memory-estimate.js";
import type { TrainEvent } from "./train-event.js";
import { prepareTrainingData, type TrainingData } from "./training-data.js";
import { initialState, type TrainingState } from "./training-state.js";
import { TrainingStep } from "./training-step.js";
import { loadMoments, restoreTensors } from "./training-tensors.js";
import { WeightAverage } from "./weight-average.js";

/** A run as it was left. */
export interface SavedRun {
  readonly checkpoint: OpenedCheckpoint;
  readonly manifest: RunManifest;
}

/** The options of a training, with every default filled in. */
export interface TrainRequest {
  readonly config: RunConfig;
  /** One category of it, if the configuration says so. */
  readonly dataset: RetrievalDataset;
  readonly images: ImageThread;
  readonly runDir: string;
  /** The run to resume; undefined for a new one. */
  readonly saved: SavedRun | undefined;
  readonly initial: InitialWeights;
  readonly createModel: (surroundings: ModelSurroundings) => CompositionModel;
  readonly signal: AbortSignal | undefined;
  readonly onEvent: (event: TrainEvent) => void;
  readonly session: SessionOptions;
  readonly featureCacheDir: string;
  readonly imageBudgetBytes: number;
  readonly availableBytes: number;
  /** A checkpoint is written when so much time has passed since the last one; 0: after every step. */
  readonly checkpointMinutes: number;
  /** When this process began to work on the run, by `performance.now()`. */
  readonly startMs: number;
}

/** With the data: what is trained on and watched, and the vocabulary. */
export interface WithData extends TrainRequest {
  readonly data: TrainingData;
  readonly streams: RandomStreams;
}

/** With what tells the data from others; the run folder has its first files. */
export interface Prepared extends WithData {
  readonly fingerprint: DataFingerprint;
}

export interface Built extends Prepared, WithModel {}

/** The model and what goes along with it. */
export interface WithModel {
  readonly model: CompositionModel;
  /** What the model started from besides random values. */
  readonly initialWeights: InitialWeightsRecord | undefined;
  /** Undefined without `weightAverage`. */
  readonly average: WeightAverage | undefined;
  /** By token: 1 when a batch had it, so that its vector got a gradient. */
  readonly seenWords: Uint8Array;
}

/** With the values of the checkpoint, for a run that is resumed: model, average and seen words have theirs. */
export interface Restored extends Built {
  /** For those who take theirs when they are made: the optimizer, the loader and the streams, the teacher. */
  readonly savedMoments: StateDict | undefined;
  readonly savedState: TrainingState | undefined;
  readonly savedTeacher: OpenedCheckpoint["teacher"];
}

/** With everything that a step runs; all of it stands where `state` says. */
export interface Compiled extends Restored {
  readonly state: TrainingState;
  readonly loader: BatchLoader;
  /** Draws the dropout masks. */
  readonly dropout: Random;
  /** A frozen backbone's feature maps, in place of pictures. */
  readonly features: FrozenBackbone | undefined;
  readonly trainingStep: TrainingStep;
  readonly memory: MemoryNeeds;
  readonly teacher: EpochTeacher;
}

/** Streams of random numbers that are drawn from the run's seed, one after the other. */
export interface RandomStreams {
  readonly holdOut: Random;
  readonly model: Random;
  readonly loader: Random;
  readonly dropout: Random;
}

/** Stage 1: looks at the images, divides the data, and records them; for a resumed run, requires that they are the same. */
export async function prepare(request: TrainRequest): Promise<Prepared> {
  const { dataset, runDir, saved } = request;
  const looked = await lookAtData(request);
  const prepared = { ...looked, fingerprint: fingerprintOf(dataset, looked.data) };
  if (saved) requireSameData(runDir, saved.checkpoint.content.data, prepared.fingerprint);
  else recordData(prepared);
  return prepared;
}

/** The streams at their start. */
export function streamsOf(seed: number): RandomStreams {
  const random = new Random(seed);
  return {
    holdOut: random.fork("hold-out"),
    model: random.fork("model"),
    loader: random.fork("loader"),
    dropout: random.fork("dropout"),
  };
}

/** Looks at the images and divides the data; nothing is written. */
export async function lookAtData(request: TrainRequest): Promise<WithData> {
  const { dataset, images, signal, onEvent } = request;
  const { training } = request.config;
  const streams = streamsOf(training.seed);
  const options = { config: training, random: streams.holdOut, signal, onEvent };
  return { ...request, data: await prepareTrainingData(dataset, images, options), streams };
}

/** Writes the vocabulary, the frequent phrases, and the images that cannot be used. */
function recordData({ runDir, data, config, onEvent }: Prepared): void {
  const { vocabulary, dropped, unusable, parts } = data;
  vocabulary.save(join(runDir, runFiles.vocabulary));
  if (unusable.length > 0) {
    const lines = unusable.map((image) => `${JSON.stringify(image)}\n`);
    writeWholeSync(join(runDir, runFiles.droppedImages), lines);
    onEvent({ kind: "note", text: `${describeDrops(dropped)}; see ${runFiles.droppedImages}` });
  }
  // Drawn pairs have no captions before an epoch; the stream is of its own, so that nothing else is drawn differently.
  const epoch = parts.training.drawEpoch(new Random(config.training.seed).fork("phrases"));
  writePhrases(runDir, frequentPhrases(epoch.flatMap(({ captions }) => captions)));
}

/** Stage 2: makes the model, from random values or the files to start from, and its weight average. */
export async function build<Before extends WithData>(prepared: Before): Promise<Before & WithModel> {
  const { config, data, saved, initial, streams, createModel, onEvent } = prepared;
  const { training, modelConfig } = config;
  const { vocabulary, texts } = data;
  const model = createModel({
    vocabularySize: vocabulary.size,
    random: streams.model,
    imagePx: training.imagePx,
  });
  const initialWeights = saved
    ? saved.manifest.initialWeights
    : await loadInitialWeights(model, initial, {
        vocabulary,
        texts,
        random: new Random(training.seed).fork("word-vectors"),
        // A frozen backbone keeps them anyway.
        backboneStatistics: training.freezeBackbone ? "frozen" : modelConfig.backboneStatistics,
        note: (text) => onEvent({ kind: "note", text }),
      });
  const average = training.weightAverage > 0 ? new WeightAverage(model, training.weightAverage) : undefined;
  return { ...prepared, model, initialWeights, average, seenWords: new Uint8Array(vocabulary.size) };
}

/**
 * Stage 3: gives a run that is resumed the values of its checkpoint; a new one keeps those that it was built with.
 * @throws StateDictError, WeightsError when they are not of a run like this one.
 */
export function restore(built: Built): Restored {
  const { saved, runDir } = built;
  const load = ({ checkpoint, manifest }: SavedRun) =>
    loadingParametersOf(runDir, manifest, () => restoreTensors(built, checkpoint.tensors));
  return {
    ...built,
    savedMoments: saved && load(saved),
    savedState: saved?.checkpoint.content.state,
    savedTeacher: saved?.checkpoint.teacher,
  };
}

/**
 * Stage 4: opens the feature maps and the batches, and compiles the step and the teacher.
 * @throws EnvironmentError when the memory will not do, before anything large is made.
 */
export async function compile(restored: Restored): Promise<Compiled> {
  const { savedState, savedTeacher, streams, model, createModel, data, config, images, session } = restored;
  // The backbone stands now, and its maps are found by its weights.
  const features = config.training.freezeBackbone ? await openFeatures(restored) : undefined;
  const loader = openLoader(restored, features);
  const state = savedState ?? initialState({ loader: loader.state(), dropout: streams.dropout.state() });
  loader.restore(state.loader);
  const { trainingStep, memory } = await compileStep(restored, features);
  const teacher = await EpochTeacher.open(
    model,
    {
      tensors: savedTeacher,
      triplets: loader.epochTriplets(),
      blank: () =>
        createModel({
          vocabularySize: data.vocabulary.size,
          random: new Random(0),
          imagePx: config.training.imagePx,
        }),
    },
    { images, vocabulary: data.vocabulary, features, training: config.training, session },
  );
  const dropout = Random.fromState(state.dropout);
  return { ...restored, state, loader, dropout, features, trainingStep, memory, teacher };
}

/** Opens the feature maps of a model whose backbone is frozen. */
export function openFeatures(restored: WithData & WithModel): Promise<FrozenBackbone> {
  const { model, images, dataset, featureCacheDir, session } = restored;
  const { imagePx, imageFit } = restored.config.training;
  return FrozenBackbone.open(model, {
    images,
    imagePath: (id) => dataset.imagePath(id),
    imagePx,
    imageFit,
    cacheDir: featureCacheDir,
    session,
  });
}

function openLoader({ data, images, config, streams }: Restored, features?: FrozenBackbone): BatchLoader {
  const { batchSize, maxWords, imagePx, randomCrop, flip, swapCaptions, batchGrouping } = config.training;
  return new BatchLoader(data.parts.training, images, data.vocabulary, {
    random: streams.loader,
    batchSize,
    maxWords,
    cropPx: imagePx,
    shouldCropRandomly: randomCrop && !features,
    shouldFlip: flip,
    shouldSwapCaptions: swapCaptions,
    grouping: batchGrouping,
    featureMaps: features,
  });
}

async function compileStep(
  restored: Restored,
  features: FrozenBackbone | undefined,
): Promise<Pick<Compiled, "trainingStep" | "memory">> {
  const { model, savedMoments, fingerprint, session, availableBytes } = restored;
  const { training } = restored.config;
  const noGraph = { resultBytes: 0, parameterBytes: 0, spareBytes: 0 };
  let memory = memoryNeeds(restored, { graph: noGraph, images: fingerprint.images });
  const trainingStep = await TrainingStep.compile(
    model,
    { training, featureMapShapes: features?.shapes },
    {
      ...session,
      beforeCompile(graph) {
        memory = { ...memory, graph };
        requireMemory(peakMemoryBytes(memory), availableBytes, training);
      },
    },
  );
  if (savedMoments) loadMoments(trainingStep.moments, savedMoments);
  return { trainingStep, memory };
}

/** What a training will need. @param images that it reads. */
export function memoryNeeds(
  { model, average, imageBudgetBytes, config: { training } }: WithData & WithModel,
  { graph, images }: { readonly graph: GraphMemory; readonly images: number },
): MemoryNeeds {
  return {
    graph,
    modelBytes: [...model.state().values()].reduce((sum, { data }) => sum + data.byteLength, 0),
    hasTeacher: model.isSelfDistilled && training.epochs > 1,
    hasAverage: average !== undefined,
    // With feature maps, pictures are looked at once and kept all the same.
    imageBytes: Math.min(imageBudgetBytes, images * 3 * training.resizePx ** 2),
  };
}
