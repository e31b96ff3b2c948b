/** `--model`: one of the project's models by its name, or a file with a model of the user's own. */
import { z } from "zod";
import { loadModelFile } from "../../models/load-model-file.js";
import { listedName } from "../../models/model-title.js";
import { isModelPath, modelNames } from "../../models/registry.js";
import { option } from "./option.js";
import { text } from "./option-types.js";

/** What helps say of models. */
export const modelChoices = `${modelNames.map(listedName).join(", ")}, or a file with a model of your own`;

const isModel = (model: string) => isModelPath(model) || modelNames.some((name) => name === model);

/** A name or a path. */
export const modelOrFile = z
  .string()
  .refine(isModel, `must be one of ${modelNames.join(", ")}, or a file: ./my-model.mjs`);

/** Names and paths with commas between them, each once; "all" stands for all of the project's models. */
export const modelList = z
  .string()
  .transform((list) =>
    list
      .split(",")
      .map((model) => model.trim())
      .flatMap((model): readonly string[] => (model === "all" ? modelNames : [model])),
  )
  .superRefine((models, context) => {
    const unknown = models.filter((model) => !isModel(model));
    if (unknown.length > 0) {
      context.addIssue({
        code: "custom",
        message: `has names of no model, ${unknown.join(", ")}: must be all, or out of ${modelNames.join(", ")}, or files such as ./my-model.mjs, with commas between them`,
      });
    } else if (new Set(models).size < models.length) {
      context.addIssue({ code: "custom", message: "must be different names, with commas between them" });
    }
  });

/** Of commands that open a run. */
export const runModelOption = option(
  "--model <file>",
  "file of the run's model, where it is one of your own; it runs as code",
  text,
  { needs: "--run" },
);

/** The model's name; a file is loaded. @throws ModelFileError */
export async function modelNamed(model: string): Promise<string> {
  return isModelPath(model) ? loadModelFile(model) : model;
}
