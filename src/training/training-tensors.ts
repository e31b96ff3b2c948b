/** A run's tensors under the names that they have in a checkpoint. */

import type { Parameter } from "../engine/graph/value.js";
import { sameShape } from "../engine/tensor/shape.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import { WeightsError } from "../errors.js";
import type { CompositionModel } from "../models/composition-model.js";
import type { StateDict } from "../nn/module.js";
import { requireFloat32 } from "../tensor-files/safetensors.js";
import type { WeightAverage } from "./weight-average.js";

/** The objects that hold the tensors. */
export interface TensorHolders {
  readonly model: CompositionModel;
  /** Adam's. */
  readonly moments: ReadonlyMap<string, Parameter>;
  readonly average: WeightAverage | undefined;
  /** By token: 1 when a batch had it, so that its vector got a gradient. */
  readonly seenWords: Uint8Array;
}

const seenWordsName = "seenWords";

/** `parameters.NAME`, `moments.NAME`, `average.NAME` and `seenWords`; not copied. */
export function tensorsOf({ model, moments, average, seenWords }: TensorHolders): Map<string, Tensor> {
  const prefixed = (prefix: string, tensors: Iterable<readonly [string, Tensor]>) =>
    [...tensors].map(([name, tensor]) => [`${prefix}.${name}`, tensor] as const);
  const values = [...moments].map(
    ([name, { shape, data }]) => [name, { dtype: "float32", shape, data } as Tensor] as const,
  );
  return new Map<string, Tensor>([
    ...prefixed("parameters", model.tensors()),
    ...prefixed("moments", values),
    ...prefixed("average", average?.tensors() ?? []),
    [seenWordsName, { dtype: "uint8", shape: [seenWords.length], data: seenWords }],
  ]);
}

/**
 * Takes over what `tensorsOf` gave, but for the moments: those are of an optimizer that is made later.
 * @returns the moments, for `loadMoments`.
 * @throws StateDictError, WeightsError when it is not of a run like this one.
 */
export function restoreTensors(
  { model, average, seenWords }: Omit<TensorHolders, "moments">,
  tensors: ReadonlyMap<string, Tensor>,
): StateDict {
  const part = (prefix: string) =>
    new Map(
      [...tensors].flatMap(([name, tensor]) =>
        name.startsWith(`${prefix}.`) ? [[name.slice(prefix.length + 1), tensor] as const] : [],
      ),
    );
  model.loadStateDict(requireFloat32(part("parameters"), "checkpoint"));
  average?.restore(part("average"));
  const words = tensors.get(seenWordsName);
  if (words?.dtype !== "uint8" || words.data.length !== seenWords.length) {
    throw new WeightsError(`checkpoint: "${seenWordsName}" must be ${seenWords.length} bytes`);
  }
  seenWords.set(words.data as Uint8Array);
  return requireFloat32(part("moments"), "checkpoint");
}

/** Gives an optimizer's moments the saved values. @throws WeightsError when one is missing or has another shape. */
export function loadMoments(moments: TensorHolders["moments"], saved: StateDict): void {
  for (const [name, moment] of moments) {
    const tensor = saved.get(name);
    if (!tensor || !sameShape(tensor.shape, moment.shape)) {
      throw new WeightsError(
        `checkpoint: moment "${name}" must have shape [${moment.shape.join(", ")}]; got ${tensor ? `[${tensor.shape.join(", ")}]` : "none"}`,
      );
    }
    moment.data = tensor.data.slice();
  }
}
