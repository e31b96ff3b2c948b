/** A catalogue's items as numbers: one code an attribute, so that a hundred thousand are compared quickly. */

import type { CatalogueItem, ItemImage } from "../../catalogue/catalogue-item.js";
import { reservedColumns, valueSeparator } from "../../catalogue/item-schema.js";
import { DatasetError } from "../../errors.js";

/** An item that triplets can be made of. */
export interface TableItem {
  readonly id: string;
  readonly image: ItemImage;
  readonly category: string;
  readonly title: string | undefined;
}

/** Items and the codes of their values. */
export interface ItemTable {
  /** A, the chosen attributes. */
  readonly attributes: readonly string[];
  /** N, in the catalogue's order. */
  readonly items: readonly TableItem[];
  /** [N, A] codes; `unknownCode` where the catalogue says nothing. */
  readonly codes: Int32Array;
  /**
   * Value by attribute and code: lower case, single spaces; "blue|red" for an item of two colours. The first of each
   * list stands for unknown.
   */
  readonly values: readonly (readonly string[])[];
  /** Rows that were left out because an earlier item has the same picture. */
  readonly repeatedPictures: number;
}

/** Code of a value that the catalogue does not give. */
export const unknownCode = 0;

/**
 * Reads items into a table. Of items that share a picture (sizes of one product), the first is kept: a picture must
 * not stand in two splits, and no sentence leads from it to itself.
 * @throws DatasetError when an attribute is not a column of the catalogue, or has one of the reserved names.
 */
export async function tableOf(
  items: AsyncIterable<CatalogueItem>,
  attributes: readonly string[],
  file: string,
): Promise<ItemTable> {
  const kept: TableItem[] = [];
  const codes: number[] = [];
  const columns = attributes.map(() => new Map<string, number>([["", unknownCode]]));
  const seen = new Set<string>();
  const pictures = new Set<string>();
  let rowCount = 0;
  for await (const { id, image, category, title, attributes: given } of items) {
    rowCount += 1;
    for (const name of given.keys()) seen.add(name);
    const picture = image.kind === "file" ? image.path : image.address;
    if (pictures.has(picture)) continue;
    pictures.add(picture);
    kept.push({ id, image, category, title });
    for (const [a, attribute] of attributes.entries()) {
      const value = normalValue(given.get(attribute) ?? []);
      const column = columns[a] ?? new Map();
      const code = column.get(value) ?? column.size;
      column.set(value, code);
      codes.push(code);
    }
  }
  const unusable = attributes.filter((attribute) => !seen.has(attribute));
  if (unusable.length > 0) {
    const columnNames = [...seen].slice(0, 50).join(", ") || "none";
    const why = unusable.some((name) => (reservedColumns as readonly string[]).includes(name))
      ? ` (${reservedColumns.join(", ")} are not attributes)`
      : "";
    throw new DatasetError(
      `${file}: no item has a value of these attributes${why}; got ${unusable.join(", ")}; ` +
        `attributes of this catalogue: ${columnNames}`,
    );
  }
  return {
    attributes,
    items: kept,
    codes: Int32Array.from(codes),
    values: columns.map((column) => [...column.keys()]),
    repeatedPictures: rowCount - kept.length,
  };
}

/** One text for equal sets of values: "Red " and "red" are the same, and so are "red|blue" and "blue|red". */
function normalValue(values: readonly string[]): string {
  const normal = values.map((value) => value.normalize("NFC").toLowerCase().replace(/\s+/g, " ").trim());
  return [...new Set(normal)].sort().join(valueSeparator);
}
