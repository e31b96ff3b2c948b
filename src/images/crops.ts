/** Parts of images as the tensors that graphs take. */
import type { Random } from "../engine/tensor/random.js";
import { type Tensor, tensor } from "../engine/tensor/tensor.js";
import { ConfigError } from "../errors.js";
import type { Crop, CropRequest, ImageSource } from "./image-source.js";

/** @throws ConfigError when a crop of `cropPx` does not fit into images of `sizePx`. */
export function requireCrop(sizePx: number, cropPx: number): void {
  if (cropPx >= 1 && cropPx <= sizePx) return;
  throw new ConfigError(`cropPx: must be between 1 and the images' size, ${sizePx} px; got ${cropPx}`);
}

/** The middle of an image. */
export function centreCrop(sizePx: number, cropPx: number): Crop {
  const marginPx = Math.floor((sizePx - cropPx) / 2);
  return { leftPx: marginPx, topPx: marginPx, isFlipped: false };
}

/** Any part of an image, each as likely; consumes two numbers. */
export function randomCrop(sizePx: number, cropPx: number, random: Random): Crop {
  const placeCount = sizePx - cropPx + 1;
  return { leftPx: random.integer(placeCount), topPx: random.integer(placeCount), isFlipped: false };
}

/**
 * Crops of images, stacked in the order of `ids`: uint8 [ids.length, cropPx, cropPx, 3], RGB.
 * @param crops one for each id.
 * @throws ImageError when an image is missing or damaged; ConfigError when crops do not fit.
 */
export async function stackCrops(
  images: ImageSource,
  ids: readonly string[],
  { crops, cropPx }: CropRequest,
): Promise<Tensor<"uint8">> {
  requireCrop(images.sizePx, cropPx);
  if (images.stack) return images.stack(ids, { crops, cropPx });
  const imageBytes = cropPx * cropPx * 3;
  const data = new Uint8Array(ids.length * imageBytes);
  await Promise.all(
    ids.map(async (id, i) => {
      const crop = crops[i] ?? centreCrop(images.sizePx, cropPx);
      const place = data.subarray(i * imageBytes, (i + 1) * imageBytes);
      copyCrop(await images.pixels(id), images.sizePx, crop, place);
    }),
  );
  return tensor("uint8", [ids.length, cropPx, cropPx, 3], data);
}

/** Fills `place` [S, S, 3] with a part of `pixels` [sizePx, sizePx, 3]. */
function copyCrop(pixels: Uint8Array, sizePx: number, crop: Crop, place: Uint8Array): void {
  const cropPx = Math.sqrt(place.length / 3);
  const rowBytes = cropPx * 3;
  for (let y = 0; y < cropPx; y += 1) {
    const start = ((crop.topPx + y) * sizePx + crop.leftPx) * 3;
    const to = y * rowBytes;
    if (!crop.isFlipped) {
      place.set(pixels.subarray(start, start + rowBytes), to);
      continue;
    }
    for (let x = 0; x < rowBytes; x += 3) {
      const from = start + rowBytes - 3 - x;
      place[to + x] = pixels[from] as number;
      place[to + x + 1] = pixels[from + 1] as number;
      place[to + x + 2] = pixels[from + 2] as number;
    }
  }
}
