// A model of your own in one file, for --model:
//   npx sdfn train --data data/small --out runs/own --model ./examples/gated-fusion.mjs --config configs/demo-baseline.json
// Everything comes from "sdfn/models". Methods only build a graph; the trainer differentiates it and runs it on ONNX Runtime.
import {
  add,
  CompositionModel,
  concat,
  defineModel,
  Linear,
  mean,
  multiply,
  sigmoid,
  square,
  subtract,
  z,
} from "sdfn/models";

/**
 * A gate chooses, feature by feature, between the picture and the words:
 *
 *   g = σ(W · [x ; s])        x [B, D] the reference picture, s [B, D] the sentence
 *   q = g · x + (1 - g) · s   the query's embedding [B, D]
 *   L = L_bbc + openGate · mean((g - ½)²)
 *
 * The second part keeps the gate open while it learns: without it, words can be switched off before they are understood.
 */
class GatedFusion extends CompositionModel {
  // Fields are the model's parameters: `gate.weight` and `gate.bias` are saved with the run under these names.
  gate;
  #openGate;

  /** `config` has the encoders' fields and the file's own; all initial values are drawn from `random`. */
  constructor(config, vocabularySize, random) {
    super(config, vocabularySize, random); // the two encoders, and the scale of the similarity
    this.gate = new Linear(2 * config.embedDim, config.embedDim, random);
    this.#openGate = config.openGate;
  }

  /** The query of a reference picture and a sentence; training, evaluation, search and export call it. */
  compose({ embedding }, { sentence }) {
    const gate = sigmoid(this.gate.forward(concat([embedding, sentence], { axis: 1 }))); // [B, D]
    const q = add(multiply(gate, embedding), multiply(subtract(1, gate), sentence));
    return { q, gate };
  }

  /** What training minimises: the parts that every model has, and one of its own. Metrics and reports call it "gate". */
  losses(batch, pass) {
    const value = mean(square(subtract(batch.composition.gate, 0.5))); // []
    return [...super.losses(batch, pass), { name: "gate", weight: this.#openGate, value }];
  }
}

/** The default export is what the command takes. Own fields are set as all others: --set openGate=0.2, or --config. */
export default defineModel({
  name: "gated-fusion",
  fields: { openGate: z.number().min(0).max(10).default(0.1) },
  modelClass: GatedFusion,
});
