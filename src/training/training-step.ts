/** One training step: what to feed to its graph or graphs, and what comes out. */
import type { Batch } from "../data/batches/batch-loader.js";
import type { GraphMemory } from "../engine/graph/peak-memory.js";
import type { Parameter } from "../engine/graph/value.js";
import { usedFeeds } from "../engine/runtime/session.js";
import type { Random } from "../engine/tensor/random.js";
import { elementCount, requireStatic } from "../engine/tensor/shape.js";
import { float32, type Tensor, zeros } from "../engine/tensor/tensor.js";
import type { CompositionModel } from "../models/composition-model.js";
import { compileMicroBatchStep, microBatchMemory } from "./micro-batch-step.js";
import {
  type CompiledStep,
  distillationFactorInput,
  type StepConfig,
  type StepOptions,
  type StepResult,
} from "./step-graph.js";
import { compileWholeBatchStep, wholeBatchMemory } from "./whole-batch-step.js";

/** Router logits of the teacher on a batch, by the names that `teacherInputs` gives them, each [B, M, J]. */
export type TeacherLogits = Readonly<Record<string, Tensor>>;

/** Undefined where the whole batch is in memory. */
function microBatchSizeOf({ training: { batchSize, microBatchSize } }: StepConfig): number | undefined {
  return microBatchSize && microBatchSize < batchSize ? microBatchSize : undefined;
}

/** A compiled training step of a model. Running it changes the model's parameters. */
export class TrainingStep {
  readonly #compiled: CompiledStep;
  readonly #masks: readonly Uint8Array[];
  readonly #config: StepConfig;

  private constructor(compiled: CompiledStep, config: StepConfig) {
    this.#compiled = compiled;
    this.#config = config;
    this.#masks = compiled.masks.map(({ input }) => new Uint8Array(elementCount(input.shape)));
  }

  /** Builds and compiles the step for batches of one size, in one graph or by micro-batches. */
  static async compile(
    model: CompositionModel,
    config: StepConfig,
    options: StepOptions = {},
  ): Promise<TrainingStep> {
    const microBatchSize = microBatchSizeOf(config);
    const compiled =
      microBatchSize === undefined
        ? await compileWholeBatchStep(model, config, options)
        : await compileMicroBatchStep(model, { ...config, microBatchSize }, options);
    return new TrainingStep(compiled, config);
  }

  /** What the graphs of a step will need; nothing is compiled. */
  static memory(model: CompositionModel, config: StepConfig): GraphMemory {
    const microBatchSize = microBatchSizeOf(config);
    return microBatchSize === undefined
      ? wholeBatchMemory(model, config)
      : microBatchMemory(model, { ...config, microBatchSize });
  }

  /** What a user should know about how steps are computed; empty as a rule. */
  get notes(): readonly string[] {
    return this.#compiled.notes;
  }

  /** Adam's moments by name, for checkpoints. */
  get moments(): ReadonlyMap<string, Parameter> {
    return this.#compiled.adam.moments;
  }

  /** Do words get gradients? */
  get readsText(): boolean {
    return this.#compiled.hasInput("tokens");
  }

  /** After a step that was not accepted: parameters and moments whose next values would not have been finite. */
  get notFinite(): readonly Parameter[] {
    return this.#compiled.notFinite;
  }

  /**
   * One step; occupies the calling thread until it is done.
   * @param batch tensors as `BatchLoader` gives them.
   */
  async run(
    batch: Pick<Batch, "images" | "tokens" | "lengths">,
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
      ...this.#usedPictures(batch),
      ...this.#usedTexts(batch),
      ...this.#compiled.adam.feeds(step, {
        backbone: learningRate * backboneRate,
        words: learningRate * wordRate,
        rest: learningRate,
      }),
      ...this.#teacherFeeds(teacher),
    };
    for (const [i, { input, keepProbability }] of this.#compiled.masks.entries()) {
      const data = this.#masks[i] ?? new Uint8Array();
      random.fillMask(data, keepProbability);
      feeds[input.name] = { dtype: "uint8", shape: requireStatic("dropout", input.shape), data };
    }
    return this.#compiled.run(feeds);
  }

  /** Frees the native session; the model keeps its parameters. */
  async release(): Promise<void> {
    await this.#compiled.release();
  }

  /** A model need not look at every map that is there. */
  #usedPictures({ images }: Pick<Batch, "images">): Record<string, Tensor> {
    return usedFeeds(this.#compiled, images);
  }

  /** A model that does not look at the text has no such inputs. */
  #usedTexts({ tokens, lengths }: Pick<Batch, "tokens" | "lengths">): Record<string, Tensor> {
    return this.readsText ? { tokens, lengths } : {};
  }

  /** Zeros and a factor of 0 as long as there is no teacher. */
  #teacherFeeds(teacher: TeacherLogits | undefined): TeacherLogits {
    if (this.#compiled.teacherInputs.length === 0) return {};
    const logits = this.#compiled.teacherInputs.map(({ name, shape }) => [
      name,
      teacher?.[name] ?? zeros("float32", requireStatic("teacher", shape)),
    ]);
    return { ...Object.fromEntries(logits), [distillationFactorInput]: float32([], [teacher ? 1 : 0]) };
  }
}
