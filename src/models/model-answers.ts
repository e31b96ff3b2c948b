/** What a model's methods give, checked: a class of a user's own may give anything. */
import { Value } from "../engine/graph/value.js";
import { ModelFileError } from "../errors.js";
import type { LossPart } from "../nn/losses/total.js";
import type { Composition, CompositionModel } from "./composition-model.js";

/** The same composition. @throws ModelFileError when it has no query embedding [B, D]. */
export function checkedComposition(model: CompositionModel, composition: Composition): Composition {
  const q: unknown = isObject(composition) ? composition.q : undefined;
  if (q instanceof Value && q.rank === 2) return composition;
  throw new ModelFileError(
    `${model.constructor.name}.compose: must give { q }, a value [B, D]; got ${shown(composition instanceof Value ? composition : q)}`,
  );
}

/** The same parts. @throws ModelFileError when they are no list of values []. */
export function checkedParts(model: CompositionModel, parts: readonly LossPart[]): readonly LossPart[] {
  const where = `${model.constructor.name}.losses`;
  const form = "must give a list of { name, weight, value }, each value a float32[]";
  if (!Array.isArray(parts)) throw new ModelFileError(`${where}: ${form}; got ${shown(parts)}`);
  for (const part of parts as readonly unknown[]) {
    const { name, weight, value } = (isObject(part) ? part : {}) as Partial<Record<keyof LossPart, unknown>>;
    const isWeight = typeof weight === "number" || weight instanceof Value;
    if (isWeight && value instanceof Value && value.rank === 0 && value.dtype === "float32") continue;
    throw new ModelFileError(
      `${where}: ${form}; got ${String(name)} with weight ${shown(weight)}, value ${shown(value)}`,
    );
  }
  return parts;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function shown(value: unknown): string {
  return value instanceof Value || typeof value === "number" ? String(value) : typeof value;
}
