/** Measures what each loss asks of each part of a model, on training batches; nothing is updated. */
import type { Batch } from "../../data/batches/batch-loader.js";
import { gradients } from "../../engine/autodiff/gradients.js";
import { topologicalOrder } from "../../engine/graph/traversal.js";
import type { Input, Parameter, Value } from "../../engine/graph/value.js";
import { multiply } from "../../engine/ops/arithmetic.js";
import { GraphSession, usedFeeds } from "../../engine/runtime/session.js";
import type { Random } from "../../engine/tensor/random.js";
import { elementCount, requireStatic } from "../../engine/tensor/shape.js";
import { scalarOf, type Tensor } from "../../engine/tensor/tensor.js";
import { GradientSums } from "../../evaluation/instruments/gradient-sums.js";
import type { GradientShares } from "../../evaluation/instruments/run-instruments.js";
import type { CompositionModel } from "../../models/composition-model.js";
import { objective, teacherInputs } from "../../models/objective.js";
import type { DropoutMask } from "../../nn/forward-pass.js";
import type { LossPart } from "../../nn/losses/total.js";
import { forwardGraph, type StepConfig } from "../../training/step-graph.js";
import type { Teacher } from "../../training/teacher.js";

/** A loss and a group: the gradients of their parameters, among the outputs. */
interface Measured {
  readonly loss: string;
  readonly group: string;
  readonly outputs: readonly string[];
  readonly sums: GradientSums;
}

/** The compiled graph: every loss of a batch and its gradients by group. */
export class GradientGraph {
  readonly #session: GraphSession<string>;
  readonly #masks: readonly DropoutMask[];
  readonly #losses: readonly LossPart[];
  readonly #measured: readonly Measured[];
  readonly #values = new Map<string, number>();
  readonly #parameters: Readonly<Record<string, number>>;
  #batches = 0;

  private constructor(
    session: GraphSession<string>,
    parts: {
      readonly masks: readonly DropoutMask[];
      readonly losses: readonly LossPart[];
      readonly measured: readonly Measured[];
      readonly parameters: Readonly<Record<string, number>>;
    },
  ) {
    this.#session = session;
    this.#masks = parts.masks;
    this.#losses = parts.losses;
    this.#measured = parts.measured;
    this.#parameters = parts.parameters;
  }

  /** In training mode, with the model's parameters of now. */
  static async compile(model: CompositionModel, config: StepConfig): Promise<GradientGraph> {
    const { features, pass } = forwardGraph(model, config.training.batchSize, config);
    const logits = model.isSelfDistilled ? teacherInputs(features.composition.logits ?? []) : undefined;
    const losses = objective(model, { ...features, teacher: logits && { logits } }, pass);
    const groups = parameterGroups(
      model,
      losses.map(({ value }) => value),
    );
    const outputs: Record<string, Value> = {};
    const measured: Measured[] = [];
    for (const { name, weight, value } of losses) {
      outputs[`loss.${name}`] = value;
      const weighted = multiply(value, weight);
      const parameters = [...groups.values()].flat();
      const found = new Map(gradients(weighted, parameters).map((gradient, i) => [parameters[i], gradient]));
      for (const [group, own] of groups) {
        const names = own.map((_, i) => `gradient.${name}.${group}.${i}`);
        for (const [i, parameter] of own.entries()) outputs[names[i] ?? ""] = found.get(parameter) as Value;
        measured.push({ loss: name, group, outputs: names, sums: new GradientSums() });
      }
    }
    const counts = [...groups].map(([group, own]) => [
      group,
      own.reduce((sum, { data }) => sum + data.length, 0),
    ]);
    return new GradientGraph(await GraphSession.compile<string>(outputs), {
      masks: pass.dropoutMasks,
      losses,
      measured,
      parameters: Object.fromEntries(counts),
    });
  }

  /** Adds a batch's gradients. @param random draws its dropout masks. */
  async add(
    batch: Batch,
    { random, teacher }: { random: Random; teacher: Teacher | undefined },
  ): Promise<void> {
    const feeds: Record<string, Tensor> = {
      ...batch.images,
      tokens: batch.tokens,
      lengths: batch.lengths,
      ...(await teacher?.predict(batch)),
    };
    for (const { input, keepProbability } of this.#masks)
      feeds[input.name] = maskFor(input, keepProbability, random);
    const outputs = await this.#session.run(usedFeeds(this.#session, feeds));
    for (const { name } of this.#losses) {
      const value = scalarOf(outputs[`loss.${name}`] as Tensor);
      this.#values.set(name, (this.#values.get(name) ?? 0) + value);
    }
    for (const { outputs: names, sums } of this.#measured) {
      sums.add(names.map((name) => (outputs[name] as Tensor).data as Float32Array));
    }
    this.#batches += 1;
  }

  /** Over all batches that were added. */
  shares(): GradientShares {
    return {
      batches: this.#batches,
      parameters: this.#parameters,
      losses: this.#losses.map(({ name }) => ({
        loss: name,
        value: (this.#values.get(name) ?? 0) / this.#batches,
        groups: Object.fromEntries(
          this.#measured
            .filter(({ loss }) => loss === name)
            .map(({ group, sums }) => [group, sums.measure()] as const),
        ),
      })),
    };
  }

  /** Frees the native session. */
  async release(): Promise<void> {
    await this.#session.release();
  }
}

function maskFor({ name, shape }: Input, keepProbability: number, random: Random): Tensor {
  const known = requireStatic(name, shape);
  const data = new Uint8Array(elementCount(known));
  random.fillMask(data, keepProbability);
  return { dtype: "uint8", shape: known, data };
}

/** Trainable parameters that the losses depend on: of the encoders, of routers, and of what else composes a query. */
function parameterGroups(
  model: CompositionModel,
  losses: readonly Value[],
): ReadonlyMap<string, readonly Parameter[]> {
  const isUsed = new Set(topologicalOrder(losses));
  const isRouter = new Set(model.routers.flatMap((router) => router.parameters()));
  const isImage = new Set(model.image.parameters());
  const isText = new Set(model.text.parameters());
  const groupOf = (parameter: Parameter): string => {
    if (isRouter.has(parameter)) return "routers";
    if (isImage.has(parameter)) return "image encoder";
    if (isText.has(parameter)) return "text encoder";
    return parameter === model.scale ? "scale" : "composition";
  };
  const groups = new Map<string, Parameter[]>();
  for (const parameter of model.parameters()) {
    if (!parameter.isTrainable || !isUsed.has(parameter)) continue;
    const group = groups.get(groupOf(parameter));
    if (group) group.push(parameter);
    else groups.set(groupOf(parameter), [parameter]);
  }
  return groups;
}
