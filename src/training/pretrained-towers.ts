/** Opens the folder of a pretrained model: towers with their weights, and how their pictures and texts are prepared. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../engine/tensor/random.js";
import type { ImageProcessor } from "../images/image-processor.js";
import {
  preprocessorFile,
  readOpenClipProcessor,
  readPreprocessorConfig,
} from "../images/preprocessor-config.js";
import { configFile, readHuggingFaceConfig } from "../models/towers/hugging-face-config.js";
import { openClipConfigFile, readOpenClipConfig } from "../models/towers/open-clip-config.js";
import { nameFormOf } from "../models/towers/tensor-names.js";
import {
  requirePictureSize,
  requireText,
  requireVision,
  type TowersConfig,
} from "../models/towers/tower-config.js";
import { Towers, withoutAbsentProjection } from "../models/towers/towers.js";
import { filled } from "../nn/initial-values.js";
import { PretrainedTokeniser } from "../text/pretrained-tokeniser.js";
import type { TextRuleOptions } from "../text/text-rules.js";
import { readModelFolder } from "../weights/model-folder.js";

/** Which towers a folder is opened for. */
export type TowerUse = "image" | "text" | "both";

export interface PretrainedTowers {
  readonly towers: Towers;
  /** Of a folder that is opened for pictures. */
  readonly processor: ImageProcessor | undefined;
  /** Of a folder that is opened for texts. */
  readonly tokeniser: PretrainedTokeniser | undefined;
}

/**
 * A folder of CLIP, SigLIP or DINOv2 as it is downloaded from Hugging Face, or as open_clip exports it. What a use does
 * not need may be missing: the tokenizer of a model that only sees pictures.
 * @throws WeightsError for a folder that lacks a tower, a file or a shard, or is of another family; StateDictError for
 *   weights that are not those of its configuration.
 */
export async function openTowers(
  folder: string,
  use: TowerUse,
  options: TextRuleOptions = {},
): Promise<PretrainedTowers> {
  // A wrong configuration is told before gigabytes are read; open_clip's is known by the names of its tensors.
  const early = existsSync(join(folder, openClipConfigFile))
    ? undefined
    : configFor(use, readHuggingFaceConfig(folder), join(folder, configFile));
  const prepared = early && prepare(folder, early, options);
  const { file, tensors } = await readModelFolder(folder);
  const config = early ?? configFor(use, ...configOfNames(folder, tensors.keys()));
  const towers = new Towers(withoutAbsentProjection(config, tensors.keys()), new Random(0), {
    initial: filled(0),
  });
  towers.loadWeights(tensors, file);
  return { towers, ...(prepared ?? prepare(folder, config, options)) };
}

function configOfNames(folder: string, names: Iterable<string>): [config: TowersConfig, file: string] {
  return nameFormOf(names).startsWith("openClip")
    ? [readOpenClipConfig(folder), join(folder, openClipConfigFile)]
    : [readHuggingFaceConfig(folder), join(folder, configFile)];
}

/** Without the tower that is not used. */
function configFor(use: TowerUse, config: TowersConfig, file: string): TowersConfig {
  return {
    ...config,
    vision: use === "text" ? undefined : requireVision(config, file),
    text: use === "image" ? undefined : requireText(config, file),
  };
}

function prepare(
  folder: string,
  config: TowersConfig,
  options: TextRuleOptions,
): Pick<PretrainedTowers, "processor" | "tokeniser"> {
  return {
    processor: config.vision && processorOf(folder, config, config.vision.imagePx),
    tokeniser: config.text && tokeniserOf(folder, config, options),
  };
}

function processorOf(folder: string, config: TowersConfig, imagePx: number): ImageProcessor {
  const file = join(folder, preprocessorFile);
  const processor =
    !existsSync(file) && existsSync(join(folder, openClipConfigFile))
      ? readOpenClipProcessor(folder, imagePx)
      : readPreprocessorConfig(folder, config.family);
  const { widthPx, heightPx } = processor.outputPx;
  for (const px of [widthPx, heightPx]) requirePictureSize(requireVision(config, folder), px, file);
  return processor;
}

function tokeniserOf(folder: string, config: TowersConfig, options: TextRuleOptions): PretrainedTokeniser {
  const { vocabularySize } = requireText(config, folder);
  const family = config.family === "siglip" ? "siglip" : "clip";
  const tokeniser = new PretrainedTokeniser(folder, { family, ...options });
  tokeniser.requireFitsTable(vocabularySize);
  return tokeniser;
}
