/** A run's whole configuration: which model, its fields, and the training fields, in one flat object. */
import { z } from "zod";
import { ConfigError } from "../errors.js";
import type { PicturePreprocessing } from "../models/backbones/backbone.js";
import { backboneDefinition } from "../models/backbones/registry.js";
import { encoderFields } from "../models/encoder-config.js";
import { parseConfig } from "../models/parse-config.js";
import { type ModelName, modelDefinition, modelNames } from "../models/registry.js";
import { refusedTrainingCombinations, type TrainingConfig, trainingFields } from "./training-fields.js";

/** A complete, checked configuration. */
export interface RunConfig {
  readonly model: ModelName;
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
    given[name] = parseValue(value);
  }
  const definition = modelDefinition(typeof given.model === "string" ? given.model : "sdfn");
  const schema = z.strictObject({
    model: z.enum(modelNames as [ModelName, ...ModelName[]]).default("sdfn"),
    ...trainingFields,
    ...definition.schema.shape,
  });
  const complete = { ...pictureDefaults(given.backbone), ...given };
  const fields: Readonly<Record<string, unknown>> = parseConfig(
    "configuration",
    schema,
    complete,
    (config) => [
      ...refusedTrainingCombinations(config as Partial<TrainingConfig>),
      ...definition.refusedCombinations(config),
    ],
  );
  const pick = (names: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(Object.keys(names).map((name) => [name, fields[name]]));
  return {
    model: fields.model as ModelName,
    modelConfig: pick(definition.schema.shape),
    training: pick(trainingFields) as TrainingConfig,
    fields,
  };
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

/** Is it what a configuration file must hold: one object? */
export function isFields(file: unknown): file is Readonly<Record<string, unknown>> {
  return typeof file === "object" && file !== null && !Array.isArray(file);
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
