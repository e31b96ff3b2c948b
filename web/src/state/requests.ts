/** A search as the service takes it. */
import type { Condition, SearchRequest } from "../../../src/service/api.js";
import { type Filters, isEmptyStep, type SearchState } from "./search-state.js";

/** Name of the shopper's own picture in the form. */
export const uploadName = "picture";

export function requestOf(
  { step, filters }: SearchState,
  page: { readonly offset: number; readonly limit: number },
): SearchRequest {
  const { reference, text } = step;
  return {
    queries: isEmptyStep(step)
      ? []
      : [
          {
            reference:
              reference === undefined
                ? undefined
                : reference.kind === "item"
                  ? { id: reference.id }
                  : { upload: uploadName },
            text: text === "" ? undefined : text,
          },
        ],
    filter: conditionsOf(filters),
    attention: reference !== undefined && text !== "",
    ...page,
  };
}

function conditionsOf({ categories, minPrice, maxPrice, attributes }: Filters): Condition[] {
  const conditions: Condition[] = Object.entries(attributes).map(([name, anyOf]) => ({
    kind: "attribute",
    name,
    anyOf: [...anyOf],
  }));
  if (categories.length > 0) conditions.push({ kind: "category", anyOf: [...categories] });
  if (minPrice !== undefined || maxPrice !== undefined) {
    conditions.push({ kind: "price", min: minPrice, max: maxPrice });
  }
  return conditions;
}
