import { describe, it } from "vitest";
import { type ConvOptions, conv2d } from "../../src/engine/ops/conv.js";
import { checkGradient } from "./check-gradient.js";

// Conv has no float64 kernel: float32, a step that balances rounding and curvature, and a tolerance to match.
const float32 = { dtype: "float32", step: 0.1, tolerance: 2e-4 } as const;

/** Input side, kernel, options. */
const cases: readonly [
  side: readonly [number, number],
  kernel: readonly [number, number],
  options: ConvOptions,
][] = [
  [[5, 7], [1, 1], {}],
  [[17, 19], [1, 1], {}],
  [[5, 7], [1, 1], { stride: 2 }],
  [[5, 7], [1, 1], { padding: 1 }],
  [[5, 7], [3, 3], { padding: 1 }],
  [[3, 4], [3, 3], { padding: 1 }],
  [[2, 2], [3, 3], { padding: 1 }],
  [[4, 4], [3, 3], { stride: 2, padding: 1 }],
  [[7, 8], [3, 3], { stride: 2, padding: 1 }],
  [[13, 11], [7, 7], { stride: 2, padding: 3 }],
  [[13, 11], [3, 5], { stride: 3, padding: 2, dilation: 2 }],
  [[9, 8], [2, 3], { padding: 3 }],
  [[9, 8], [3, 2], { dilation: 2 }],
];

describe("convolution gradients agree with central differences", () => {
  it.each(cases)("input %j, kernel %j, %j", async ([h, w], [kh, kw], options) => {
    await checkGradient(
      [
        [3, 2, h, w],
        [5, 2, kh, kw],
      ],
      (x, weight) => conv2d(x, weight, options),
      float32,
    );
  });
});
