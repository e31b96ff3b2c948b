/** Operation modules in words for readers. */
import type { OperationModuleName } from "../models/sdfn/config.js";
import type { ModuleName } from "./types.js";

/** What each of the paper's modules does (section 2.2), in words that fit a box. */
const meanings: Readonly<Record<string, string>> = {
  jrm: "joint reasoning",
  cam: "cross attention",
  gtm: "global transform",
  rcm: "keep as is",
} satisfies Record<OperationModuleName, string>;

/** The module of that name in a configuration; one that is not the paper's has no words. */
export function moduleNamed(name: string): ModuleName {
  return { name: name.toUpperCase(), meaning: meanings[name] ?? "" };
}
