/** One item of a shop's catalogue, and how the cells of a table become its values. */
import type { z } from "zod";
import {
  attributeNameSchema,
  attributeValuesSchema,
  itemLimits,
  priceSchema,
  titleSchema,
  valueSeparator,
} from "./item-schema.js";
import { hasUpTo, isWellFormed } from "./normal-text.js";

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

/** A cell that cannot be used: what it must be. */
export class CellProblem {
  readonly mustBe: string;

  constructor(mustBe: string) {
    this.mustBe = mustBe;
  }
}

/** The value in its normal form, or what is wrong with it. */
export function checkedBy<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.output<Schema> | CellProblem {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  return new CellProblem([...new Set(result.error.issues.map(({ message }) => message))].join("; "));
}

export function parseTitle(text: string): string | undefined | CellProblem {
  const title = checkedBy(titleSchema, text);
  return title === "" ? undefined : title;
}

/** A plain number, such as 49.99, rounded to cents: no currency and no thousands separators. */
export function parsePrice(text: string): number | undefined | CellProblem {
  const plain = text.trim();
  if (plain === "") return undefined;
  const price = /^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i.test(plain)
    ? checkedBy(priceSchema, Number(plain))
    : new CellProblem("no number");
  if (typeof price === "number") return price;
  return new CellProblem(
    "must be a plain number from 0 such as 49.99, without currency or thousands separators",
  );
}

/** An address, or a path that stays below the catalogue's folder. */
export function parseImage(cell: string): ItemImage | CellProblem {
  const text = cell.trim();
  if (text === "") return new CellProblem("must not be empty");
  const isText = hasUpTo(itemLimits.imageCharacters, text) && isWellFormed(text) && !text.includes("\uFFFD");
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === "http" || scheme === "https") {
    const isAddress = isText && !/[\s\p{Cc}]/u.test(text) && URL.canParse(text);
    return isAddress ? { kind: "address", address: text } : new CellProblem("is not a valid http(s) address");
  }
  const parts = text.replace(/^(\.\/)+/, "").split("/");
  const isInside =
    scheme === undefined &&
    isText &&
    !/[\\\p{Cc}]/u.test(text) &&
    parts.every((part) => part !== "" && part !== "." && part !== "..");
  if (isInside) return { kind: "file", path: parts.join("/") };
  return new CellProblem("must be a path with slashes inside the catalogue's folder, or an http(s) address");
}

/** The values of an attribute's cell, each once, in the cell's order; none where the cell is empty. */
export function parseValues(name: string, cell: string | readonly string[]): readonly string[] | CellProblem {
  const checkedName = checkedBy(attributeNameSchema, name);
  if (checkedName instanceof CellProblem) return checkedName;
  return checkedBy(attributeValuesSchema, typeof cell === "string" ? cell.split(valueSeparator) : cell);
}
