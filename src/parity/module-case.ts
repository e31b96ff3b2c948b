/** Runs a module on a file's inputs, forwards and backwards, as a training graph and as an inference graph. */
import { gradients } from "../engine/autodiff/gradients.js";
import { Input, type Value } from "../engine/graph/value.js";
import { add, multiply } from "../engine/ops/arithmetic.js";
import { not } from "../engine/ops/comparison.js";
import { sum } from "../engine/ops/reduce.js";
import { GraphSession } from "../engine/runtime/session.js";
import { isFloating } from "../engine/tensor/dtype.js";
import { type Dim, sameShape } from "../engine/tensor/shape.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import { WeightsError } from "../errors.js";
import type { TextFeatures } from "../models/text-encoder.js";
import { wordMask } from "../models/text-encoder.js";
import { ForwardPass } from "../nn/forward-pass.js";
import type { Module } from "../nn/module.js";
import type { GoldenComparison } from "./golden-comparison.js";
import { squaresOfProducts } from "./numbers.js";

/** Inputs of which a file may have another number than of the others. */
const symbols: Readonly<Record<string, Dim>> = {
  gallery: "rows",
  input_ids: "rows",
  attention_mask: "rows",
};

/** Gives `input/NAME` of a file as an input of a graph; the batch, axis 0, is a number or a symbol. */
export class GraphInputs {
  readonly #comparison: GoldenComparison;
  readonly #hasSymbolicBatch: boolean;
  readonly #inputs = new Map<string, Input>();

  constructor(comparison: GoldenComparison, { hasSymbolicBatch }: { readonly hasSymbolicBatch: boolean }) {
    this.#comparison = comparison;
    this.#hasSymbolicBatch = hasSymbolicBatch;
  }

  has(name: string): boolean {
    return this.#comparison.has(`input/${name}`);
  }

  /** @throws WeightsError when the file has no such input. */
  value(name: string): Input {
    const known = this.#inputs.get(name);
    if (known) return known;
    const { dtype, shape } = this.#comparison.use(`input/${name}`);
    const [, ...rest] = shape;
    const isSymbolic = this.#hasSymbolicBatch && shape.length > 0;
    const input = new Input(name, dtype, isSymbolic ? [symbols[name] ?? "batch", ...rest] : shape);
    this.#inputs.set(name, input);
    return input;
  }

  /** Words `w`, sentence `s` and the mask of `pad_mask`; each is asked for only when a module looks at it. */
  text(): TextFeatures {
    const value = (name: string) => this.value(name);
    return {
      get words() {
        return value("w");
      },
      get sentence() {
        return value("s");
      },
      get mask() {
        return not(value("pad_mask"));
      },
    };
  }

  /** The inputs that gradients are compared for. */
  differentiable(): Map<string, Input> {
    return new Map([...this.#inputs].filter(([, { dtype }]) => isFloating(dtype)));
  }

  /** The tensors of all inputs that were asked for, by name. */
  tensors(): Record<string, Tensor> {
    return Object.fromEntries(
      [...this.#inputs.keys()].map((name) => [name, this.#comparison.use(`input/${name}`)]),
    );
  }

  /** Runs a graph on the file's tensors. Parameters are fed, as in training, or part of the graph, as in serving. */
  async run(
    outputs: Readonly<Record<string, Value>>,
    parameters: "fed" | "baked",
  ): Promise<Record<string, Tensor>> {
    const session = await GraphSession.compile(outputs, { parameters });
    try {
      const used = [...this.#inputs.keys()].filter((name) => session.hasInput(name));
      return await session.run(
        Object.fromEntries(used.map((name) => [name, this.#comparison.use(`input/${name}`)])),
      );
    } finally {
      await session.release();
    }
  }
}

/** A module of ours that stands for a file. */
export interface ModuleCase {
  readonly module: Module;
  /** Outputs by the file's keys: `output/y`, or an input that the module computes itself. */
  forward(inputs: GraphInputs, pass: ForwardPass): Record<string, Value>;
}

/**
 * loss = sum over NAME of sum(output/NAME · input/cotangent.NAME), for the outputs that have one: [].
 * @throws WeightsError when none has, or when shapes differ.
 */
export function cotangentLoss(
  comparison: GoldenComparison,
  outputs: Readonly<Record<string, Value>>,
  inputs: GraphInputs,
): Value {
  const terms = comparison.namesAfter("input/cotangent.").map((name) => {
    const cotangent = inputs.value(`cotangent.${name}`);
    const output = outputs[`output/${name}`];
    if (!output || !sameShape(output.shape, cotangent.shape))
      throw new WeightsError(`input/cotangent.${name} ${cotangent}: no such output; got ${output ?? "none"}`);
    return sum(multiply(output, cotangent));
  });
  if (terms.length === 0)
    throw new WeightsError("there is no input/cotangent.NAME: nothing to differentiate");
  return terms.reduce((total, term) => add(total, term));
}

/** L2 norm of the summands of `cotangentLoss`, by the file's values; `prefix` is what the keys of its outputs begin with. */
export function summandNorm(comparison: GoldenComparison, prefix: string): number {
  const squares = comparison.namesAfter("input/cotangent.").map((name) => {
    const [output, cotangent] = [comparison.peek(prefix + name), comparison.peek(`input/cotangent.${name}`)];
    return squaresOfProducts(output.data, cotangent.data);
  });
  return Math.sqrt(squares.reduce((total, part) => total + part, 0));
}

/**
 * Loads the file's parameters and compares all outputs, the loss, and the gradients of inputs and parameters.
 * Outputs are computed twice: in the training graph, whose shapes are numbers and whose parameters are fed, and in
 * the inference graph, whose batch is symbolic and whose parameters are part of it.
 */
export async function runModuleCase(
  comparison: GoldenComparison,
  { module, forward }: ModuleCase,
): Promise<void> {
  module.loadStateDict(comparison.parameters());

  const inputs = new GraphInputs(comparison, { hasSymbolicBatch: false });
  const outputs = forward(inputs, ForwardPass.training());
  // An input that the module does not look at has a gradient too: zero.
  for (const name of comparison.namesAfter("grad/")) if (inputs.has(name)) inputs.value(name);
  const loss = cotangentLoss(comparison, outputs, inputs);
  const isCotangent = (name: string) => name.startsWith("cotangent.");
  const ofInputs = [...inputs.differentiable()].filter(([name]) => !isCotangent(name));
  const targets = new Map<string, Value>([...ofInputs, ...module.namedParameters()]);
  const values = gradients(loss, [...targets.values()]);
  const named = [...targets.keys()].map((name, i) => [`grad/${name}`, values[i] ?? loss] as const);
  const all = { ...outputs, ...paddingOfLengths(inputs), ...Object.fromEntries(named), loss };
  const { loss: lossValue, ...trained } = await inputs.run(all, "fed");
  compareAll(comparison, trained);
  if (lossValue)
    comparison.compare("output/loss", lossValue, {
      family: "outputs",
      summandNorm: summandNorm(comparison, "output/"),
    });

  const servingInputs = new GraphInputs(comparison, { hasSymbolicBatch: true });
  const served = await servingInputs.run(forward(servingInputs, ForwardPass.inference()), "baked");
  compareAll(comparison, served);
}

/** Compares what the file holds; we may compute more. `leastShare` is of gradients, see `tolerances`. */
export function compareAll(
  comparison: GoldenComparison,
  values: Readonly<Record<string, Tensor>>,
  { leastShare = 0 }: { readonly leastShare?: number } = {},
): void {
  for (const [key, value] of Object.entries(values)) {
    if (!comparison.has(key)) continue;
    const isGradient = key.startsWith("grad/");
    comparison.compare(key, value, isGradient ? { family: "gradients", leastShare } : { family: "outputs" });
  }
}

/** Where a file states padding twice, one must follow from the other. */
export function paddingOfLengths(inputs: GraphInputs): Record<string, Value> {
  if (!inputs.has("lengths") || !inputs.has("pad_mask")) return {};
  return { "input/pad_mask": not(wordMask(inputs.value("lengths"), inputs.value("pad_mask"))) };
}
