/** A query's route weights with the names of the operation modules. */
import type { RouteWeights } from "../../embedding/encoder.js";
import { operationModuleNames } from "../../models/operation-module-names.js";
import { formatShare } from "../../report/format.js";
import { moduleNamed } from "../../report/module-names.js";
import type { ModuleName, QueryRoutes } from "../../report/types.js";
import type { RunConfig } from "../../runs/run-config.js";
import { textTable } from "../terminal/text-table.js";

/** The model's operation modules, in the order of its route weights; none for a model without. */
export function moduleNamesOf({ modelConfig }: RunConfig): readonly ModuleName[] {
  return (operationModuleNames(modelConfig) ?? []).map(moduleNamed);
}

/** The weights with their modules' names; undefined for a model without routers. */
export function namedRoutes(config: RunConfig, weights: RouteWeights): QueryRoutes | undefined {
  const modules = moduleNamesOf(config);
  return weights.length === 0 || modules.length === 0 ? undefined : { modules, weights };
}

/** The same for a model of which only the modules' names are known, or not even those. */
export function routesOf(
  modules: readonly string[] | undefined,
  weights: RouteWeights,
): QueryRoutes | undefined {
  if (weights.length === 0) return undefined;
  const names = modules ?? (weights[0] ?? []).map((_, i) => `m${i + 1}`);
  return { modules: names.map(moduleNamed), weights };
}

/** One table a layer: a row for each module the weight comes from, a column for each it goes to. */
export function routesText({ modules, weights }: QueryRoutes): string {
  const names = modules.map(({ name }) => name);
  return weights
    .map((layer, index) => {
      const isLast = index === weights.length - 1;
      const head = [
        `layer ${index + 1} to ${isLast ? "the embedding" : `layer ${index + 2}`}`,
        ...(isLast ? [""] : names),
      ];
      return textTable([
        head,
        ...layer.map((row, source) => [`  ${names[source] ?? ""}`, ...row.map(formatShare)]),
      ]);
    })
    .join("");
}
