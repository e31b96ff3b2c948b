/** Golden file of training steps of the whole model. */
import { z } from "zod";
import { gradients } from "../engine/autodiff/gradients.js";
import { Input, type Value } from "../engine/graph/value.js";
import { type Feeds, GraphSession } from "../engine/runtime/session.js";
import { StatefulSession } from "../engine/runtime/stateful-session.js";
import { float32, scalarOf, type Tensor } from "../engine/tensor/tensor.js";
import { WeightsError } from "../errors.js";
import { objective, teacherInputs, teacherOutputs } from "../models/objective.js";
import { Sdfn } from "../models/sdfn/sdfn.js";
import { ForwardPass } from "../nn/forward-pass.js";
import { totalLoss } from "../nn/losses/total.js";
import type { StateDict } from "../nn/module.js";
import { Adam, type AdamOptions } from "../nn/optim/adam.js";
import { rotateBatch, rotation, type StepBatch, stepBatches, takeRows } from "./adam-batches.js";
import type { GoldenComparison } from "./golden-comparison.js";
import { anyRandom } from "./layer-cases.js";
import { resNetWidth } from "./resnet-case.js";
import { sdfnConfigOf } from "./sdfn-fields.js";

/** How many elements of a tensor the file keeps, about. */
const mostOfGradient = 96;
const mostOfFinal = { joint: 256, separate: 32 } as const;

/**
 * In a whole model's training pass the features already carry about 2e-6, in PyTorch's float32 too, and gradients of
 * routers are differences of much larger terms: the largest error seen is 2.6 roundings of the largest gradient.
 */
const roundoffs = 8;

/** References and targets through the backbone as one batch, or one after the other. */
type ImagePasses = keyof typeof mostOfFinal;

/** A run's batches, and the teacher's logits on them. */
interface Course {
  readonly batches: readonly [StepBatch, ...StepBatch[]];
  readonly taught: readonly Feeds[];
}

/**
 * The teacher's logits, the losses before every step, the first step's gradients and the parameters and running
 * statistics after the last; then, with references and targets in two backbone passes, losses and final values of
 * `output/separate/`.
 *
 * Adam moves an element whose gradient is zero but for rounding by the whole rate, to the side that rounding says;
 * over five steps this spreads. Files are drawn so that PyTorch in float32 ends where float64 does, which another
 * order of sums may not (1 of 18 runs of ours on such files). So the steps can be run with the examples of every
 * batch in another order: the same mathematics, another rounding.
 *
 * @param batchOrder places by which examples are moved on.
 */
export async function adamCase(comparison: GoldenComparison, batchOrder: number): Promise<void> {
  const state = comparison.parameters();
  const given = stepBatches(comparison);
  const taught = await teach(comparison, buildModel(comparison, state, "joint"), given);
  const [first, ...others] = given;
  const course: Course = {
    batches: [rotateBatch(first, batchOrder), ...others.map((batch) => rotateBatch(batch, batchOrder))],
    taught: taught.map((logits) => rotateLogits(logits, batchOrder)),
  };
  await runSteps(comparison, buildModel(comparison, state, "joint"), { ...course, passes: "joint" });
  if (comparison.namesAfter("output/separate/").length > 0)
    await runSteps(comparison, buildModel(comparison, state, "separate"), { ...course, passes: "separate" });
}

function rotateLogits(logits: Feeds, shift: number): Feeds {
  const rotated = Object.entries(logits).map(([name, tensor]) => {
    return [name, takeRows(tensor, rotation(tensor.shape[0] ?? 0, shift))] as const;
  });
  return Object.fromEntries(rotated);
}

function buildModel(comparison: GoldenComparison, state: StateDict, imagePasses: ImagePasses): Sdfn {
  const [logits = "STEP.LAYER.KIND"] = comparison.namesAfter("output/teacher_logits.");
  const layers = new Set(comparison.namesAfter("param/fusion.layers.").map((name) => name.split(".")[0]));
  const config = sdfnConfigOf(comparison, {
    embedDim: comparison.dim("param/image.proj.weight", 0),
    moduleCount: comparison.dim(`output/teacher_logits.${logits}`, 1),
    fields: {
      imagePasses,
      layers: layers.size,
      backbone: comparison.text("backbone"),
      backboneWidth: resNetWidth(comparison, "param/image.backbone."),
      wordDim: comparison.dim("param/text.embedding.weight", 1),
      lambda1: comparison.number("lambda1"),
      lambda2: comparison.number("lambda2"),
      tau: comparison.number("tau"),
    },
  });
  const model = new Sdfn(config, comparison.dim("param/text.embedding.weight", 0), anyRandom());
  model.loadStateDict(state);
  return model;
}

/** Logits of the model as it is, in evaluation mode with a symbolic batch, by the names of the student's inputs. */
async function teach(
  comparison: GoldenComparison,
  model: Sdfn,
  batches: Course["batches"],
): Promise<Feeds[]> {
  const pass = ForwardPass.inference();
  const symbolic = (name: string, { dtype, shape: [, ...rest] }: Tensor) =>
    new Input(name, dtype, ["batch", ...rest]);
  const [{ references, tokens, lengths }] = batches;
  const reference = model.encodeImages(symbolic("references", references), pass);
  const text = model.encodeText(symbolic("tokens", tokens), symbolic("lengths", lengths));
  const { logits = [] } = model.compose(reference, text, pass);
  const session = await GraphSession.compile(teacherOutputs(logits));
  const taught: Feeds[] = [];
  for (const [step, batch] of batches.entries()) {
    const { references, tokens, lengths } = batch;
    const predicted = await session.run({ references, tokens, lengths });
    for (const [name, value] of Object.entries(predicted)) {
      const place = name.replace(/^teacher\./, "");
      comparison.compare(`output/teacher_logits.${step}.${place}`, value, { family: "outputs" });
    }
    taught.push(predicted);
  }
  await session.release();
  return taught;
}

/** Trains the model through all steps and compares what the file holds of them. */
async function runSteps(
  comparison: GoldenComparison,
  model: Sdfn,
  { batches, taught, passes }: Course & { readonly passes: ImagePasses },
): Promise<void> {
  const { rate, options } = adamSettings(comparison);
  const adam = new Adam([{ name: "all", parameters: model.namedParameters() }], options);
  const { session, lossNames } = await compileStep(model, adam, batches[0]);
  const losses: number[] = [];
  for (const [step, { images, tokens, lengths }] of batches.entries()) {
    const feeds = { images, tokens, lengths, ...taught[step], ...adam.feeds(step + 1, { all: rate }) };
    const { outputs } = await session.run(feeds);
    losses.push(...lossNames.map((name) => scalarOf(outputs[name] as Tensor)));
    if (step === 0 && passes === "joint") compareGradients(comparison, outputs);
  }
  await session.release();
  const prefix = passes === "joint" ? "output/" : "output/separate/";
  const table = float32([batches.length, lossNames.length], losses);
  comparison.compare(`${prefix}losses`, table, { family: "losses" });
  const final = model.state();
  for (const name of comparison.namesAfter(`${prefix}final/`)) {
    const parameter = final.get(name);
    if (!parameter) throw new WeightsError(`${prefix}final/${name}: the model has no such parameter`);
    const value = { dtype: "float32", shape: parameter.shape, data: parameter.data } as const;
    const options = { family: "finalParameters", mostElements: mostOfFinal[passes] } as const;
    comparison.compare(`${prefix}final/${name}`, value, options);
  }
}

/** A step that is ready to run, and its outputs that are the columns of the file's losses: the sum, then its parts. */
interface CompiledCourse {
  readonly session: StatefulSession<string>;
  readonly lossNames: readonly string[];
}

/** Forward pass, losses, backward pass and Adam as one graph; gradients are outputs too. */
async function compileStep(model: Sdfn, adam: Adam, like: StepBatch): Promise<CompiledCourse> {
  const pass = ForwardPass.training();
  const input = (name: "images" | "tokens" | "lengths") =>
    new Input(name, like[name].dtype, like[name].shape);
  const { reference, target } = model.encodePairs(input("images"), pass);
  const text = model.encodeText(input("tokens"), input("lengths"));
  const composition = model.compose(reference, text, pass);
  const teacher = teacherInputs(composition.logits ?? []);
  const features = { composition, reference, text, target, targetEmbedding: { embedding: target.embedding } };
  const parts = objective(model, { ...features, teacher: { logits: teacher } }, pass);
  const loss = totalLoss(parts);
  const found = gradients(loss, adam.parameters);
  const losses = { loss, ...Object.fromEntries(parts.map(({ name, value }) => [`loss.${name}`, value])) };
  const outputs: Record<string, Value> = { ...losses };
  for (const [i, name] of [...model.namedParameters().keys()].entries())
    outputs[`grad/${name}`] = found[i] ?? loss;
  const updates = [...adam.updates(found), ...pass.bufferUpdates];
  return { session: await StatefulSession.compile(outputs, updates), lossNames: Object.keys(losses) };
}

function compareGradients(comparison: GoldenComparison, outputs: Readonly<Record<string, Tensor>>): void {
  for (const name of comparison.namesAfter("grad/step0/")) {
    const gradient = outputs[`grad/${name}`];
    if (!gradient) throw new WeightsError(`grad/step0/${name}: the model has no such parameter`);
    const options = {
      family: "gradients",
      mostElements: mostOfGradient,
      roundoffCount: roundoffs,
    } as const;
    comparison.compare(`grad/step0/${name}`, gradient, options);
  }
}

const settingsSchema = z.object({
  lr: z.number(),
  beta1: z.number(),
  beta2: z.number(),
  eps: z.number(),
  weight_decay: z.number(),
});

/** torch.optim.Adam's settings from the metadata's "adam", a JSON object. */
function adamSettings(comparison: GoldenComparison): { rate: number; options: AdamOptions } {
  const text = comparison.text("adam");
  const parsed = settingsSchema.safeParse(parseJson(text));
  if (!parsed.success)
    throw new WeightsError(
      `the metadata's "adam" must be JSON with lr, beta1, beta2, eps, weight_decay; got ${text}`,
    );
  const { lr, beta1, beta2, eps, weight_decay: weightDecay } = parsed.data;
  return { rate: lr, options: { beta1, beta2, epsilon: eps, weightDecay } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
