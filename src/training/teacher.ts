/** The teacher of self path distillation: the model as it stood at the end of the preceding epoch. */
import type { Batch } from "../data/batches/batch-loader.js";
import { Input } from "../engine/graph/value.js";
import { cast } from "../engine/ops/constant.js";
import { GraphSession, type SessionOptions } from "../engine/runtime/session.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import type { CompositionModel } from "../models/composition-model.js";
import { teacherOutputs } from "../models/objective.js";
import { ForwardPass } from "../nn/forward-pass.js";
import type { TextTensors } from "../text/encode-texts.js";
import { examplesOf, joinExamples, microBatches } from "./batch-parts.js";
import type { TeacherLogits } from "./training-step.js";

/** What gives a step its teacher's router logits. */
export interface RouteTeacher {
  predict(batch: Batch): Promise<TeacherLogits>;
  release(): Promise<void>;
}

/** Queries as a teacher sees them. */
export interface TeacherQueries extends TextTensors {
  readonly references: Tensor;
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
      imagePx,
      maxWords,
      microBatchSize,
      featureMapShape,
    }: {
      readonly imagePx: number;
      readonly maxWords: number;
      /** How many examples to predict at a time; all of a batch by default. */
      readonly microBatchSize?: number | null | undefined;
      /** Shape [C, h, w] of float16 feature maps, when those are in the batches instead of pictures. */
      readonly featureMapShape?: readonly [number, number, number] | undefined;
    },
    options: SessionOptions = {},
  ): Promise<Teacher> {
    const pass = ForwardPass.inference();
    const references = featureMapShape
      ? new Input("references", "float16", ["batch", ...featureMapShape])
      : new Input("references", "uint8", ["batch", imagePx, imagePx, 3]);
    const tokens = new Input("tokens", "int64", ["batch", maxWords]);
    const lengths = new Input("lengths", "int64", ["batch"]);
    const { logits = [] } = model.compose(
      featureMapShape
        ? model.image.forwardFeatureMaps(cast(references, "float32"), pass)
        : model.encodeImages(references, pass),
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
    const references = examplesOf(images, { start: 0, count: batchSize, of: 2 * batchSize });
    return this.logits({ references, tokens, lengths });
  }

  /** Router logits of queries, `microBatchSize` at a time: references [b, ...], tokens [b, T], lengths [b] -> each [b, M, J]. */
  async logits(queries: TeacherQueries): Promise<TeacherLogits> {
    const [count = 0] = queries.lengths.shape;
    // Routers that look at one modality only have no input for the other.
    const used = Object.entries<Tensor>({ ...queries }).filter(([name]) => this.#session.hasInput(name));
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
