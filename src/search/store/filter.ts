/** Which items a search may answer: a small language that every store understands. */
import { normalName, normalText } from "../../catalogue/normal-text.js";

/**
 * Conditions on an item. What the catalogue does not say never fits: an item without a price is in no price range, and
 * therefore in every `not` of one.
 */
export type Filter =
  | { readonly kind: "id"; readonly anyOf: readonly string[] }
  | { readonly kind: "category"; readonly anyOf: readonly string[] }
  /** Bounds belong to the range; at least one is given. */
  | { readonly kind: "price"; readonly min?: number | undefined; readonly max?: number | undefined }
  /** Values are compared as `normalValue` writes them: case and spaces do not matter. */
  | { readonly kind: "attribute"; readonly name: string; readonly anyOf: readonly string[] }
  | { readonly kind: "not"; readonly filter: Filter }
  /** An empty list fits everything. */
  | { readonly kind: "all"; readonly of: readonly Filter[] };

/** What filters look at. */
export interface FilterFields {
  readonly id: string;
  readonly category: string;
  readonly price: number | undefined;
  /** As `tagOf` writes them. */
  readonly tags: readonly string[];
}

/** Between name and value; a value has no control characters, so the last one divides. */
const tagSeparator = "\u001F";

/** An attribute's value as one text. */
export function tagOf(name: string, value: string): string {
  return `${normalName(name)}${tagSeparator}${normalValue(value)}`;
}

/** Lower case, single spaces: what a shopper would call the same value. */
export function normalValue(value: string): string {
  return normalText(value).toLowerCase().replace(/\s+/g, " ");
}

/** The same filter with ids and categories as a catalogue has them (`normalText`); attributes are compared by `tagOf`. */
export function normalFilter(filter: Filter): Filter {
  switch (filter.kind) {
    case "id":
    case "category":
      return { kind: filter.kind, anyOf: filter.anyOf.map(normalText) };
    case "not":
      return { kind: "not", filter: normalFilter(filter.filter) };
    case "all":
      return { kind: "all", of: filter.of.map(normalFilter) };
    default:
      return filter;
  }
}

/** How large a filter may be: engines take deep nesting for recursion. */
export const filterLimits = { parts: 1000, depth: 16 } as const;

/** Conditions and values of a filter, and how deep conditions lie in each other; counted until a limit is passed. */
export function filterSize(filter: Filter): { readonly parts: number; readonly depth: number } {
  let parts = 0;
  let depth = 0;
  let level: readonly Filter[] = [filter];
  while (level.length > 0 && parts <= filterLimits.parts && depth <= filterLimits.depth) {
    depth += 1;
    parts += level.length;
    for (const part of level) if ("anyOf" in part) parts += part.anyOf.length;
    level = level.flatMap((part) =>
      part.kind === "not" ? [part.filter] : part.kind === "all" ? part.of : [],
    );
  }
  return { parts, depth };
}

/** Tells whether an item fits; what can be done once for all items is done here. */
export function predicateOf(filter: Filter): (item: FilterFields) => boolean {
  switch (filter.kind) {
    case "id": {
      const ids = new Set(filter.anyOf);
      return ({ id }) => ids.has(id);
    }
    case "category": {
      const categories = new Set(filter.anyOf);
      return ({ category }) => categories.has(category);
    }
    case "price": {
      const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = filter;
      return ({ price }) => price !== undefined && price >= min && price <= max;
    }
    case "attribute": {
      const wanted = filter.anyOf.map((value) => tagOf(filter.name, value));
      return ({ tags }) => wanted.some((tag) => tags.includes(tag));
    }
    case "not": {
      const fits = predicateOf(filter.filter);
      return (item) => !fits(item);
    }
    case "all": {
      const parts = filter.of.map(predicateOf);
      return (item) => parts.every((fits) => fits(item));
    }
  }
}
