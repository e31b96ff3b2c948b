/** Every model by name: its configuration and its construction. */
import type { z } from "zod";
import type { Random } from "../engine/tensor/random.js";
import { UsageError } from "../errors.js";
import { Concat, concatSchema } from "./baselines/concat.js";
import { Film } from "./baselines/film.js";
import { ImageOnly } from "./baselines/image-only.js";
import { Mrn } from "./baselines/mrn.js";
import { Sum } from "./baselines/sum.js";
import { TextOnly } from "./baselines/text-only.js";
import { Tirg } from "./baselines/tirg.js";
import type { CompositionModel } from "./composition-model.js";
import { encoderSchema } from "./encoder-config.js";
import { type CombinationRules, parseConfig } from "./parse-config.js";
import { refusedSdfnCombinations, sdfnSchema } from "./sdfn/config.js";
import { Sdfn } from "./sdfn/sdfn.js";

/** What a model needs besides its configuration. */
export interface ModelSurroundings {
  /** Number of tokens, padding and unknown word included. */
  readonly vocabularySize: number;
  /** Draws the initial values. */
  readonly random: Random;
}

/** A kind of model. */
export interface ModelDefinition {
  /** Its configuration fields, with defaults. */
  readonly schema: z.ZodObject;
  /** What is wrong with fields that are right one by one. */
  readonly refusedCombinations: CombinationRules<Readonly<Record<string, unknown>>>;
  /** The configuration with defaults filled in. @throws ConfigError that lists every problem. */
  parse(given: unknown): Readonly<Record<string, unknown>>;
  /** A model with initial values. @throws ConfigError that lists every problem of `given`. */
  create(given: unknown, surroundings: ModelSurroundings): CompositionModel;
}

type ModelClass<Config> = new (config: Config, vocabularySize: number, random: Random) => CompositionModel;

function define<Shape extends z.ZodRawShape>(
  name: string,
  schema: z.ZodObject<Shape>,
  Model: ModelClass<z.output<z.ZodObject<Shape>>>,
  refusedCombinations: CombinationRules<z.output<z.ZodObject<Shape>>> = () => [],
): ModelDefinition {
  const parse = (given: unknown) => parseConfig(name, schema, given, refusedCombinations);
  return {
    schema,
    refusedCombinations: (config) => refusedCombinations(config as Partial<z.output<z.ZodObject<Shape>>>),
    parse,
    create: (given, { vocabularySize, random }) => new Model(parse(given), vocabularySize, random),
  };
}

/** SDFN first, then what it is compared with, from simple to strong. */
const definitions = {
  sdfn: define("sdfn", sdfnSchema, Sdfn, refusedSdfnCombinations),
  "image-only": define("image-only", encoderSchema, ImageOnly),
  "text-only": define("text-only", encoderSchema, TextOnly),
  sum: define("sum", encoderSchema, Sum),
  concat: define("concat", concatSchema, Concat),
  mrn: define("mrn", encoderSchema, Mrn),
  film: define("film", encoderSchema, Film),
  tirg: define("tirg", encoderSchema, Tirg),
} as const satisfies Record<string, ModelDefinition>;

export type ModelName = keyof typeof definitions;

/** Names of all models, SDFN first. */
export const modelNames = Object.keys(definitions) as readonly ModelName[];

/** @throws UsageError when there is no such model. */
export function modelDefinition(name: string): ModelDefinition {
  const definition = Object.entries(definitions).find(([known]) => known === name)?.[1];
  if (!definition) throw new UsageError(`model: must be one of ${modelNames.join(", ")}; got ${name}`);
  return definition;
}

/**
 * A model with initial values.
 * @param config fields of the model; what is left out has its default.
 * @throws UsageError for an unknown name, ConfigError that lists everything wrong with the configuration.
 */
export function createModel(
  name: string,
  config: unknown,
  surroundings: ModelSurroundings,
): CompositionModel {
  return modelDefinition(name).create(config, surroundings);
}
