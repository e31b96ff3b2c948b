/** Configuration fields of another method: said by name, with the models that have them. */
import { modelDefinition, modelNames } from "../models/registry.js";
import { trainingFields } from "./training-fields.js";

/** Does a run of the model have the field: one of the model's, or of training? */
export function hasField(model: string, field: string): boolean {
  return field === "model" || field in trainingFields || field in modelDefinition(model).schema.shape;
}

/** The project's models that have a configuration field of their own of this name. */
export function modelsWithField(field: string): readonly string[] {
  return modelNames.filter((name) => field in modelDefinition(name).schema.shape);
}

/** "heads: a field of sdfn and artemis; tirg has none of this name", for a field that only other models have. */
export function foreignFieldProblem(field: string, having: readonly string[], model: string): string {
  return `${field}: a field of ${having.join(", ")}; ${model} has none of this name: leave it out`;
}
