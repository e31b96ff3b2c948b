/** Models as people read them: what was rebuilt without its authors' code says so. */
import { modelDefinition, modelNames } from "./registry.js";

/** "cosmo (reconstruction)" for lists of names: the name, and what its title has in brackets. */
export function listedName(name: string): string {
  const [remark = ""] = / \([^)]*\)$/.exec(modelDefinition(name).title) ?? [];
  return name + remark;
}

/** The title of one of the project's models; any other name as it is. */
export function modelTitle(name: string): string {
  return modelNames.some((known) => known === name) ? modelDefinition(name).title : name;
}
