/**
 * The door for losses: a model states a loss of its own, here, and nothing else has to know. Training minimises it by
 * whole batches and by micro-batches; metrics, progress, report, checkpoints and guards have it under its name.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { trainingView } from "../../src/cli/views/training-view.js";
import { openFashionIq } from "../../src/data/datasets/fashion-iq.js";
import type { Value } from "../../src/engine/graph/value.js";
import { multiply, subtract } from "../../src/engine/ops/arithmetic.js";
import { where } from "../../src/engine/ops/comparison.js";
import { scalarLike } from "../../src/engine/ops/constant.js";
import { square } from "../../src/engine/ops/elementwise.js";
import { l2Normalise } from "../../src/engine/ops/normalisation.js";
import { mean, sum } from "../../src/engine/ops/reduce.js";
import { expandDims } from "../../src/engine/ops/shape.js";
import { Random } from "../../src/engine/tensor/random.js";
import { ConfigError, DivergenceError, GraphError } from "../../src/errors.js";
import { Sum } from "../../src/models/baselines/sum.js";
import type { BatchFeatures, Composition } from "../../src/models/composition-model.js";
import { type EncoderConfig, encoderSchema } from "../../src/models/encoder-config.js";
import type { ImageFeatures } from "../../src/models/image-encoder.js";
import { defineModel } from "../../src/models/model-definition.js";
import { registerModel } from "../../src/models/registry.js";
import type { TextFeatures } from "../../src/models/text-encoder.js";
import { BatchNorm1d } from "../../src/nn/batch-norm1d.js";
import type { ForwardPass } from "../../src/nn/forward-pass.js";
import { Linear } from "../../src/nn/linear.js";
import type { LossPart } from "../../src/nn/losses/total.js";
import { trainingCurves } from "../../src/report/training-curves.js";
import { type EpochMetrics, lossParts, type StepMetrics } from "../../src/runs/metrics.js";
import { resolveRunConfig } from "../../src/runs/run-config.js";
import { readMetrics } from "../../src/runs/run-files.js";
import { checkpointFolder, checkpointNumbers, readCheckpoint } from "../../src/training/checkpoint-files.js";
import { resumeTraining, type TrainEvent, type TrainOptions, train } from "../../src/training/train.js";
import { TrainingStep } from "../../src/training/training-step.js";
import { recordingContext } from "../cli/recording-context.js";
import { expectSame, small, stepped, training, vocabularySize } from "./stepped.js";
import { session, tinyCatalogue, tinyFields } from "./tiny-training.js";

interface AlignedConfig extends EncoderConfig {
  readonly isSpoilt?: boolean;
}

/**
 * alignment = 1 - mean cos(BN(W · dropout(r)), t): the reference is to lie near the target, by a head of its own;
 * brevity = mean of the squared features of words that are not padding.
 */
class Aligned extends Sum {
  readonly head: Linear;
  readonly norm: BatchNorm1d;
  /** NaN spoils the first of them. */
  factor = 1;

  constructor(config: AlignedConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random);
    if (config.isSpoilt) this.factor = Number.NaN;
    this.head = new Linear(config.embedDim, config.embedDim, random);
    this.norm = new BatchNorm1d(config.embedDim);
  }

  override losses(batch: BatchFeatures, pass: ForwardPass): readonly LossPart[] {
    const unit = (x: Value) => l2Normalise(x, { axis: 1 });
    const { words, mask } = batch.text;
    const head = this.norm.forward(this.head.forward(pass.dropout(batch.reference.embedding, 0.2)), pass);
    const cosines = sum(multiply(unit(head), unit(batch.target.embedding)), { axes: [1] });
    const used = where(expandDims(mask, 2), square(words), scalarLike(words, 0));
    return [
      ...super.losses(batch, pass),
      { name: "alignment", weight: 0.5, value: multiply(subtract(1, mean(cosines)), this.factor) },
      { name: "brevity", weight: 0.1, value: mean(used) },
    ];
  }
}

const stepConfig = encoderSchema.parse({ ...small, embedDim: 12, backboneStatistics: "frozen" });
const newModel = () => new Aligned(stepConfig, vocabularySize, new Random(3));
const names = ["classification", "alignment", "brevity"];

describe("a loss that a model adds", () => {
  it("has the same values and gradients by micro-batches as by whole batches, its own layers included", async () => {
    const whole = await stepped(newModel(), { training: training(null, { gradientClip: 0.5 }) });
    expect(Object.keys(whole.results[0]?.loss ?? {})).toEqual(["total", ...names]);
    expect(whole.state.get("head.weight")).not.toEqual(newModel().stateDict().get("head.weight"));
    for (const microBatchSize of [1, 2, 3]) {
      const config = { training: training(microBatchSize, { gradientClip: 0.5 }) };
      const cached = await stepped(newModel(), config);
      expectSame(cached, whole);
      // Its batch norm sees the whole batch either way.
      const statistics = (run: typeof whole) => [...(run.state.get("norm.running_mean")?.data ?? [])];
      for (const [i, value] of statistics(cached).entries())
        expect(value).toBeCloseTo(statistics(whole)[i] ?? Number.NaN, 6);
      expect(cached.notes).toEqual([]);
    }
  });

  it("weighs as much as it says in what is minimised", async () => {
    const { results } = await stepped(newModel(), { training: training(null) }, { steps: 1 });
    const loss: Readonly<Record<string, number>> = results[0]?.loss ?? {};
    const { total = 0, classification = 0, alignment = 0, brevity = 0 } = loss;
    expect(total).toBeCloseTo(classification + 0.5 * alignment + 0.1 * brevity, 5);
  });

  it.each([null, 3])(
    "that is not a number is named, and changes nothing, with micro-batches of %s",
    async (size) => {
      const model = newModel();
      model.factor = Number.NaN;
      const before = model.stateDict();
      const { results, state } = await stepped(model, { training: training(size) }, { steps: 1 });
      expect(results[0]?.isAccepted).toBe(false);
      expect(
        lossParts(results[0]?.loss ?? { total: 0 }).map(([name, value]) => [name, Number.isFinite(value)]),
      ).toEqual([
        ["classification", true],
        ["alignment", false],
        ["brevity", true],
      ]);
      expect(state).toEqual(before);
    },
  );

  it.each([
    ["none", []],
    ['"total"', ["total"]],
    ['"a", "b", "a"', ["a", "b", "a"]],
    ['"two words"', ["two words"]],
  ])("has a name of its own; got %s", async (got, given) => {
    class Named extends Sum {
      override losses(batch: BatchFeatures, pass: ForwardPass): readonly LossPart[] {
        const [main] = super.losses(batch, pass);
        return main ? given.map((name) => ({ ...main, name })) : [];
      }
    }
    const model = new Named(stepConfig, vocabularySize, new Random(3));
    const compiled = TrainingStep.compile(model, { training: training(null) }, session);
    await expect(compiled).rejects.toThrow(ConfigError);
    await expect(compiled).rejects.toThrow(`Named: losses must be one or more parts`);
    await expect(compiled).rejects.toThrow(`got ${got}`);
  });

  it("may not go round its features by micro-batches: the whole batch is never in memory", async () => {
    class Sly extends Sum {
      kept: { q: Value } | undefined;
      override compose(image: ImageFeatures, text: TextFeatures): Composition {
        const { q } = super.compose(image, text);
        this.kept = { q };
        return { q };
      }
      override losses(batch: BatchFeatures, pass: ForwardPass): readonly LossPart[] {
        const q = this.kept?.q ?? batch.composition.q;
        return [...super.losses(batch, pass), { name: "size", weight: 1, value: mean(square(q)) }];
      }
    }
    const model = () => new Sly(stepConfig, vocabularySize, new Random(3));
    const byMicroBatches = TrainingStep.compile(model(), { training: training(3) }, session);
    await expect(byMicroBatches).rejects.toThrow(GraphError);
    await expect(byMicroBatches).rejects.toThrow(/losses may only use the features they are given.*images/);
    const whole = await TrainingStep.compile(model(), { training: training(null) }, session);
    await whole.release();
  });
});

const aligned = defineModel({
  name: "aligned",
  fields: { isSpoilt: z.boolean().default(false) },
  modelClass: Aligned,
});
registerModel(aligned, { path: "aligned", sha256: "" });
const { folder, data } = tinyCatalogue();

const config = (fields: object = {}) =>
  resolveRunConfig({ file: { ...tinyFields, model: "aligned", backboneStatistics: "frozen", ...fields } });

function options(name: string, fields: object = {}): TrainOptions {
  return {
    dataset: openFashionIq(data),
    config: config(fields),
    runDir: join(folder, name),
    session,
  };
}

describe("a training with such a loss", () => {
  it("has it in metrics, progress, report and checkpoints, and resumes with the same bits", async () => {
    const whole = options("whole");
    const context = recordingContext();
    const view = trainingView(context, { json: false, epochs: 2, batchSize: 8 });
    await train({ ...whole, onEvent: view.onEvent });
    view.close();
    const metrics = readMetrics(whole.runDir);
    const [first] = metrics.filter((entry): entry is StepMetrics => entry.kind === "step");
    const epochs = metrics.filter((entry): entry is EpochMetrics => entry.kind === "epoch");
    for (const { loss } of metrics) expect(Object.keys(loss)).toEqual(["total", ...names]);
    expect(epochs[1]?.loss.alignment).toBeLessThan(first?.loss.alignment ?? 0);

    expect(context.output()).toMatch(
      /epoch 2\/2 {2}loss \d\.\d{3} \(classification \d\.\d{3}, alignment 0\.\d{3}, brevity 0\.\d{3}\)/,
    );
    const { markup } = trainingCurves([{ model: "aligned", metrics }]);
    expect(markup).toContain("<h3>Parts of aligned&#39;s loss</h3>");
    for (const name of names) expect(markup).toMatch(new RegExp(`aria-label="Parts[^"]*${name} from `));

    const stopped = options("stopped");
    const controller = new AbortController();
    const onEvent = (event: TrainEvent) => {
      if (event.kind === "step" && event.step === 4) controller.abort();
    };
    await train({ ...stopped, signal: controller.signal, onEvent });
    const checkpoints = join(stopped.runDir, checkpointFolder);
    const { state } = readCheckpoint(checkpoints, checkpointNumbers(checkpoints).at(-1) ?? 0);
    expect(Object.keys(state.epochLoss.sums)).toEqual(["total", ...names]);
    await resumeTraining(stopped);
    const bytesOf = (runDir: string) => readFileSync(join(runDir, "parameters.safetensors"));
    expect(bytesOf(stopped.runDir).equals(bytesOf(whole.runDir))).toBe(true);
    expect(readMetrics(stopped.runDir).map(({ loss }) => loss)).toEqual(metrics.map(({ loss }) => loss));

    const byParts = options("by-parts", { microBatchSize: 4 });
    await train(byParts);
    const [start] = readMetrics(byParts.runDir);
    for (const [name, value] of Object.entries(start?.loss ?? {}))
      expect(value, name).toBeCloseTo(first?.loss[name] ?? Number.NaN, 5);
  });

  it.each([null, 4])(
    "stops when it is not a number, and says which, with micro-batches of %s",
    async (size) => {
      const spoilt = train(options(`spoilt-${size}`, { microBatchSize: size, isSpoilt: true }));
      await expect(spoilt).rejects.toThrow(DivergenceError);
      await expect(spoilt).rejects.toThrow(/step 1 \(epoch 1\): .*first the loss's part alignment \(NaN\)/);
    },
  );
});
