/** One training step as one graph: forward pass, losses, backward pass, clipping, Adam. */
import { gradients } from "../autodiff/gradients.js";
import type { Batch } from "../data/batch-loader.js";
import { topologicalOrder } from "../graph/traversal.js";
import { Input, type Parameter, type Value } from "../graph/value.js";
import type { CompositionModel } from "../models/composition-model.js";
import { objective, teacherInputs } from "../models/objective.js";
import { ForwardPass } from "../nn/forward-pass.js";
import { cast, full } from "../ops/constant.js";
import { Adam, type ParameterGroup } from "../optim/adam.js";
import { clipByGlobalNorm, globalNorm } from "../optim/clip.js";
import type { SessionOptions } from "../runtime/session.js";
import { StatefulSession, type StatefulSessionOptions } from "../runtime/stateful-session.js";
import type { Random } from "../tensor/random.js";
import { elementCount, requireStatic } from "../tensor/shape.js";
import { float32, scalarOf, type Tensor, zeros } from "../tensor/tensor.js";
import type { LossParts } from "./metrics.js";
import type { TrainingConfig } from "./training-fields.js";

/** Router logits of the teacher on a batch, by the names that `teacherInputs` gives them, each [B, M, J]. */
export type TeacherLogits = Readonly<Record<string, Tensor>>;

export interface StepConfig {
  readonly training: Pick<
    TrainingConfig,
    "batchSize" | "imagePx" | "maxWords" | "weightDecay" | "gradientClip" | "backboneRate" | "wordRate"
  >;
  /** Shape [C, h, w] of a frozen backbone's feature maps, when those are fed instead of pictures. */
  readonly featureMapShape?: readonly [number, number, number];
  /** Their element type; float32 by default. */
  readonly featureMapType?: "float16" | "float32";
}

/** What one step reports. */
export interface StepResult {
  readonly loss: LossParts;
  /** L2 norm of all gradients before clipping. */
  readonly gradientNorm: number;
  /** False when loss or gradients were not finite: then no parameter has changed. */
  readonly isAccepted: boolean;
}

type StepOutput = keyof LossParts | "gradientNorm";

/** A compiled training step of a model. Running it changes the model's parameters. */
export class TrainingStep {
  readonly #session: StatefulSession<StepOutput>;
  readonly #adam: Adam;
  readonly #pass: ForwardPass;
  readonly #masks: readonly Uint8Array[];
  readonly #teacherInputs: readonly Input[];
  readonly #config: StepConfig;

  private constructor(
    session: StatefulSession<StepOutput>,
    parts: { adam: Adam; pass: ForwardPass; teacherInputs: readonly Input[]; config: StepConfig },
  ) {
    this.#session = session;
    this.#adam = parts.adam;
    this.#pass = parts.pass;
    this.#teacherInputs = parts.teacherInputs;
    this.#config = parts.config;
    this.#masks = parts.pass.dropoutMasks.map(({ input }) => new Uint8Array(elementCount(input.shape)));
  }

  /** Builds and compiles the step for batches of one size. */
  static async compile(
    model: CompositionModel,
    config: StepConfig,
    options: SessionOptions & Pick<StatefulSessionOptions<StepOutput>, "beforeCompile"> = {},
  ): Promise<TrainingStep> {
    const { batchSize, imagePx, maxWords, weightDecay, gradientClip } = config.training;
    const pass = ForwardPass.training();
    const tokens = new Input("tokens", "int64", [batchSize, maxWords]);
    const lengths = new Input("lengths", "int64", [batchSize]);
    const images = config.featureMapShape
      ? new Input("images", config.featureMapType ?? "float32", [2 * batchSize, ...config.featureMapShape])
      : new Input("images", "uint8", [2 * batchSize, imagePx, imagePx, 3]);
    const { reference, target } = config.featureMapShape
      ? model.encodePairsOfFeatureMaps(cast(images, "float32"), pass)
      : model.encodePairs(images, pass);
    const composition = model.compose(reference, model.encodeText(tokens, lengths), pass);
    const teacher = model.auxiliaryLosses.distillation ? teacherInputs(composition.logits ?? []) : [];
    const none = full([], 0, "float32");
    const {
      loss: total,
      bbc: classification,
      spd: distillation = none,
      c: consistency = none,
    } = objective(model, {
      composition,
      target: target.embedding,
      teacher,
      distillationFactor: new Input(DISTILLATION_FACTOR, "float32", []),
    });
    const groups = parameterGroups(model, total, config.training);
    const adam = new Adam(groups, { weightDecay });
    const raw = gradients(total, adam.parameters);
    const clipped = gradientClip > 0 ? clipByGlobalNorm(raw, gradientClip) : undefined;
    const norm = clipped?.norm ?? globalNorm(raw);
    const updates = adam.updates(raw, clipped?.factor);
    const session = await StatefulSession.compile<StepOutput>(
      { total, classification, distillation, consistency, gradientNorm: norm },
      [...updates, ...pass.bufferUpdates],
      {
        ...options,
        accept: ({ total, gradientNorm }) =>
          Number.isFinite(scalarOf(total)) && Number.isFinite(scalarOf(gradientNorm)),
      },
    );
    return new TrainingStep(session, {
      adam,
      pass,
      teacherInputs: teacher.flatMap((layer) => Object.values(layer) as Input[]),
      config,
    });
  }

  /** Adam's moments by name, for checkpoints. */
  get moments(): ReadonlyMap<string, Parameter> {
    return this.#adam.moments;
  }

  /** Do words get gradients? */
  get readsText(): boolean {
    return this.#session.hasInput("tokens");
  }

  /** After a step that was not accepted: parameters and moments whose next values would not have been finite. */
  get notFinite(): readonly Parameter[] {
    return this.#session.notFinite;
  }

  /**
   * One step; occupies the calling thread until it is done.
   * @param batch tensors as `BatchLoader` gives them (or feature maps as `images`).
   */
  async run(
    batch: Pick<Batch, "tokens" | "lengths"> & { readonly images: Tensor },
    {
      step,
      learningRate,
      random,
      teacher,
    }: {
      /** Counted from 1. */
      readonly step: number;
      readonly learningRate: number;
      /** Draws the dropout masks. */
      readonly random: Random;
      /** Without it, as in the first epoch, there is no distillation. */
      readonly teacher?: TeacherLogits | undefined;
    },
  ): Promise<StepResult> {
    const { backboneRate, wordRate } = this.#config.training;
    const feeds: Record<string, Tensor> = {
      images: batch.images,
      ...this.#usedTexts(batch),
      ...this.#adam.feeds(step, {
        backbone: learningRate * backboneRate,
        words: learningRate * wordRate,
        rest: learningRate,
      }),
      ...this.#teacherFeeds(teacher),
    };
    for (const [i, { input, keepProbability }] of this.#pass.dropoutMasks.entries()) {
      const data = this.#masks[i] ?? new Uint8Array();
      random.fillMask(data, keepProbability);
      feeds[input.name] = { dtype: "uint8", shape: requireStatic("dropout", input.shape), data };
    }
    const { outputs, isAccepted } = await this.#session.run(feeds);
    return {
      loss: {
        total: scalarOf(outputs.total),
        classification: scalarOf(outputs.classification),
        distillation: scalarOf(outputs.distillation),
        consistency: scalarOf(outputs.consistency),
      },
      gradientNorm: scalarOf(outputs.gradientNorm),
      isAccepted,
    };
  }

  /** Frees the native session; the model keeps its parameters. */
  async release(): Promise<void> {
    await this.#session.release();
  }

  /** A model that does not look at the text has no such inputs. */
  #usedTexts({ tokens, lengths }: Pick<Batch, "tokens" | "lengths">): Record<string, Tensor> {
    return this.readsText ? { tokens, lengths } : {};
  }

  /** Zeros and a factor of 0 as long as there is no teacher. */
  #teacherFeeds(teacher: TeacherLogits | undefined): TeacherLogits {
    if (this.#teacherInputs.length === 0) return {};
    const logits = this.#teacherInputs.map(({ name, shape }) => [
      name,
      teacher?.[name] ?? zeros("float32", requireStatic("teacher", shape)),
    ]);
    return { ...Object.fromEntries(logits), [DISTILLATION_FACTOR]: float32([], [teacher ? 1 : 0]) };
  }
}

const DISTILLATION_FACTOR = "distillationFactor";

/** Backbone, word vectors and the rest: what the loss depends on, is trainable, and has a rate above 0. */
function parameterGroups(
  model: CompositionModel,
  loss: Value,
  { backboneRate, wordRate }: StepConfig["training"],
): ParameterGroup[] {
  const isUsed = new Set(topologicalOrder([loss]));
  const groupOf = (name: string) =>
    name.startsWith("image.backbone.") ? "backbone" : name.startsWith("text.embedding.") ? "words" : "rest";
  const rates: Record<string, number> = { backbone: backboneRate, words: wordRate, rest: 1 };
  const named = [...model.namedParameters()].filter(([, parameter]) => isUsed.has(parameter));
  return Object.entries(rates)
    .filter(([, rate]) => rate > 0)
    .map(([group]) => ({
      name: group,
      parameters: new Map(named.filter(([name]) => groupOf(name) === group)),
    }))
    .filter(({ parameters }) => parameters.size > 0);
}
