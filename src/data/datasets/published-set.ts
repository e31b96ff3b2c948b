/** What a published data set consists of, as far as fetching it goes. */

/** One published file. */
export interface PublishedFile {
  /** Where it belongs in the data set's folder, and where a copy is looked for below `--base-url`. */
  readonly path: string;
  /** Where it is published; undefined where no plain GET can fetch it. */
  readonly address?: string;
  readonly format: "JSON" | "text";
}

/** An image that the annotations name. */
export interface WantedImage {
  /** Its name in the annotations and in lists of addresses. */
  readonly id: string;
  /** Where it is stored when it is fetched by address. */
  readonly path: string;
}

/** Images that the annotations name, each once; `unsafe` are names that could lead out of the folder. */
export interface WantedImages {
  readonly images: readonly WantedImage[];
  readonly unsafe: readonly string[];
}

/** A data set that can be fetched. */
export interface PublishedSet {
  readonly annotations: readonly PublishedFile[];
  /** Lists of image addresses. */
  readonly lists: readonly PublishedFile[];
  /** An archive of the images, where the publisher has one instead of a list. */
  readonly archive?: { readonly path: string; readonly address: string };
  /** What to do about files without an address. */
  readonly byHand?: string;
  /** Reads the annotations in `root`. @throws DatasetError when they cannot be read. */
  wantedImages(root: string): WantedImages;
  /** The image at this path of an archive: its id, and where it belongs. */
  archiveImage(path: string): WantedImage;
  /** Finds images that are in `root` already, wherever the loader would find them. */
  findImages(root: string): (image: WantedImage) => string | undefined;
}
