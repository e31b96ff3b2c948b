/** A training step as one graph, with the whole batch in memory: what is fastest where it fits. */
import { gradients } from "../engine/autodiff/gradients.js";
import { StatefulSession } from "../engine/runtime/stateful-session.js";
import type { CompositionModel } from "../models/composition-model.js";
import {
  adamOf,
  type CompiledStep,
  forwardGraph,
  isFiniteScalar,
  lossGraph,
  type StepConfig,
  type StepOptions,
  type StepOutput,
  updateGraph,
} from "./step-graph.js";

/** Builds and compiles the step. */
export async function compileWholeBatchStep(
  model: CompositionModel,
  config: StepConfig,
  options: StepOptions,
): Promise<CompiledStep> {
  const { training } = config;
  const { pass, ...embedded } = forwardGraph(model, training.batchSize, config);
  const { parts, teacherInputs } = lossGraph(model, embedded);
  const adam = adamOf(model, [parts.total], training);
  const { gradientNorm, updates } = updateGraph(adam, gradients(parts.total, adam.parameters), {
    gradientClip: training.gradientClip,
    loss: parts.total,
  });
  const session = await StatefulSession.compile<StepOutput>(
    { ...parts, gradientNorm },
    [...updates, ...pass.bufferUpdates],
    {
      ...options,
      accept: ({ total, gradientNorm }) => isFiniteScalar(total) && isFiniteScalar(gradientNorm),
    },
  );
  return {
    adam,
    masks: pass.dropoutMasks,
    teacherInputs,
    notes: [],
    hasInput: (name) => session.hasInput(name),
    run: (feeds) => session.run(feeds),
    get notFinite() {
      return session.notFinite;
    },
    release: () => session.release(),
  };
}
