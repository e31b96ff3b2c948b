/** The rows of a catalogue while it is indexed: how many, which ids, what is wrong or worth knowing. */
import type { CatalogueItem } from "../../catalogue/catalogue-item.js";
import { isFilterable, itemLimits } from "../../catalogue/item-schema.js";
import type { WrongRow } from "../../catalogue/read-catalogue.js";
import type { RowErrors } from "./row-errors.js";

/** Rows named in a report. */
const namedRows = 20;

/** Adds up rows, and tells `RowErrors` what is wrong. */
export class RowAccount {
  readonly #errors: RowErrors;
  /** Long texts by column: how many, and the first one's row. */
  readonly #longTexts = new Map<string, { row: number; count: number }>();
  readonly ids = new Set<string>();
  readonly unknownIds = { count: 0, rows: [] as number[] };
  count = 0;

  constructor(errors: RowErrors) {
    this.#errors = errors;
  }

  addItem({ id, row, attributes }: CatalogueItem): void {
    this.count += 1;
    this.ids.add(id);
    for (const [column, values] of attributes) {
      const count = values.filter((value) => !isFilterable(value)).length;
      if (count === 0) continue;
      const known = this.#longTexts.get(column) ?? { row, count: 0 };
      this.#longTexts.set(column, { ...known, count: known.count + count });
    }
  }

  addWrong({ row, id, isRefused, problems }: WrongRow): void {
    if (isRefused) this.count += 1; // every other row also has an item
    if (id !== undefined) this.ids.add(id);
    else {
      this.unknownIds.count += 1;
      if (this.unknownIds.rows.length < namedRows) this.unknownIds.rows.push(row);
    }
    for (const problem of problems) {
      this.#errors.add({ row, id, kind: isRefused ? "row" : "value", ...problem });
    }
  }

  /** One note for each column of long texts: a line for each text would hide what matters. */
  addNotes(): void {
    for (const [column, { row, count }] of this.#longTexts) {
      const texts = count === 1 ? "1 text" : `${count} texts, this row's the first,`;
      const reason = `${texts} of more than ${itemLimits.filterCharacters} characters or several lines: kept, and in no filter`;
      this.#errors.add({ row, kind: "note", column, reason });
    }
  }
}
