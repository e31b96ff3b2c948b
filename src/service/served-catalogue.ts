/** The index that a service answers from, with its model. */

import { openBundle } from "../bundle/open-bundle.js";
import type { Encoder } from "../embedding/encoder.js";
import { SdfnError } from "../errors.js";
import { CatalogueIndex } from "../search/index/catalogue-index.js";
import { CatalogueSearch } from "../search/index/catalogue-search.js";
import { serviceLimits } from "./api.js";

interface OpenOptions {
  readonly isWritable: boolean;
  /** Folder of the catalogue's pictures, instead of the one that the index says. */
  readonly images?: string | undefined;
  /** Called before each batch that the model computes. */
  readonly onBatch: (size: number) => void;
}

export class ServedCatalogue {
  readonly index: CatalogueIndex;
  readonly encoder: Encoder;
  readonly search: CatalogueSearch;
  /** Only then items may be written. */
  readonly isWritable: boolean;

  private constructor(index: CatalogueIndex, encoder: Encoder, isWritable: boolean) {
    this.index = index;
    this.encoder = encoder;
    this.search = new CatalogueSearch(index, encoder);
    this.isWritable = isWritable;
  }

  /** @throws StoreError, BundleError when index or model cannot be opened so. */
  static async open(folder: string, { isWritable, images, onBatch }: OpenOptions): Promise<ServedCatalogue> {
    const index = await CatalogueIndex.open(folder, { access: isWritable ? "write" : "read", images });
    try {
      const encoder = await openBundle(index.bundleFolder, {
        maxPixels: serviceLimits.picturePixels,
        onBatch,
      });
      try {
        return new ServedCatalogue(index, encoder, isWritable);
      } catch (error) {
        await encoder.close();
        throw error;
      }
    } catch (error) {
      await index.close();
      throw error;
    }
  }

  get modules(): readonly string[] {
    return this.encoder.modules ?? [];
  }

  /** Why searches cannot be answered now; undefined when they can. */
  async trouble(): Promise<SdfnError | undefined> {
    try {
      await this.index.refresh();
      await this.index.store.count();
      return undefined;
    } catch (error) {
      if (error instanceof SdfnError) return error;
      throw error;
    }
  }

  /** Answers what was accepted, then frees everything. */
  async close(): Promise<void> {
    try {
      await this.encoder.close();
    } finally {
      await this.index.close();
    }
  }
}
