/** Every model by name: those of the project, and those that this process loaded from users' files. */
import { ModelFileError, UsageError } from "../errors.js";
import { Concat, concatSchema } from "./baselines/concat.js";
import { Film, filmSchema } from "./baselines/film.js";
import { ImageOnly } from "./baselines/image-only.js";
import { Mrn, mrnSchema } from "./baselines/mrn.js";
import { Sum } from "./baselines/sum.js";
import { TextOnly } from "./baselines/text-only.js";
import { Tirg } from "./baselines/tirg.js";
import type { CompositionModel } from "./composition-model.js";
import { encoderSchema as schema } from "./encoder-config.js";
import { Amc, amcSchema } from "./methods/amc.js";
import { Artemis, artemisSchema } from "./methods/artemis.js";
import { ClvcNet, clvcNetSchema, refusedClvcNet } from "./methods/clvc-net/clvc-net.js";
import {
  ComqueryFormer,
  comqueryFormerSchema,
  refusedComqueryFormer,
} from "./methods/comqueryformer/comqueryformer.js";
import { Cosmo, cosmoSchema, refusedCosmo } from "./methods/cosmo.js";
import { CssNet, cssNetSchema } from "./methods/css-net/css-net.js";
import { Datir, datirSchema, refusedDatir } from "./methods/datir.js";
import { Dcnet, dcnetSchema } from "./methods/dcnet/dcnet.js";
import { Eer, eerSchema } from "./methods/eer.js";
import { FashionVlp, fashionVlpSchema, refusedFashionVlp } from "./methods/fashionvlp.js";
import { Limn, limnSchema, refusedLimn } from "./methods/limn.js";
import { Maaf, maafSchema, refusedMaaf } from "./methods/maaf.js";
import { Mcr, mcrSchema, refusedMcr } from "./methods/mcr.js";
import { refusedSac, Sac, sacSchema } from "./methods/sac.js";
import { refusedVal, Val, valSchema } from "./methods/val/val.js";
import { ModelDefinition, type ModelSurroundings } from "./model-definition.js";
import { refusedHeads } from "./refused.js";
import { refusedSdfnCombinations, sdfnSchema } from "./sdfn/config.js";
import { Sdfn } from "./sdfn/sdfn.js";

const define = ModelDefinition.of;

/** SDFN first, then what it is compared with, from simple to strong. */
const definitions = {
  sdfn: define({ name: "sdfn", schema: sdfnSchema, modelClass: Sdfn, refused: refusedSdfnCombinations }),
  "image-only": define({ name: "image-only", schema, modelClass: ImageOnly }),
  "text-only": define({ name: "text-only", schema, modelClass: TextOnly }),
  sum: define({ name: "sum", schema, modelClass: Sum }),
  concat: define({ name: "concat", schema: concatSchema, modelClass: Concat }),
  mrn: define({ name: "mrn", schema: mrnSchema, modelClass: Mrn }),
  film: define({ name: "film", schema: filmSchema, modelClass: Film }),
  tirg: define({ name: "tirg", schema, modelClass: Tirg }),
  maaf: define({ name: "maaf", title: "MAAF", schema: maafSchema, modelClass: Maaf, refused: refusedMaaf }),
  artemis: define({ name: "artemis", title: "ARTEMIS", schema: artemisSchema, modelClass: Artemis }),
  "clvc-net": define({
    name: "clvc-net",
    title: "CLVC-Net",
    schema: clvcNetSchema,
    modelClass: ClvcNet,
    refused: refusedClvcNet,
  }),
  dcnet: define({ name: "dcnet", title: "DCNet", schema: dcnetSchema, modelClass: Dcnet }),
  val: define({ name: "val", title: "VAL", schema: valSchema, modelClass: Val, refused: refusedVal }),
  cosmo: define({
    name: "cosmo",
    title: "CoSMo (reconstruction)",
    schema: cosmoSchema,
    modelClass: Cosmo,
    refused: refusedCosmo,
  }),
  amc: define({ name: "amc", title: "AMC", schema: amcSchema, modelClass: Amc, refused: refusedHeads }),
  comqueryformer: define({
    name: "comqueryformer",
    title: "ComqueryFormer",
    schema: comqueryFormerSchema,
    modelClass: ComqueryFormer,
    refused: refusedComqueryFormer,
  }),
  datir: define({
    name: "datir",
    title: "DATIR (reconstruction)",
    schema: datirSchema,
    modelClass: Datir,
    refused: refusedDatir,
  }),
  mcr: define({
    name: "mcr",
    title: "MCR (reconstruction)",
    schema: mcrSchema,
    modelClass: Mcr,
    refused: refusedMcr,
  }),
  eer: define({ name: "eer", title: "EER (reconstruction)", schema: eerSchema, modelClass: Eer }),
  fashionvlp: define({
    name: "fashionvlp",
    title: "FashionVLP (reconstruction)",
    schema: fashionVlpSchema,
    modelClass: FashionVlp,
    refused: refusedFashionVlp,
  }),
  limn: define({
    name: "limn",
    title: "LIMN (reconstruction)",
    schema: limnSchema,
    modelClass: Limn,
    refused: refusedLimn,
  }),
  sac: define({
    name: "sac",
    title: "SAC (reconstruction)",
    schema: sacSchema,
    modelClass: Sac,
    refused: refusedSac,
  }),
  "css-net": define({
    name: "css-net",
    title: "Css-Net (CoSMo reconstruction)",
    schema: cssNetSchema,
    modelClass: CssNet,
    refused: refusedCosmo,
  }),
} as const satisfies Record<string, ModelDefinition>;

export type ModelName = keyof typeof definitions;

/** Names of the project's models, SDFN first. */
export const modelNames = Object.keys(definitions) as readonly ModelName[];

/** A user's file with a model: where it lies, as it was given, and what it is. */
export interface ModelFile {
  readonly path: string;
  readonly sha256: string;
}

/** Models of users' files, by name; a file is loaded once in a process, before anything asks for its model. */
const ownModels = new Map<string, { readonly definition: ModelDefinition; readonly file: ModelFile }>();

/** Makes a user's model known by its name. @throws ModelFileError when another file or the project has the name. */
export function registerModel(definition: ModelDefinition, file: ModelFile): void {
  const { name } = definition;
  if (Object.hasOwn(definitions, name)) {
    throw new ModelFileError(`${file.path}: the project has a model named ${name}; give yours another name`);
  }
  const known = ownModels.get(name)?.file;
  if (known && known.sha256 !== file.sha256) {
    throw new ModelFileError(
      known.path === file.path
        ? `${file.path}: has changed since this process loaded it; start the process again`
        : `${file.path}: ${known.path} has a model of the same name; got ${name}; give one of them another name`,
    );
  }
  ownModels.set(name, { definition, file });
}

/** The file that a model was loaded from; undefined for the project's own. */
export function modelFileOf(name: string): ModelFile | undefined {
  return ownModels.get(name)?.file;
}

/** Is this the path of a file, and no name? */
export function isModelPath(model: string): boolean {
  return /[/\\]|\.[cm]?[jt]s$/.test(model);
}

/** @throws UsageError when there is no such model. */
export function modelDefinition(name: string): ModelDefinition {
  const definition =
    Object.entries(definitions).find(([known]) => known === name)?.[1] ?? ownModels.get(name)?.definition;
  if (definition) return definition;
  throw new UsageError(
    isModelPath(name)
      ? `model: a file runs as code, so that it is loaded only where the command names it; got ${name}; give --model ${name}`
      : `model: must be one of ${modelNames.join(", ")}, or a file of your own (--model ./file.mjs); got ${name}`,
  );
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
