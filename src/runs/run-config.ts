/** A run's whole configuration: which model, its fields, and the training fields, in one flat object. */
import { z } from "zod";
import { ConfigError, ModelFileError } from "../errors.js";
import type { ImageFit, ResizeKernel } from "../images/image.js";
import type { PicturePreprocessing } from "../models/backbones/backbone.js";
import { backboneDefinition } from "../models/backbones/registry.js";
import { encoderFields } from "../models/encoder-config.js";
import { parseConfig } from "../models/parse-config.js";
import { modelDefinition } from "../models/registry.js";
import { foreignFieldProblem, hasField, modelsWithField } from "./foreign-fields.js";
import { refusedTrainingCombinations, type TrainingConfig, trainingFields } from "./training-fields.js";

/** A complete, checked configuration. */
export interface RunConfig {
  /** Name of one of the project's models, or of one that `loadModelFile` loaded. */
  readonly model: string;
  /** The model's fields, as `createModel` takes them. */
  readonly modelConfig: Readonly<Record<string, unknown>>;
  readonly training: TrainingConfig;
  /** All of it as one object, with defaults filled in: what `run.json` holds. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Where configuration comes from; later ones win: file, model and seed, `set`. */
export interface ConfigSources {
  /** Content of a configuration file: one JSON object. */
  readonly file?: unknown;
  readonly model?: string | undefined;
  readonly seed?: number | undefined;
  /** Assignments such as `epochs=3`; values are JSON where they can be, text otherwise. */
  readonly set?: readonly string[];
}

/**
 * The configuration with defaults filled in. Fields of other models in a file are an error, as any unknown field.
 * @throws ConfigError that lists everything wrong at once; UsageError for an unknown model.
 * @example
 * import { resolveRunConfig } from "sdfn/training";
 * const { model, training } = resolveRunConfig({ model: "tirg", set: ["epochs=3"] });
 * console.log(model, training.epochs); // tirg 3
 */
export function resolveRunConfig({ file = {}, model, seed, set = [] }: ConfigSources): RunConfig {
  if (!isFields(file)) {
    throw new ConfigError(
      `configuration: must be a JSON object of fields; got ${JSON.stringify(file)?.slice(0, 60)}`,
    );
  }
  const given: Record<string, unknown> = { ...file };
  if (model !== undefined) given.model = model;
  if (seed !== undefined) given.seed = seed;
  for (const assignment of set) {
    const [, name, value] = /^([A-Za-z][A-Za-z0-9]*)=(.*)$/s.exec(assignment) ?? [];
    if (name === undefined || value === undefined) {
      throw new ConfigError(`--set: must be FIELD=VALUE; got ${assignment}; for example --set epochs=3`);
    }
    given[name] = fieldValue(value);
  }
  const definition = modelDefinition(typeof given.model === "string" ? given.model : "sdfn");
  const own = definition.schema.shape;
  const taken = Object.keys(own).filter((name) => name === "model" || name in trainingFields);
  if (taken.length > 0) {
    throw new ModelFileError(
      `${definition.name}: training has fields of the same names; got ${taken.join(", ")}; rename the model's`,
    );
  }
  const schema = z.strictObject({
    model: z.string().default("sdfn"),
    ...trainingFields,
    ...own,
  });
  const complete = { ...pictureDefaults(given.backbone), ...given };
  const foreign = foreignFields(definition.name, given);
  const fields: Readonly<Record<string, unknown>> = parseConfig(
    "configuration",
    schema,
    Object.fromEntries(Object.entries(complete).filter(([name]) => !foreign.has(name))),
    (config) => [
      ...foreign.values(),
      ...refusedTrainingCombinations(config as Partial<TrainingConfig>),
      ...definition.refusedCombinations(config),
    ],
  );
  const pick = (names: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(Object.keys(names).map((name) => [name, fields[name]]));
  return {
    model: fields.model as string,
    modelConfig: pick(own),
    training: pick(trainingFields) as TrainingConfig,
    fields,
  };
}

/** By name, the fields that the model lacks and another model of the project has, and what is said of each. */
function foreignFields(model: string, given: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  return new Map(
    Object.keys(given).flatMap((name) => {
      const having = hasField(model, name) ? [] : modelsWithField(name);
      return having.length > 0 ? [[name, foreignFieldProblem(name, having, model)]] : [];
    }),
  );
}

/** Sizes that the backbone was made for; none for a backbone that there is not, which the schema refuses. */
function pictureDefaults(
  backbone: unknown,
): Pick<PicturePreprocessing, "imagePx" | "resizePx" | "imageFit"> | undefined {
  const name = encoderFields.backbone.safeParse(backbone).data;
  if (name === undefined) return undefined;
  const { imagePx, resizePx, imageFit } = backboneDefinition(name).preprocessing;
  return { imagePx, resizePx, imageFit };
}

/** How a run's pictures are read: what an image cache takes. */
export function pictureOptions({ training, modelConfig }: RunConfig): {
  readonly sizePx: number;
  readonly fit: ImageFit;
  readonly kernel: ResizeKernel;
} {
  const { kernel } = backboneDefinition(encoderFields.backbone.parse(modelConfig.backbone)).preprocessing;
  return { sizePx: training.resizePx, fit: training.imageFit, kernel };
}

/** Is it what a configuration file must hold: one object? */
export function isFields(file: unknown): file is Readonly<Record<string, unknown>> {
  return typeof file === "object" && file !== null && !Array.isArray(file);
}

/** A value as it stands on a command line: JSON where it can be, text otherwise. */
export function fieldValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
