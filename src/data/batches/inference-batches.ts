/** Images and texts in batches, in their own order and without augmentation. */
import { centreCrop, stackCrops } from "../../images/crops.js";
import type { FeatureMaps, PictureTensors } from "../../images/feature-maps.js";
import type { ImageSource } from "../../images/image-source.js";
import { encodeTexts, type TextTensors } from "../../text/encode-texts.js";
import type { Tokeniser } from "../../text/tokeniser.js";

/** Images to be embedded. */
export interface ImageBatch {
  /**
   * By input name: `images`, the middle of each image as [b, S, S, 3], RGB 0 to 255, or its feature maps, each
   * [b, C, h, w], if it has those; b is batchSize, less in the last batch.
   */
  readonly images: PictureTensors;
  readonly ids: readonly string[];
}

/** Texts to be embedded. */
export interface TextBatch extends TextTensors {
  readonly texts: readonly string[];
}

/**
 * Every image once, in the order of `ids`; the next batch is prepared while one is used.
 * @throws ImageError when an image is missing or damaged.
 */
export async function* imageBatches(
  images: ImageSource,
  ids: readonly string[],
  {
    batchSize,
    cropPx = images.sizePx,
    featureMaps,
  }: {
    readonly batchSize: number;
    readonly cropPx?: number;
    readonly featureMaps?: FeatureMaps | undefined;
  },
): AsyncGenerator<ImageBatch, void, void> {
  const crop = centreCrop(images.sizePx, cropPx);
  const prepare = async (part: readonly string[]): Promise<ImageBatch> => ({
    images: featureMaps
      ? await featureMaps.read(part.map((id) => ({ id, isFlipped: false })))
      : { images: await stackCrops(images, part, { crops: part.map(() => crop), cropPx }) },
    ids: part,
  });
  const [first, ...rest] = chunks(ids, batchSize);
  let preparing = first && prepare(first);
  for (const part of [...rest, undefined]) {
    const batch = await preparing;
    if (batch === undefined) return;
    preparing = part && prepare(part);
    preparing?.catch(() => undefined); // thrown above, when its turn comes
    yield batch;
  }
}

/** Every text once, in order. */
export function* textBatches(
  vocabulary: Tokeniser,
  texts: readonly string[],
  { batchSize, maxWords }: { readonly batchSize: number; readonly maxWords: number },
): Generator<TextBatch, void, void> {
  for (const part of chunks(texts, batchSize)) {
    yield { ...encodeTexts(vocabulary, part, maxWords), texts: part };
  }
}

/** Consecutive parts of `size` items; the last one may be shorter. */
function chunks<T>(items: readonly T[], size: number): T[][] {
  if (!(size >= 1)) throw new RangeError(`chunks: size must be at least 1; got ${size}`);
  const parts: T[][] = [];
  for (let start = 0; start < items.length; start += size) parts.push(items.slice(start, start + size));
  return parts;
}
