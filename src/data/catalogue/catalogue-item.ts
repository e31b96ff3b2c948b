/** One item of a shop's catalogue, and the rules that its cells follow. */

/** Columns with a meaning of their own; every other column is an attribute. */
export const reservedColumns = ["id", "image", "category", "title", "price"] as const;

/** Where an item's picture is. */
export type ItemImage =
  /** A file below the catalogue's folder, with slashes. */
  | { readonly kind: "file"; readonly path: string }
  /** An http or https address; nothing is fetched from it. */
  | { readonly kind: "address"; readonly address: string };

/** One row of a catalogue, checked. */
export interface CatalogueItem {
  /** Unique in the catalogue; can be a file name. */
  readonly id: string;
  readonly image: ItemImage;
  readonly category: string;
  readonly title: string | undefined;
  /** In the shop's currency. */
  readonly price: number | undefined;
  /**
   * Values by attribute column, in the file's order: usually one, several where the cell lists them ("red|blue").
   * An attribute that is not there is unknown; no list is empty.
   */
  readonly attributes: ReadonlyMap<string, readonly string[]>;
  /** Row of the file, the header of a CSV file being row 1. */
  readonly row: number;
}

/** Stands between the values of a cell. */
export const valueSeparator = "|";

/** A cell that cannot be used: what it must be. */
export class CellProblem {
  readonly mustBe: string;

  constructor(mustBe: string) {
    this.mustBe = mustBe;
  }
}

/** Most characters of a cell, by column; attributes have `otherwise`. */
const longest = { id: 200, category: 100, title: 5000, image: 2000, otherwise: 500 } as const;

/** Characters, not units of UTF-16: as a reader counts, and JSON Schema. */
const isWithin = (text: string, most: number): boolean => text.length <= most || [...text].length <= most;

/** An id can be a file name: no slash, no leading dot, no control character. */
export function parseId(text: string): string | CellProblem {
  if (text === "") return new CellProblem("must not be empty");
  if (/^(?!\.)[^\p{Cc}/\\]+$/u.test(text) && isWithin(text, longest.id)) return text;
  return new CellProblem(
    `must be at most ${longest.id} characters without slashes, control characters or a leading dot`,
  );
}

export function parseCategory(text: string): string | CellProblem {
  if (text === "") return new CellProblem("must not be empty");
  if (/^\P{Cc}+$/u.test(text) && isWithin(text, longest.category)) return text;
  return new CellProblem(`must be at most ${longest.category} characters on one line`);
}

export function parseTitle(text: string): string | undefined | CellProblem {
  if (!isWithin(text, longest.title)) return new CellProblem(`must be at most ${longest.title} characters`);
  return text === "" ? undefined : text;
}

/** A plain number, such as 49.99: no currency and no thousands separators. */
export function parsePrice(text: string): number | undefined | CellProblem {
  if (text === "") return undefined;
  if (/^\d{1,12}(\.\d{1,6})?$/.test(text)) return Number(text);
  return new CellProblem("must be a plain number from 0 such as 49.99");
}

/** An address, or a path that stays below the catalogue's folder. */
export function parseImage(text: string): ItemImage | CellProblem {
  if (text === "") return new CellProblem("must not be empty");
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === "http" || scheme === "https") {
    const isAddress = !/[\s\p{Cc}]/u.test(text) && text.length <= longest.image && URL.canParse(text);
    return isAddress ? { kind: "address", address: text } : new CellProblem("is not a valid http(s) address");
  }
  const parts = text.replace(/^(\.\/)+/, "").split("/");
  const isInside =
    scheme === undefined &&
    text.length <= longest.image &&
    !/[\\\p{Cc}]/u.test(text) &&
    parts.every((part) => part !== "" && part !== "." && part !== "..");
  if (isInside) return { kind: "file", path: parts.join("/") };
  return new CellProblem("must be a path with slashes inside the catalogue's folder, or an http(s) address");
}

/** The values of an attribute's cell, each once, in the cell's order; none where the cell is empty. */
export function parseValues(cell: string | readonly string[]): readonly string[] | CellProblem {
  const parts = typeof cell === "string" ? cell.split(valueSeparator) : cell;
  const values = [...new Set(parts.map((part) => part.trim()).filter((part) => part !== ""))];
  const isUsable = values.every(
    (value) =>
      isWithin(value, longest.otherwise) && !/\p{Cc}/u.test(value) && !value.includes(valueSeparator),
  );
  if (isUsable) return values;
  return new CellProblem(
    `must be values of at most ${longest.otherwise} characters on one line, with ${valueSeparator} between several`,
  );
}
