/** What a kind of model is: its name, its configuration fields and its construction. */
import { z } from "zod";
import type { Random } from "../engine/tensor/random.js";
import { ModelFileError } from "../errors.js";
import type { CompositionModel } from "./composition-model.js";
import { type EncoderConfig, encoderFields } from "./encoder-config.js";
import { type CombinationRules, parseConfig } from "./parse-config.js";

/** What a model needs besides its configuration. */
export interface ModelSurroundings {
  /** Number of tokens, padding and unknown word included. */
  readonly vocabularySize: number;
  /** Draws the initial values. */
  readonly random: Random;
  /** Side of the pictures that it will see, px: for parameters whose shape is a map's. */
  readonly imagePx: number;
}

/**
 * A model's class: every one is made from a checked configuration, the number of tokens, a source of initial values, and
 * the side of the pictures, which few look at.
 */
export type ModelClass<Config> = new (
  config: Config,
  vocabularySize: number,
  random: Random,
  picture: Pick<ModelSurroundings, "imagePx">,
) => CompositionModel;

interface DefinitionParts<Config> {
  readonly name: string;
  /** As tables, reports and help show it: "CoSMo (reconstruction)"; the name by default. */
  readonly title?: string;
  readonly schema: z.ZodObject & z.ZodType<Config>;
  readonly modelClass: ModelClass<Config>;
  readonly refused?: CombinationRules<Config> | undefined;
}

/** A kind of model. */
export class ModelDefinition {
  readonly name: string;
  /** As tables, reports and help show it. What was rebuilt without its authors' code says so: "CoSMo (reconstruction)". */
  readonly title: string;
  /** Its configuration fields, with defaults. */
  readonly schema: z.ZodObject;
  /** What is wrong with fields that are right one by one; a run's `imagePx` is among them. */
  readonly refusedCombinations: CombinationRules<Readonly<Record<string, unknown>>>;
  /** The configuration with defaults filled in. @throws ConfigError that lists every problem. */
  readonly parse: (given: unknown) => Readonly<Record<string, unknown>>;
  /** A model with initial values. @throws ConfigError that lists every problem of `given`. */
  readonly create: (given: unknown, surroundings: ModelSurroundings) => CompositionModel;

  private constructor(parts: Pick<ModelDefinition, keyof ModelDefinition>) {
    this.name = parts.name;
    this.title = parts.title;
    this.schema = parts.schema;
    this.refusedCombinations = parts.refusedCombinations;
    this.parse = parts.parse;
    this.create = parts.create;
  }

  /** A definition whose class takes what its schema gives. */
  static of<Config>({
    name,
    title = name,
    schema,
    modelClass: Model,
    refused = () => [],
  }: DefinitionParts<Config>): ModelDefinition {
    const rules = (config: Readonly<Record<string, unknown>>) => refused(config as Partial<Config>);
    const parse = (given: unknown) => parseConfig(name, schema, given, rules);
    return new ModelDefinition({
      name,
      title,
      schema,
      refusedCombinations: rules,
      parse,
      create(given, { vocabularySize, random, imagePx }) {
        const config = parseConfig(name, schema, given, (fields) => rules({ ...fields, imagePx }));
        return new Model(config as Config, vocabularySize, random, { imagePx });
      },
    });
  }
}

/** The encoders' fields and a model's own, checked and complete. */
export type OwnConfig<Fields extends z.ZodRawShape> = EncoderConfig & z.output<z.ZodObject<Fields>>;

/** What `defineModel` takes. */
export interface OwnModel<Fields extends z.ZodRawShape> {
  /** Small letters, digits and dashes: it names folders and stands in tables. */
  readonly name: string;
  /** Fields of its own, as zod types with defaults, by name; the encoders' fields are there besides them. */
  readonly fields?: Fields;
  /** What is wrong with fields that are right one by one: a sentence for each problem. */
  readonly refused?: CombinationRules<OwnConfig<Fields>>;
  readonly modelClass: ModelClass<OwnConfig<Fields>>;
}

/**
 * A model of your own, for the default export of a file that `sdfn train --model` is given.
 * @throws ModelFileError for a name or a field that cannot be used.
 * @example
 * import { add, CompositionModel, defineModel, multiply, Random, z } from "sdfn/models";
 * class WeightedSum extends CompositionModel {
 *   constructor(config, vocabularySize, random) {
 *     super(config, vocabularySize, random);
 *     this.textWeight = config.textWeight;
 *   }
 *
 *   compose({ embedding }, { sentence }) {
 *     return { q: add(embedding, multiply(sentence, this.textWeight)) };
 *   }
 * }
 * const definition = defineModel({
 *   name: "weighted-sum",
 *   fields: { textWeight: z.number().positive().default(0.5) },
 *   modelClass: WeightedSum,
 * });
 * const model = definition.create({ backbone: "resnet18" }, { vocabularySize: 100, random: new Random(1), imagePx: 224 });
 * console.log(model.textWeight); // 0.5
 */
export function defineModel<Fields extends z.ZodRawShape = Record<never, never>>({
  name,
  fields,
  refused,
  modelClass,
}: OwnModel<Fields>): ModelDefinition {
  const problems: string[] = [];
  if (typeof name !== "string" || !/^[a-z][a-z0-9-]{0,59}$/.test(name)) {
    problems.push(`name: must be small letters, digits and dashes, at most 60; got ${JSON.stringify(name)}`);
  }
  if (typeof modelClass !== "function") {
    problems.push(`modelClass: must be a class that extends CompositionModel; got ${typeof modelClass}`);
  }
  for (const [field, type] of Object.entries(fields ?? {})) {
    if (!/^[A-Za-z][A-Za-z0-9]*$/.test(field))
      problems.push(`fields: a name has letters and digits; got ${field}`);
    if (field in encoderFields)
      problems.push(`fields: the encoders have a field ${field}; choose another name`);
    if (!(type instanceof z.ZodType))
      problems.push(`fields: ${field} must be a type of z from "sdfn/models"`);
  }
  if (problems.length > 0) {
    throw new ModelFileError(
      `defineModel: the model cannot be used:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`,
    );
  }
  const schema: z.ZodObject = z.strictObject({ ...encoderFields, ...fields });
  return ModelDefinition.of({
    name,
    schema: schema as z.ZodObject & z.ZodType<OwnConfig<Fields>>,
    modelClass,
    refused,
  });
}
