/** The teacher of self path distillation: the model as it stood at the end of the preceding epoch. */
import type { Batch } from "../data/batches/batch-loader.js";
import { Input } from "../engine/graph/value.js";
import { GraphSession, type SessionOptions, usedFeeds } from "../engine/runtime/session.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import type { PictureTensors } from "../images/feature-maps.js";
import type { CompositionModel } from "../models/composition-model.js";
import { teacherOutputs } from "../models/objective.js";
import { type PictureForm, pictureInputs } from "../models/picture-inputs.js";
import { ForwardPass } from "../nn/forward-pass.js";
import type { TextTensors } from "../text/encode-texts.js";
import { examplesOf, joinExamples, microBatches } from "./batch-parts.js";
import type { TeacherLogits } from "./training-step.js";

/** Gives a step its teacher's router logits. */
export interface RouteTeacher {
  predict(batch: Batch): Promise<TeacherLogits>;
  release(): Promise<void>;
}

/** Queries as a teacher sees them. */
export interface TeacherQueries extends TextTensors {
  /** Of the references. */
  readonly images: PictureTensors;
}

/**
 * A frozen copy of a model in evaluation mode that gives router logits. The weights are part of its graph, so the
 * model can train on, and ONNX Runtime lays them out for speed.
 */
export class Teacher implements RouteTeacher {
  readonly #session: GraphSession<string>;
  readonly #microBatchSize: number | undefined;

  private constructor(session: GraphSession<string>, microBatchSize: number | undefined) {
    this.#session = session;
    this.#microBatchSize = microBatchSize;
  }

  /** Snapshots the model as it is now. */
  static async snapshot(
    model: CompositionModel,
    {
      maxWords,
      microBatchSize,
      ...pictures
    }: PictureForm & {
      readonly maxWords: number;
      /** How many examples to predict at a time; all of a batch by default. */
      readonly microBatchSize?: number | null | undefined;
    },
    options: SessionOptions = {},
  ): Promise<Teacher> {
    const pass = ForwardPass.inference();
    const references = pictureInputs("batch", pictures);
    const tokens = new Input("tokens", "int64", ["batch", maxWords]);
    const lengths = new Input("lengths", "int64", ["batch"]);
    const { logits = [] } = model.compose(
      pictures.featureMapShapes
        ? model.image.forwardFeatureMaps(references, pass)
        : model.encodeImages(references.images, pass),
      model.encodeText(tokens, lengths),
      pass,
    );
    return new Teacher(
      await GraphSession.compile(teacherOutputs(logits), options),
      microBatchSize ?? undefined,
    );
  }

  /** Router logits on the references and texts of a batch, as the student sees them. */
  async predict({
    images,
    tokens,
    lengths,
  }: Pick<Batch, "images" | "tokens" | "lengths">): Promise<TeacherLogits> {
    const [batchSize = 0] = lengths.shape;
    const range = { start: 0, count: batchSize, of: 2 * batchSize };
    const references = Object.entries(images).map(([name, value]) => [name, examplesOf(value, range)]);
    return this.logits({ images: Object.fromEntries(references), tokens, lengths });
  }

  /** Router logits of queries, `microBatchSize` at a time: images [b, ...], tokens [b, T], lengths [b] -> each [b, M, J]. */
  async logits({ images, ...texts }: TeacherQueries): Promise<TeacherLogits> {
    const [count = 0] = texts.lengths.shape;
    // Routers that look at one modality only have no input for the other.
    const used = Object.entries(
      usedFeeds(this.#session, { ...images, tokens: texts.tokens, lengths: texts.lengths }),
    );
    const parts: Record<string, Tensor>[] = [];
    for (const range of microBatches(count, this.#microBatchSize ?? count)) {
      const part = used.map(([name, value]) => [name, examplesOf(value, range)] as const);
      parts.push(await this.#session.run(Object.fromEntries(part)));
    }
    const [first = {}] = parts;
    if (parts.length === 1) return first;
    return Object.fromEntries(
      Object.keys(first).map((name) => [name, joinExamples(parts.map((part) => part[name] as Tensor))]),
    );
  }

  /** Frees the native session. */
  async release(): Promise<void> {
    await this.#session.release();
  }
}
