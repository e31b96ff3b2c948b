/** A teacher whose predictions were computed once for a whole epoch. */
import type { Batch } from "../data/batches/batch-loader.js";
import { imageBatches, textBatches } from "../data/batches/inference-batches.js";
import type { Triplet } from "../data/triplet.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import { WeightsError } from "../errors.js";
import type { FeatureMaps } from "../images/feature-maps.js";
import type { ImageSource } from "../images/image-source.js";
import type { TrainingConfig } from "../runs/training-fields.js";
import { joinCaptions, type Vocabulary } from "../text/vocabulary.js";
import type { RouteTeacher, Teacher } from "./teacher.js";
import type { TeacherLogits } from "./training-step.js";

/** Where a stored teacher's inputs come from. */
export interface TeacherData {
  readonly images: ImageSource;
  readonly vocabulary: Vocabulary;
  readonly features: FeatureMaps | undefined;
  readonly training: Pick<TrainingConfig, "batchSize" | "imagePx" | "maxWords">;
}

/**
 * Router logits by triplet. Each was predicted from the middle of the reference, not mirrored, and the captions in their
 * own order; the student sees the same triplet augmented. For a distilled route that is a fixed target a triplet, not
 * one for each view of it.
 */
export class StoredTeacher implements RouteTeacher {
  /** By the names of `TeacherLogits`, each [triplets, M, J]. */
  readonly tensors: ReadonlyMap<string, Tensor<"float32">>;
  readonly #rows: ReadonlyMap<string, number>;

  /** @throws WeightsError when the tensors have not a row for each triplet. */
  constructor(triplets: readonly Triplet[], tensors: ReadonlyMap<string, Tensor>) {
    for (const [name, { dtype, shape }] of tensors) {
      if (dtype !== "float32" || shape.length !== 3 || shape[0] !== triplets.length) {
        throw new WeightsError(
          `stored teacher: "${name}" must be float32 [${triplets.length}, M, J]; got ${dtype} [${shape.join(", ")}]`,
        );
      }
    }
    this.tensors = tensors as ReadonlyMap<string, Tensor<"float32">>;
    this.#rows = new Map(triplets.map((triplet, row) => [keyOf(triplet), row]));
  }

  /** Asks `teacher` about every triplet. @throws ImageError when an image is missing or damaged. */
  static async compute(
    teacher: Teacher,
    triplets: readonly Triplet[],
    { images, vocabulary, features, training: { batchSize, imagePx, maxWords } }: TeacherData,
  ): Promise<StoredTeacher> {
    const parts: TeacherLogits[] = [];
    const texts = textBatches(
      vocabulary,
      triplets.map(({ captions }) => joinCaptions(captions)),
      { batchSize, maxWords },
    );
    const ids = triplets.map(({ reference }) => reference);
    for await (const batch of imageBatches(images, ids, {
      batchSize,
      cropPx: imagePx,
      featureMaps: features,
    })) {
      const text = texts.next();
      if (text.done) break;
      const { tokens, lengths } = text.value;
      parts.push(await teacher.logits({ images: batch.images, tokens, lengths }));
    }
    const names = Object.keys(parts[0] ?? {});
    return new StoredTeacher(triplets, new Map(names.map((name) => [name, joined(parts, name)])));
  }

  async predict({ triplets }: Pick<Batch, "triplets">): Promise<TeacherLogits> {
    const rows = triplets.map((triplet) => {
      const row = this.#rows.get(keyOf(triplet));
      if (row === undefined) throw new RangeError(`stored teacher: no prediction for ${keyOf(triplet)}`);
      return row;
    });
    return Object.fromEntries([...this.tensors].map(([name, table]) => [name, picked(table, rows)]));
  }

  async release(): Promise<void> {}
}

function keyOf({ reference, target, captions }: Triplet): string {
  return JSON.stringify([reference, target, captions]);
}

function joined(parts: readonly TeacherLogits[], name: string): Tensor<"float32"> {
  const tensors = parts.flatMap((part) => part[name] ?? []);
  const [, ...size] = tensors[0]?.shape ?? [];
  const count = tensors.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0);
  const data = new Float32Array(tensors.reduce((sum, tensor) => sum + tensor.data.length, 0));
  let at = 0;
  for (const tensor of tensors) {
    data.set(tensor.data as Float32Array, at);
    at += tensor.data.length;
  }
  return { dtype: "float32", shape: [count, ...size], data };
}

function picked({ shape, data }: Tensor<"float32">, rows: readonly number[]): Tensor<"float32"> {
  const size = data.length / Math.max(1, shape[0] ?? 1);
  const result = new Float32Array(rows.length * size);
  for (const [i, row] of rows.entries()) result.set(data.subarray(row * size, (row + 1) * size), i * size);
  return { dtype: "float32", shape: [rows.length, ...shape.slice(1)], data: result };
}
