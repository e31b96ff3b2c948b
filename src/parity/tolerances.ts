/** What is compared with a golden file, how its error is measured, and how much of it is allowed. */

/** How the difference of two tensors becomes one number. */
export type Measure = "relative" | "absolute";

export interface Tolerance {
  /** Column of the report. */
  readonly label: string;
  readonly measure: Measure;
  readonly limit: number;
  /** Whether it is seen after several steps of an optimizer, which may amplify rounding, see `adamCase`. */
  readonly isAmplified?: boolean;
}

/** Largest relative error of rounding to float32. */
export const float32Roundoff = 2 ** -24;

/**
 * Limits for float32 against values computed in float64. Relative is to the size of the expected tensor, which is
 *
 * - its largest element;
 * - for a loss that a file defines as a sum (sum of output · cotangent): the L2 norm of what is summed, if that is
 *   larger, since terms of both signs can add up to next to nothing;
 * - at least so much that the rounding of the largest element of all tensors of the sort (all gradients of the file,
 *   all outputs) is allowed. Gradients that are zero but for rounding, or thousands of times smaller than others in
 *   the same graph, have no more digits than that, in PyTorch's float32 neither;
 * - of a gradient of a whole method: at least `leastShareOfGradients` of the largest gradient of the file.
 *
 * Outputs of pretrained towers are held tighter: the epsilon of a norm or the form of an activation, taken from another
 * family, shows between 4e-6 and 1e-4.
 *
 * Over 12 sets of files of other seeds and sizes the largest errors were 4.3e-6 of outputs and 3.1e-5 of gradients,
 * both without the last rule, which matters for the gradients of a whole model only.
 */
export const tolerances = {
  outputs: { label: "outputs", measure: "relative", limit: 1e-5 },
  towerOutputs: { label: "tower outputs", measure: "relative", limit: 3e-6 },
  gradients: { label: "gradients", measure: "relative", limit: 1e-4 },
  losses: { label: "losses", measure: "absolute", limit: 1e-4, isAmplified: true },
  finalParameters: { label: "final parameters", measure: "absolute", limit: 3e-4, isAmplified: true },
} as const satisfies Record<string, Tolerance>;

/**
 * Some gradients of the methods are zero by their equations: of a bias that a batch norm or a centring takes away again, and of
 * key biases. What is there is rounding of sums over the whole graph, of about one unit of the largest gradient.
 */
export const leastShareOfGradients = 1e-3;

/** What a compared tensor is. */
export type Family = keyof typeof tolerances;

export const families = Object.keys(tolerances) as Family[];

/** The tolerance of a family. */
export function toleranceOf(family: Family): Tolerance {
  return tolerances[family];
}
