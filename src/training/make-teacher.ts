/** Makes the teacher that the configuration asks for, and makes it again from a checkpoint. */
import type { Triplet } from "../data/triplet.js";
import type { FrozenBackbone } from "../embedding/frozen-backbone.js";
import type { SessionOptions } from "../engine/runtime/session.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import type { CompositionModel } from "../models/composition-model.js";
import type { TrainingConfig } from "../runs/training-fields.js";
import { requireFloat32 } from "../weights/safetensors.js";
import { StoredTeacher, type TeacherData } from "./stored-teacher.js";
import { type RouteTeacher, Teacher } from "./teacher.js";

export interface TeacherOptions extends TeacherData {
  readonly training: TrainingConfig;
  readonly features: FrozenBackbone | undefined;
  readonly session: SessionOptions;
}

/** A teacher, and what a checkpoint keeps of it. */
export interface MadeTeacher {
  readonly teacher: RouteTeacher;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/**
 * The model of now as the teacher of the next epoch, whose triplets are given.
 * @throws ImageError from a stored one, when an image is missing or damaged.
 */
export async function makeTeacher(
  model: CompositionModel,
  triplets: readonly Triplet[],
  options: TeacherOptions,
): Promise<MadeTeacher> {
  const { training, features, session } = options;
  const snapshot = await Teacher.snapshot(model, { ...training, featureMapShape: features?.shape }, session);
  if (training.teacher === "snapshot") return { teacher: snapshot, tensors: valuesOf(model) };
  try {
    const teacher = await StoredTeacher.compute(snapshot, triplets, options);
    return { teacher, tensors: teacher.tensors };
  } finally {
    await snapshot.release();
  }
}

/**
 * The teacher that `tensors` are of.
 * @param blank a model of the run's kind; takes the values of a snapshot.
 * @throws WeightsError, StateDictError when the tensors are not of this run.
 */
export async function restoreTeacher(
  tensors: ReadonlyMap<string, Tensor>,
  triplets: readonly Triplet[],
  blank: () => CompositionModel,
  { training, features, session }: TeacherOptions,
): Promise<RouteTeacher> {
  if (training.teacher === "stored") return new StoredTeacher(triplets, tensors);
  const model = blank();
  model.loadStateDict(requireFloat32(tensors, "teacher"));
  return Teacher.snapshot(model, { ...training, featureMapShape: features?.shape }, session);
}

/** A model's values of now, by name; not copied. */
export function valuesOf(model: CompositionModel): Map<string, Tensor<"float32">> {
  return new Map(
    [...model.state()].map(([name, { shape, data }]) => [name, { dtype: "float32", shape, data }]),
  );
}
