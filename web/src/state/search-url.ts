/** The search as the query part of the page's address, so that links and the browser's history hold it. */
import { type Filters, longestTrail, type Reference, type SearchState, type Step } from "./search-state.js";

/** What the service takes at most, by its own names: longer values in an address are not from this page. */
export const addressLimits = { textCharacters: 2000, nameCharacters: 256, values: 100 };
/** Attributes are parameters of their own: `is.colour=red`. */
const attributePrefix = "is.";

/** "?ref=A1&q=is+red&category=dress", or "" for the whole catalogue. */
export function formatSearch({ step, trail, filters }: SearchState): string {
  const parameters = new URLSearchParams(stepEntries(step));
  for (const category of filters.categories) parameters.append("category", category);
  if (filters.minPrice !== undefined) parameters.append("min", String(filters.minPrice));
  if (filters.maxPrice !== undefined) parameters.append("max", String(filters.maxPrice));
  for (const [name, values] of Object.entries(filters.attributes)) {
    for (const value of values) parameters.append(attributePrefix + name, value);
  }
  for (const earlier of trail) {
    parameters.append("step", new URLSearchParams(stepEntries(earlier)).toString());
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

/** The search of an address; what cannot be understood in it is left out. */
export function parseSearch(search: string): SearchState {
  const parameters = new URLSearchParams(search);
  return {
    step: stepOf(parameters),
    trail: parameters
      .getAll("step")
      .slice(-longestTrail)
      .map((step) => stepOf(new URLSearchParams(step))),
    filters: filtersOf(parameters),
  };
}

function stepEntries({ reference, text }: Step): string[][] {
  const entries: string[][] = [];
  if (reference?.kind === "item") entries.push(["ref", reference.id]);
  if (reference?.kind === "upload") entries.push(["upload", reference.key]);
  if (text !== "") entries.push(["q", text]);
  return entries;
}

function stepOf(parameters: URLSearchParams): Step {
  return {
    reference: referenceOf(parameters),
    text: (parameters.get("q") ?? "").slice(0, addressLimits.textCharacters).trim(),
  };
}

function referenceOf(parameters: URLSearchParams): Reference | undefined {
  const [id, key] = [parameters.get("ref"), parameters.get("upload")];
  if (isName(id)) return { kind: "item", id };
  return isName(key) ? { kind: "upload", key } : undefined;
}

function filtersOf(parameters: URLSearchParams): Filters {
  const attributes = new Map<string, readonly string[]>();
  for (const [parameter, value] of parameters) {
    const name = parameter.slice(attributePrefix.length);
    if (!parameter.startsWith(attributePrefix) || !isName(name) || !isName(value)) continue;
    const values = attributes.get(name) ?? [];
    if (values.length < addressLimits.values && !values.includes(value))
      attributes.set(name, [...values, value]);
  }
  return {
    categories: [...new Set(parameters.getAll("category").filter(isName))].slice(0, addressLimits.values),
    minPrice: priceOf(parameters.get("min")),
    maxPrice: priceOf(parameters.get("max")),
    attributes: Object.fromEntries(attributes),
  };
}

function priceOf(text: string | null): number | undefined {
  const price = Number(text ?? "");
  return text !== null && text.trim() !== "" && Number.isFinite(price) ? price : undefined;
}

function isName(text: string | null): text is string {
  return text !== null && text !== "" && text.length <= addressLimits.nameCharacters;
}
