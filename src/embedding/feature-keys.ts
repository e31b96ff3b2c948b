/** Keys of cached feature maps: backbone and preparation name the folder, the image file's content the map. */
import { createHash } from "node:crypto";
import { ImageError } from "../errors.js";
import { sha256Of, sha256OfFile } from "../files/sha256.js";
import type { FeatureMapRequest, FeatureMapShapes } from "../images/feature-maps.js";
import type { ImageFit, ResizeKernel } from "../images/image.js";
import type { Module } from "../nn/module.js";

/** Changes when the meaning of stored maps does, as when pictures are resized in another way. */
const format = 1;

/** How pictures are prepared for the backbone: a square of `resizePx`, of which the middle `imagePx` are taken. */
export interface PicturePreparation {
  readonly resizePx: number;
  readonly imagePx: number;
  readonly imageFit: ImageFit;
  readonly kernel: ResizeKernel;
}

/** Folder name for the maps of a backbone with its weights of now, and the JSON text that it is the hash of. */
export function featureFolder(
  backbone: Module,
  picture: PicturePreparation,
  shapes: FeatureMapShapes,
): { readonly name: string; readonly description: string } {
  const hash = createHash("sha256");
  for (const [name, { shape: dims, data }] of backbone.state()) {
    hash.update(`${name} ${dims.join(" ")}\n`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  const { resizePx, imagePx, imageFit, kernel } = picture;
  const { images: shape, ...levels } = Object.fromEntries(shapes);
  const content = {
    format,
    weights: hash.digest("hex"),
    // What is usual is not named: the folders of older versions keep their names.
    picture: {
      resizePx,
      imagePx,
      imageFit,
      kernel: kernel === "lanczos3" ? undefined : kernel,
      crop: "centre",
    },
    maps: { dtype: "float16", shape, levels: shapes.size > 1 ? levels : undefined },
  };
  const description = `${JSON.stringify(content, undefined, 2)}\n`;
  return { name: sha256Of(description).slice(0, 16), description };
}

/** Keys of maps in their folder; every file is read once. */
export class FeatureKeys {
  readonly #imagePath: (id: string) => string | undefined;
  readonly #contents = new Map<string, Promise<string>>();

  constructor(imagePath: (id: string) => string | undefined) {
    this.#imagePath = imagePath;
  }

  /** @throws ImageError when the image has no file, or one that cannot be read. */
  async keyOf({ id, isFlipped }: FeatureMapRequest): Promise<string> {
    let content = this.#contents.get(id);
    if (content === undefined) {
      content = this.#hashOfFile(id);
      this.#contents.set(id, content);
    }
    return isFlipped ? `${await content} mirrored` : content;
  }

  async #hashOfFile(id: string): Promise<string> {
    const path = this.#imagePath(id);
    if (path === undefined) {
      throw new ImageError(`${id}: there is no file for this image; leave it out, or add the file`);
    }
    try {
      return await sha256OfFile(path);
    } catch (cause) {
      throw new ImageError(`${id}: the image's file cannot be read; got ${(cause as Error).message}`, {
        cause,
      });
    }
  }
}
