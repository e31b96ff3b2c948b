/** Reads SDFN's configuration off a golden file: what shapes and names tell, and from the metadata the rest. */
import { operationModuleNames, parseSdfnConfig, type SdfnConfig } from "../models/sdfn/config.js";
import type { GoldenComparison } from "./golden-comparison.js";

/** What only the caller knows. */
export interface KnownFields {
  /** D */
  readonly embedDim: number;
  /** M; without it the file is about a single module and has no routers. */
  readonly moduleCount?: number;
  /** Further fields of the configuration. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/**
 * The configuration of a file about fusion. Sizes are found by how names of parameters end, so the same rules serve
 * one module, one layer, a network and a whole model; a size that no parameter shows does not matter.
 * @throws ConfigError when the file asks for a model that ours refuses to be.
 */
export function sdfnConfigOf(
  comparison: GoldenComparison,
  { embedDim, moduleCount, fields = {} }: KnownFields,
): SdfnConfig {
  const names = comparison.namesAfter("param/");
  const lengthOf = (ending: RegExp): number | null => {
    const name = names.find((candidate) => ending.test(candidate));
    return name === undefined ? null : comparison.dim(`param/${name}`, 0);
  };
  return parseSdfnConfig({
    embedDim,
    heads: comparison.number("heads"),
    ffnWidth: lengthOf(/(^|\.)ffn1\.bias$/),
    routerWidth: lengthOf(/_routers\.\d+\.fc1\.bias$/),
    modules: moduleCount === undefined ? undefined : moduleNames(comparison, names, moduleCount),
    router: routerOf(names),
    routerMerge: comparison.textOr("merge", "mean"),
    dropout: 0,
    ...fields,
  });
}

/** As the metadata says, since their order matters; else those that have parameters, and RCM if one more is there. */
function moduleNames(comparison: GoldenComparison, names: readonly string[], moduleCount: number): string[] {
  const stated = comparison.textOr("modules", undefined);
  if (stated !== undefined) return stated.split(",");
  const found = operationModuleNames.filter((module) => names.some((name) => name.includes(`${module}.`)));
  return found.length < moduleCount ? [...found, "rcm"] : found;
}

function routerOf(names: readonly string[]): SdfnConfig["router"] {
  if (names.some((name) => name.includes("image_routers."))) return "modality-specific";
  return names.some((name) => name.includes("shared_routers.")) ? "shared" : "none";
}
