/** Writes again what is damaged in an index, while it is brought up to date with its catalogue. */

import type { Encoder } from "../../embedding/encoder.js";
import { ImageError, StoreError } from "../../errors.js";
import type { StoredItem } from "../store/vector-store.js";
import { entryHash, hashParts, parseEntry, storedItem } from "./catalogue-entry.js";
import type { CatalogueIndex, IndexedItem } from "./catalogue-index.js";
import type { IndexState } from "./verify-index.js";
import { isRowSound, isSummarySound } from "./verify-row.js";

/** Rows written again at a time. */
const rowsAtOnce = 500;

export interface RepairReport {
  /** Damaged items that are as they should be again. */
  readonly repaired: number;
  /** Ids, as they are stored, of items that stay damaged: they are not in the catalogue. */
  readonly damaged: readonly string[];
}

export class IndexRepair {
  readonly #index: CatalogueIndex;
  readonly #state: IndexState;
  /** Hashes of entries by id, of items written since. */
  readonly #written = new Map<string, string>();
  #repaired = 0;

  /** @param state what was found before anything was written. */
  constructor(index: CatalogueIndex, state: IndexState) {
    this.#index = index;
    this.#state = state;
  }

  /** As `CatalogueIndex.put`; damaged rows of the items' ids are removed first, for there may be two of one id. */
  async put(items: readonly IndexedItem[]): Promise<void> {
    const damaged = items.map(({ entry }) => entry.id).filter((id) => this.#state.damaged.has(id));
    if (damaged.length > 0) await this.#index.deleteRows(damaged);
    await this.#index.put(items);
    this.#repaired += damaged.length;
    for (const { entry } of items) this.#written.set(entry.id, entryHash(entry));
  }

  /** After the catalogue's items were put: does what is left, and puts the index in order. */
  async finish(encoder: Encoder): Promise<RepairReport> {
    const { damaged, damagedFiles } = this.#state;
    const left: string[] = [];
    for (const id of damaged)
      if (!this.#written.has(id) && !(await this.#repairRow(id, encoder))) left.push(id);
    await this.#writeAgain();
    await this.#index.finish({ isRebuilt: damagedFiles.length > 0 });
    // Whatever is sound lies in new files now.
    if (damagedFiles.length > 0) await this.#index.store.acceptFiles(damagedFiles);
    return { repaired: this.#repaired, damaged: left };
  }

  /** Is a damaged row that the catalogue did not replace as it should be now, or gone because it is not needed? */
  async #repairRow(id: string, encoder: Encoder): Promise<boolean> {
    let row: StoredItem | undefined;
    try {
      row = (await this.#index.store.get([id])).get(id);
    } catch (error) {
      if (error instanceof StoreError) return false; // it cannot be read
      throw error;
    }
    if (row === undefined) return true; // deleted meanwhile
    if (isRowSound(row)) return false; // another row has its id
    if (isSummarySound(row)) return this.#embedAgain(row, encoder);
    // Its id or its details were flipped: the item that it was has been written again.
    const hash = hashParts(row.hash).entry;
    if (![...this.#written.values()].includes(hash)) return false;
    await this.#index.deleteRows([id]);
    return true;
  }

  /** What is shown of the row is right; its vector, or what filters compare with, is not. */
  async #embedAgain({ id, details }: StoredItem, encoder: Encoder): Promise<boolean> {
    const entry = parseEntry(id, details);
    const file = await this.#index.pictureFile(entry);
    const [embedding] = file === undefined ? [] : await encoder.embedPictures([file]);
    if (embedding === undefined || embedding instanceof ImageError) return false;
    await this.put([{ entry, embedding }]);
    return true;
  }

  /** Sound rows in damaged files, and rows of older versions, as rows of this version in new files. */
  async #writeAgain(): Promise<void> {
    const { sound, oldVersion, damagedFiles } = this.#state;
    const ids = [...(damagedFiles.length > 0 ? sound.keys() : oldVersion)].filter(
      (id) => !this.#written.has(id),
    );
    const { store } = this.#index;
    for (let start = 0; start < ids.length; start += rowsAtOnce) {
      const rows = await store.get(ids.slice(start, start + rowsAtOnce));
      const items = [...rows.values()]
        .filter(isRowSound)
        .map((row) => storedItem(parseEntry(row.id, row.details), row.vector));
      await store.upsert(items);
    }
  }
}
