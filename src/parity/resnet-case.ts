/** Golden files of ResNets, in evaluation and in training mode. */
import { gradients } from "../engine/autodiff/gradients.js";
import type { Value } from "../engine/graph/value.js";
import { StatefulSession } from "../engine/runtime/stateful-session.js";
import { float32 } from "../engine/tensor/tensor.js";
import { ResNet } from "../models/backbones/resnet.js";
import type { ResNetName } from "../models/backbones/resnet-architectures.js";
import { ForwardPass } from "../nn/forward-pass.js";
import type { GoldenComparison } from "./golden-comparison.js";
import { anyRandom } from "./layer-cases.js";
import { compareAll, cotangentLoss, GraphInputs, summandNorm } from "./module-case.js";
import { norm } from "./numbers.js";

/** Channels of the first stage at width 1. */
const baseChannels = 64;

/** How many elements of a gradient the file keeps, about. */
const mostOfInput = 1024;
const mostOfParameter = 256;

/**
 * x [B, 3, S, S] -> output/MODE/y, output/MODE/loss, the sampled gradients grad/MODE/NAME and their whole norms
 * grad_norm/MODE/NAME, for the modes eval and train; after train the running statistics output/train/NAME. Eval is
 * also run as the inference graph with a symbolic batch.
 */
export function resNetCase(name: ResNetName): (comparison: GoldenComparison) => Promise<void> {
  return async (comparison) => {
    const state = comparison.parameters();
    const build = (): ResNet => {
      const module = new ResNet(name, anyRandom(), { width: resNetWidth(comparison, "param/") });
      module.loadStateDict(state);
      return module;
    };
    for (const mode of ["eval", "train"] as const) await runMode(comparison, build(), mode);

    const inputs = new GraphInputs(comparison, { hasSymbolicBatch: true });
    const y = build().forward(inputs.value("x"), ForwardPass.inference());
    compareAll(comparison, await inputs.run({ "output/eval/y": y }, "baked"));
  };
}

/** Multiplier of the channels; `prefix` is what the backbone's keys begin with. */
export function resNetWidth(comparison: GoldenComparison, prefix: string): number {
  return comparison.dim(`${prefix}conv1.weight`, 0) / baseChannels;
}

async function runMode(comparison: GoldenComparison, module: ResNet, mode: "eval" | "train"): Promise<void> {
  const inputs = new GraphInputs(comparison, { hasSymbolicBatch: false });
  const pass = mode === "train" ? ForwardPass.training() : ForwardPass.inference();
  const x = inputs.value("x");
  const y = module.forward(x, pass);
  const loss = cotangentLoss(comparison, { "output/y": y }, inputs);
  const targets = new Map<string, Value>([["x", x], ...module.namedParameters()]);
  const found = gradients(loss, [...targets.values()]);
  const named = [...targets.keys()].map((name, i) => [`grad/${name}`, found[i] ?? loss] as const);
  const session = await StatefulSession.compile(
    { y, loss, ...Object.fromEntries(named) } as Record<string, Value>,
    pass.bufferUpdates,
  );
  const { outputs } = await session.run({
    x: comparison.use("input/x"),
    "cotangent.y": comparison.use("input/cotangent.y"),
  });
  await session.release();
  for (const [name, value] of Object.entries(outputs)) {
    if (!name.startsWith("grad/")) {
      const ofSum = name === "loss" ? { summandNorm: summandNorm(comparison, `output/${mode}/`) } : {};
      comparison.compare(`output/${mode}/${name}`, value, { family: "outputs", ...ofSum });
      continue;
    }
    const target = name.slice("grad/".length);
    const mostElements = target === "x" ? mostOfInput : mostOfParameter;
    comparison.compare(`grad/${mode}/${target}`, value, { family: "gradients", mostElements });
    comparison.compare(`grad_norm/${mode}/${target}`, float32([], [norm(value.data)]), {
      family: "gradients",
    });
  }
  if (mode === "eval") return;
  for (const [name, { shape, data, isTrainable }] of module.state()) {
    const tensor = { dtype: "float32", shape, data } as const;
    if (!isTrainable) comparison.compare(`output/train/${name}`, tensor, { family: "outputs" });
  }
}
