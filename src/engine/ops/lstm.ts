/** Long short-term memory over a padded batch of sequences. */
import { applyOp, type Op } from "../graph/op.js";
import type { Value } from "../graph/value.js";
import { onnxDataType } from "../onnx/onnx-graph.js";
import { add, multiply, subtract } from "./arithmetic.js";
import { cast } from "./constant.js";
import { customGradient } from "./custom-gradient.js";
import { sigmoid, square, tanh } from "./elementwise.js";
import { matmul } from "./matmul.js";
import { concat, expandDims, reshape, slice, transpose, transposeLast } from "./shape.js";

/** Parameters with PyTorch's layout: gates i, f, g, o one after the other. */
export interface LstmOptions {
  /** W_ih [4D, I] */
  readonly weightIh: Value;
  /** W_hh [4D, D] */
  readonly weightHh: Value;
  /** b_ih [4D] */
  readonly biasIh: Value;
  /** b_hh [4D] */
  readonly biasHh: Value;
  /** bool [B, T]: false at padding, which must come last. */
  readonly lengthMask: Value;
}

/** Gates and state of one step, each [B, D]. */
interface Step {
  readonly i: Value;
  readonly f: Value;
  readonly g: Value;
  readonly o: Value;
  readonly c: Value;
  readonly tanhC: Value;
  readonly h: Value;
}

/**
 * One layer, one direction, as torch.nn.LSTM(batch_first=True) on packed sequences; the state starts at 0:
 *
 *   z_t = W_ih x_t + b_ih + W_hh h_(t-1) + b_hh,   i, f, g, o = σ(z_i), σ(z_f), tanh(z_g), σ(z_o)
 *   c_t = f · c_(t-1) + i · g,   h_t = o · tanh(c_t)
 *
 * x [B, T, I] -> h [B, T, D], zero at padding.
 */
export function lstm(x: Value, { weightIh, weightHh, biasIh, biasHh, lengthMask }: LstmOptions): Value {
  const isWord = cast(expandDims(lengthMask, 2), x.dtype);
  if (x.shape[0] === "batch") {
    // An inference graph: ONNX's own node stops at the longest text, instead of walking through all T places.
    const hidden = applyOp(inferenceOp, { x, weightIh, weightHh, biasIh, biasHh, lengthMask }, undefined);
    return multiply(hidden, isWord);
  }
  const byTime = transpose(x, [1, 0, 2]); // [T, B, I]
  const fromInput = add(matmul(byTime, transposeLast(weightIh)), add(biasIh, biasHh)); // [T, B, 4D]
  const hidden = transpose(recurrence(fromInput, weightHh), [1, 0, 2]); // [B, T, D]
  return multiply(hidden, isWord);
}

/** ONNX's gates are i, o, f, g. */
const onnxGates = [0, 3, 1, 2];

/** x [batch, T, I] -> h [batch, T, D]; what stands at padding is not said. */
const inferenceOp: Op<"x" | "weightIh" | "weightHh" | "biasIh" | "biasHh" | "lengthMask"> = {
  name: "lstm for inference",
  inputs: ["x", "weightIh", "weightHh", "biasIh", "biasHh", "lengthMask"],
  outputType: ({ x, weightHh }) => ({
    dtype: x.dtype,
    shape: [...x.shape.slice(0, 2), ...weightHh.shape.slice(1)],
  }),
  gradient: {
    x: "not differentiable",
    weightIh: "not differentiable",
    weightHh: "not differentiable",
    biasIh: "not differentiable",
    biasHh: "not differentiable",
    lengthMask: "not differentiable",
  },
  onnx(graph, { x, weightIh, weightHh, biasIh, biasHh, lengthMask }, _attrs, types) {
    const width = Number(types.weightHh.shape[1]);
    const inOnnxOrder = (gates: string, columns: readonly number[]) => {
      const cut = graph.node("Reshape", [gates, graph.ints([4, width, ...columns])]);
      const ordered = graph.node("Gather", [cut, graph.ints(onnxGates)]);
      return graph.node("Reshape", [ordered, graph.ints([1, 4 * width, ...columns])]);
    };
    const biases = [biasIh, biasHh].map((bias) => inOnnxOrder(bias, []));
    const lengths = graph.node(
      "ReduceSum",
      [graph.node("Cast", [lengthMask], { to: onnxDataType("int32") }), graph.ints([1])],
      { keepdims: 0 },
    );
    const states = graph.node(
      "LSTM",
      [
        graph.node("Transpose", [x], { perm: [1, 0, 2] }), // [T, batch, I]
        inOnnxOrder(weightIh, [Number(types.weightIh.shape[1])]),
        inOnnxOrder(weightHh, [width]),
        graph.node("Concat", biases, { axis: 1 }),
        lengths,
      ],
      { hidden_size: width },
    ); // [T, 1, batch, D]
    return graph.node("Transpose", [graph.node("Squeeze", [states, graph.ints([1])])], { perm: [1, 0, 2] });
  },
};

/**
 * h [T, B, D] from the inputs' share of the gates [T, B, 4D] and W_hh. With a gradient of its own: the engine's would
 * add T products of W_hh's size; here they are one product over all steps.
 */
function recurrence(fromInput: Value, weightHh: Value): Value {
  const stepCount = fromInput.dim(0);
  const width = weightHh.dim(1);
  const toGates = transposeLast(weightHh);
  const steps: Step[] = [];
  for (let t = 0; t < stepCount; t += 1) {
    const previous = steps[t - 1];
    const own = at(fromInput, t);
    const z = previous ? add(own, matmul(previous.h, toGates)) : own; // [B, 4D]
    const gate = (k: number) => slice(z, { axis: 1, start: k * width, end: (k + 1) * width });
    const [i, f, g, o] = [sigmoid(gate(0)), sigmoid(gate(1)), tanh(gate(2)), sigmoid(gate(3))];
    const c = previous ? add(multiply(f, previous.c), multiply(i, g)) : multiply(i, g);
    const tanhC = tanh(c);
    steps.push({ i, f, g, o, c, tanhC, h: multiply(o, tanhC) });
  }
  const hidden = stack(steps.map(({ h }) => h));
  return customGradient(
    "lstm",
    hidden,
    { fromInput, weightHh },
    {
      fromInput: (dy) => gateGradients(steps, dy, weightHh),
      weightHh: (dy) => {
        if (stepCount === 1) return multiply(weightHh, 0);
        // dW_hh = sum over t of dz_tᵀ · h_(t-1)
        const dz = slice(gateGradients(steps, dy, weightHh), { axis: 0, start: 1, end: stepCount });
        const before = slice(hidden, { axis: 0, start: 0, end: stepCount - 1 });
        const rows = (stepCount - 1) * before.dim(1);
        return matmul(transposeLast(reshape(dz, [rows, 4 * width])), reshape(before, [rows, width]));
      },
    },
  );
}

/** dz [T, B, 4D] from dh [T, B, D], backwards through time. */
function gateGradients(steps: readonly Step[], dHidden: Value, weightHh: Value): Value {
  const gradients: Value[] = [];
  let fromLater: { dh: Value; dc: Value } | undefined;
  for (let t = steps.length - 1; t >= 0; t -= 1) {
    const { i, f, g, o, tanhC } = steps[t] as Step;
    const before = steps[t - 1];
    const own = at(dHidden, t);
    const dh: Value = fromLater ? add(own, fromLater.dh) : own;
    const dcOwn = multiply(multiply(dh, o), subtract(1, square(tanhC)));
    const dc: Value = fromLater ? add(dcOwn, fromLater.dc) : dcOwn;
    const dz = concat(
      [
        multiply(multiply(dc, g), slope(i)),
        before ? multiply(multiply(dc, before.c), slope(f)) : multiply(f, 0),
        multiply(multiply(dc, i), subtract(1, square(g))),
        multiply(multiply(dh, tanhC), slope(o)),
      ],
      { axis: 1 },
    ); // [B, 4D]
    gradients.unshift(dz);
    if (before) fromLater = { dh: matmul(dz, weightHh), dc: multiply(dc, f) };
  }
  return stack(gradients);
}

/** σ'(z) from σ(z). */
function slope(gate: Value): Value {
  return multiply(gate, subtract(1, gate));
}

/** x[t]: [T, B, ..] -> [B, ..]. */
function at(x: Value, t: number): Value {
  return reshape(slice(x, { axis: 0, start: t, end: t + 1 }), x.shape.slice(1));
}

/** T times [B, ..] -> [T, B, ..]. */
function stack(values: readonly Value[]): Value {
  return concat(
    values.map((value) => expandDims(value, 0)),
    { axis: 0 },
  );
}
