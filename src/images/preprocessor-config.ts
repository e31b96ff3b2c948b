/** Reads preprocessor_config.json: how the pictures of a pretrained tower are prepared. */
import { join } from "node:path";
import { z } from "zod";
import { WeightsError } from "../errors.js";
import { type JsonFault, readJsonSync } from "../files/read-json.js";
import type { ImageProcessor, ResizeRule, SizePx } from "./image-processor.js";
import { type Resample, resampleNumbers } from "./resample.js";

export const preprocessorFile = "preprocessor_config.json";

/** Families whose image processors leave out different things. */
export type ProcessorFamily = "clip" | "siglip" | "dinov2";

const maxConfigBytes = 2 ** 20;
const maxSidePx = 4096;

const px = z.number().int().positive().max(maxSidePx);
const sizeSchema = z.union([
  px,
  z.strictObject({ shortest_edge: px }),
  z.strictObject({ height: px, width: px }),
]);
const perChannel = z.tuple([z.number(), z.number(), z.number()]);
type Size = z.infer<typeof sizeSchema>;

/** Fields that change pixels. null is as good as absent. */
const configSchema = z.object({
  do_resize: z.boolean().nullish(),
  size: sizeSchema.nullish(),
  resample: z.number().nullish(),
  do_center_crop: z.boolean().nullish(),
  crop_size: sizeSchema.nullish(),
  do_rescale: z.boolean().nullish(),
  rescale_factor: z.number().positive().nullish(),
  do_normalize: z.boolean().nullish(),
  image_mean: perChannel.nullish(),
  image_std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]).nullish(),
  do_pad: z.literal(false).nullish(),
});
type Config = z.infer<typeof configSchema>;

const imageNet = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] } as const;
const halves = { mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] } as const;
/** OpenAI's pictures. */
export const clipChannels = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  deviation: [0.26862954, 0.26130258, 0.27577711],
} as const;

/** What a family's processor does where the file does not say. */
const defaults = {
  clip: { size: { shortest_edge: 224 }, isCropped: true, channels: clipChannels },
  siglip: { size: { height: 224, width: 224 }, isCropped: false, channels: halves },
  dinov2: { size: { shortest_edge: 256 }, isCropped: true, channels: imageNet },
} as const satisfies Record<ProcessorFamily, unknown>;

const defaultCropPx = 224;

/**
 * The image processor of a folder.
 * @throws WeightsError when the file is missing, wrong, or asks for what is not done here.
 */
export function readPreprocessorConfig(folder: string, family: ProcessorFamily): ImageProcessor {
  const file = join(folder, preprocessorFile);
  const config = readJsonSync(file, configSchema, (fault) => refuse(file, fault), {
    maxBytes: maxConfigBytes,
  });
  return imageProcessorOf(config, family, file);
}

/** open_clip's statement of the same, beside the model's. */
const openClipSchema = z.object({
  preprocess_cfg: z
    .object({
      mean: perChannel.default([...clipChannels.mean]),
      std: perChannel.default([...clipChannels.deviation]),
      interpolation: z.enum(["bicubic", "bilinear"]).default("bicubic"),
      resize_mode: z.enum(["shortest", "squash"]).default("shortest"),
    })
    .prefault({}),
});

/** The image processor of open_clip's exports. @param imagePx the side that the tower was made for. @throws WeightsError */
export function readOpenClipProcessor(folder: string, imagePx: number): ImageProcessor {
  const file = join(folder, "open_clip_config.json");
  const { preprocess_cfg: config } = readJsonSync(file, openClipSchema, (fault) => refuse(file, fault), {
    maxBytes: maxConfigBytes,
  });
  const outputPx = { widthPx: imagePx, heightPx: imagePx };
  return {
    resize:
      config.resize_mode === "squash" ? { kind: "exact", ...outputPx } : { kind: "shortSide", px: imagePx },
    resample: config.interpolation,
    outputPx,
    rescaleFactor: 1 / 255,
    mean: config.mean,
    deviation: config.std,
  };
}

function refuse(file: string, { kind, got, cause }: JsonFault): never {
  const reason = kind === "missing" ? "there is no such file" : `cannot be read; got ${got}`;
  throw new WeightsError(`${file}: ${reason}; download the model's folder again, with all of its files`, {
    cause,
  });
}

function imageProcessorOf(config: Config, family: ProcessorFamily, file: string): ImageProcessor {
  const own = defaults[family];
  const resize =
    (config.do_resize ?? true) ? resizeRule(config.size ?? own.size) : ({ kind: "none" } as const);
  const isCropped = config.do_center_crop ?? own.isCropped;
  const outputPx = isCropped
    ? squareOf(config.crop_size ?? defaultCropPx, file)
    : resize.kind === "exact"
      ? { widthPx: resize.widthPx, heightPx: resize.heightPx }
      : undefined;
  if (outputPx === undefined) {
    throw new WeightsError(
      `${file}: leaves pictures of different sizes; got "size" ${JSON.stringify(config.size ?? own.size)} and no crop; ` +
        'state "size" as {"height", "width"}, or set "do_center_crop" and "crop_size"',
    );
  }
  const isNormalised = config.do_normalize ?? true;
  return {
    resize,
    resample: resampleOf(config.resample ?? resampleNumbers.bicubic, file),
    outputPx,
    rescaleFactor: (config.do_rescale ?? true) ? (config.rescale_factor ?? 1 / 255) : 1,
    mean: isNormalised ? (config.image_mean ?? own.channels.mean) : [0, 0, 0],
    deviation: isNormalised ? (config.image_std ?? own.channels.deviation) : [1, 1, 1],
  };
}

/** A bare number is the short side. */
function resizeRule(size: Size): ResizeRule {
  if (typeof size === "number") return { kind: "shortSide", px: size };
  if ("shortest_edge" in size) return { kind: "shortSide", px: size.shortest_edge };
  return { kind: "exact", widthPx: size.width, heightPx: size.height };
}

function squareOf(size: Size, file: string): SizePx {
  if (typeof size === "number") return { widthPx: size, heightPx: size };
  if ("height" in size) return { widthPx: size.width, heightPx: size.height };
  throw new WeightsError(
    `${file}: "crop_size" must be a number or {"height", "width"}; got ${JSON.stringify(size)}`,
  );
}

function resampleOf(number: number, file: string): Resample {
  for (const [name, known] of Object.entries(resampleNumbers)) {
    if (known === number) return name as Resample;
  }
  const known = Object.entries(resampleNumbers).map(([name, value]) => `${value} (${name})`);
  throw new WeightsError(`${file}: "resample" must be one of ${known.join(", ")}; got ${number}`);
}
