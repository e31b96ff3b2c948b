/** How pictures come into a graph: as pixels, or as the maps of a backbone that is frozen. */
import { Input } from "../engine/graph/value.js";
import { cast } from "../engine/ops/constant.js";
import type { Dim } from "../engine/tensor/shape.js";
import type { FeatureMapShapes } from "../images/feature-maps.js";
import type { FeatureMapValues } from "./image-encoder.js";

export interface PictureForm {
  /** S, side of the pictures. */
  readonly imagePx: number;
  /** Maps that are fed in place of pictures. */
  readonly featureMapShapes?: FeatureMapShapes | undefined;
  /** Their element type; float16 by default, as they are kept. */
  readonly featureMapType?: "float16" | "float32" | undefined;
}

/**
 * Inputs for `count` pictures: `images` uint8 [count, S, S, 3], or maps, each [count, C, h, w], as float32 values.
 * `PictureTensors` are what they take.
 */
export function pictureInputs(
  count: Dim,
  { imagePx, featureMapShapes, featureMapType = "float16" }: PictureForm,
): FeatureMapValues {
  if (!featureMapShapes) return { images: new Input("images", "uint8", [count, imagePx, imagePx, 3]) };
  const maps = [...featureMapShapes].map(
    ([name, shape]) => [name, cast(new Input(name, featureMapType, [count, ...shape]), "float32")] as const,
  );
  return Object.fromEntries(maps) as unknown as FeatureMapValues;
}
