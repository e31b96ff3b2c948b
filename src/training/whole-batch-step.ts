/** A training step as one graph, with the whole batch in memory: what is fastest where it fits. */
import { gradients } from "../engine/autodiff/gradients.js";
import { type GraphMemory, graphMemory } from "../engine/graph/peak-memory.js";
import { StatefulSession } from "../engine/runtime/stateful-session.js";
import { scalarOf, type Tensor } from "../engine/tensor/tensor.js";
import type { CompositionModel } from "../models/composition-model.js";
import {
  adamOf,
  type CompiledStep,
  forwardGraph,
  lossGraph,
  lossValues,
  type StepConfig,
  type StepOptions,
  updateGraph,
} from "./step-graph.js";

/** Builds and compiles the step. */
export async function compileWholeBatchStep(
  model: CompositionModel,
  config: StepConfig,
  options: StepOptions,
): Promise<CompiledStep> {
  const { outputs, updates, adam, masks, teacherInputs } = buildGraph(model, config);
  const resultOf = (values: Readonly<Record<string, Tensor>>) => ({
    loss: lossValues(values),
    gradientNorm: scalarOf(values.gradientNorm as Tensor),
  });
  const session = await StatefulSession.compile<string>(outputs, updates, {
    ...options,
    accept: (values) => {
      const { loss, gradientNorm } = resultOf(values);
      return Number.isFinite(loss.total) && Number.isFinite(gradientNorm);
    },
  });
  return {
    adam,
    masks,
    teacherInputs,
    notes: [],
    hasInput: (name) => session.hasInput(name),
    async run(feeds) {
      const { outputs, isAccepted } = await session.run(feeds);
      return { ...resultOf(outputs), isAccepted };
    },
    get notFinite() {
      return session.notFinite;
    },
    release: () => session.release(),
  };
}

/** What the step's graph needs, which is not compiled. */
export function wholeBatchMemory(model: CompositionModel, config: StepConfig): GraphMemory {
  const { outputs, updates } = buildGraph(model, config);
  return graphMemory([{ outputs: Object.values(outputs), updates }]);
}

function buildGraph(model: CompositionModel, config: StepConfig) {
  const { training } = config;
  const { features, pass } = forwardGraph(model, training.batchSize, config);
  const { total, outputs, teacherInputs } = lossGraph(model, features, pass);
  const adam = adamOf(model, [total], training);
  const { gradientNorm, updates } = updateGraph(adam, gradients(total, adam.parameters), {
    gradientClip: training.gradientClip,
    loss: total,
  });
  return {
    outputs: { ...outputs, gradientNorm },
    updates: [...updates, ...pass.bufferUpdates],
    adam,
    masks: pass.dropoutMasks,
    teacherInputs,
  };
}
