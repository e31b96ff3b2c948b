/** The teacher of the epoch under way: made at the end of every epoch, and made again from a checkpoint. */
import type { Batch } from "../data/batches/batch-loader.js";
import type { Triplet } from "../data/triplet.js";
import type { FrozenBackbone } from "../embedding/frozen-backbone.js";
import type { SessionOptions } from "../engine/runtime/session.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import type { CompositionModel } from "../models/composition-model.js";
import type { TrainingConfig } from "../runs/training-fields.js";
import { requireFloat32 } from "../tensor-files/safetensors.js";
import { StoredTeacher, type TeacherData } from "./stored-teacher.js";
import { type RouteTeacher, Teacher } from "./teacher.js";
import type { TeacherLogits } from "./training-step.js";

export interface TeacherOptions extends TeacherData {
  readonly training: TrainingConfig;
  readonly features: FrozenBackbone | undefined;
  readonly session: SessionOptions;
}

/** What a checkpoint has of a teacher, and what it takes to make it again. */
export interface SavedTeacher {
  /** Undefined where there was none. */
  readonly tensors: ReadonlyMap<string, Tensor> | undefined;
  /** Of the epoch under way. */
  readonly triplets: readonly Triplet[];
  /** A model of the run's kind; takes the values of a snapshot. */
  readonly blank: () => CompositionModel;
}

/** None in the first epoch, and none for a model that is not self-distilled. */
export class EpochTeacher {
  readonly #model: CompositionModel;
  readonly #options: TeacherOptions;
  #teacher: RouteTeacher | undefined;

  private constructor(model: CompositionModel, options: TeacherOptions, teacher: RouteTeacher | undefined) {
    this.#model = model;
    this.#options = options;
    this.#teacher = teacher;
  }

  /** @throws WeightsError, StateDictError when saved tensors are not of this run. */
  static async open(
    model: CompositionModel,
    { tensors, triplets, blank }: SavedTeacher,
    options: TeacherOptions,
  ): Promise<EpochTeacher> {
    if (!tensors) return new EpochTeacher(model, options, undefined);
    if (options.training.teacher === "stored")
      return new EpochTeacher(model, options, new StoredTeacher(triplets, tensors));
    const before = blank();
    before.loadStateDict(requireFloat32(tensors, "teacher"));
    return new EpochTeacher(model, options, await snapshot(before, options));
  }

  /** Router logits on a batch; undefined as long as there is no teacher. */
  async predict(batch: Batch): Promise<TeacherLogits | undefined> {
    return this.#teacher?.predict(batch);
  }

  /**
   * The model of now becomes the teacher of the next epoch, whose triplets are given.
   * @returns what a checkpoint keeps of it; undefined when the model has no use for one.
   * @throws ImageError from a stored one, when an image is missing or damaged.
   */
  async advance(triplets: readonly Triplet[]): Promise<ReadonlyMap<string, Tensor> | undefined> {
    if (!this.#model.isSelfDistilled) return undefined;
    if (this.#options.training.teacher === "snapshot") {
      await this.#teacher?.release(); // it holds all weights: it makes room first
      this.#teacher = await snapshot(this.#model, this.#options);
      return this.#model.tensors();
    }
    const asked = await snapshot(this.#model, this.#options);
    try {
      const stored = await StoredTeacher.compute(asked, triplets, this.#options);
      this.#teacher = stored;
      return stored.tensors;
    } finally {
      await asked.release();
    }
  }

  /** Frees the native session. */
  async release(): Promise<void> {
    await this.#teacher?.release();
  }
}

function snapshot(
  model: CompositionModel,
  { training, features, session }: TeacherOptions,
): Promise<Teacher> {
  return Teacher.snapshot(model, { ...training, featureMapShapes: features?.shapes }, session);
}
