/** Router logits and the route weights they give (section 2.3). */
import type { Value } from "../../engine/graph/value.js";
import { add, multiply } from "../../engine/ops/arithmetic.js";
import { softmax } from "../../engine/ops/softmax.js";

/** Which routers a layer has. */
export type RouterKind = "image" | "text" | "shared";

/** Logits of one layer's routers by kind, each [B, M sources, J destinations]; empty without routers. */
export type RouterLogits = Readonly<Partial<Record<RouterKind, Value>>>;

export interface MergeOptions {
  /** "mean" of the routers' probabilities, or "product": softmax of the summed logits. */
  readonly merge: "mean" | "product";
  /** What the softmax runs over; by default the sources, so that a destination's weights sum to 1. */
  readonly over?: "sources" | "destinations";
  /** Temperature: every router's logits are divided by it before the merge. */
  readonly tau?: number;
}

/**
 * p[b, i, j], weight of source i for destination j, from one layer's router logits a:
 *
 *   mean:     p = (softmax(a_img / tau) + softmax(a_txt / tau)) / 2
 *   product:  p = softmax(a_img / tau + a_txt / tau)
 *
 * logits, each [B, M, J], at least one -> [B, M, J].
 */
export function mergeRoutes(logits: RouterLogits, { merge, over = "sources", tau = 1 }: MergeOptions): Value {
  const axis = over === "sources" ? 1 : 2;
  const all = Object.values(logits).map((a) => (tau === 1 ? a : multiply(a, 1 / tau)));
  const total = (values: readonly Value[]) => values.reduce((sum, value) => add(sum, value));
  if (merge === "product") return softmax(total(all), { axis });
  const probabilities = total(all.map((a) => softmax(a, { axis })));
  return all.length === 1 ? probabilities : multiply(probabilities, 1 / all.length);
}
