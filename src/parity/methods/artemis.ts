/** Golden file of ARTEMIS: r, m, t [B, D], gallery [G, D] -> scores [B, B], gallery_scores [B, G]. */
import type { Value } from "../../engine/graph/value.js";
import { exp } from "../../engine/ops/elementwise.js";
import { l2Normalise } from "../../engine/ops/normalisation.js";
import type { Composition } from "../../models/composition-model.js";
import { type Artemis, artemisTerms } from "../../models/methods/artemis.js";
import { batchClassificationLoss } from "../../nn/losses/batch-classification.js";
import { imageOf, methodCase } from "../method-case.js";
import type { GraphInputs } from "../module-case.js";

export const artemisCase = methodCase<Artemis>({
  model: "artemis",
  fields: (comparison) => ({ embedDim: comparison.number("D") }),
  // The file holds the scale's logarithm: the loss below takes it for one.
  parameterName: (name) => (name === "log_scale" ? "scale" : name),
  outputs(model, inputs) {
    const rows = composed(model, inputs).pairRow as Value;
    const targets = l2Normalise(inputs.value("t"), { axis: 1 });
    const gallery = l2Normalise(inputs.value("gallery"), { axis: 1 });
    const { explicit, implicit } = artemisTerms(rows, targets);
    return {
      scores: model.pairScoring.score(rows, targets),
      gallery_scores: model.pairScoring.score(rows, gallery),
      "aux.explicit": explicit,
      "aux.implicit": implicit,
    };
  },
  trainingLoss(model, inputs) {
    const similarity = model.similarity(composed(model, inputs), inputs.value("t"), exp(model.scale));
    return batchClassificationLoss(similarity);
  },
});

function composed(model: Artemis, inputs: GraphInputs): Composition {
  const text = {
    words: inputs.value("m"),
    sentence: inputs.value("m"),
    mask: inputs.value("m"),
  };
  return model.compose(imageOf(inputs.value("r")), text);
}
