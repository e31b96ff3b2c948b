/** What the page searches for: the step at hand, the steps that led to it, and the filters. */

/** The picture that a step starts from. */
export type Reference =
  | { readonly kind: "item"; readonly id: string }
  /** A picture of the shopper's own, kept in this browser (`uploads.ts`) under the key. */
  | { readonly kind: "upload"; readonly key: string };

/** One query; with neither half nothing is searched for, and the catalogue is listed. */
export interface Step {
  readonly reference?: Reference | undefined;
  readonly text: string;
}

/** Conditions on items; all of them must fit, and of the values in one list any. */
export interface Filters {
  readonly categories: readonly string[];
  readonly minPrice?: number | undefined;
  readonly maxPrice?: number | undefined;
  /** Values by the attribute's name. */
  readonly attributes: Readonly<Record<string, readonly string[]>>;
}

export interface SearchState {
  readonly step: Step;
  /** Earlier steps, the first one first. */
  readonly trail: readonly Step[];
  readonly filters: Filters;
}

export const noFilters: Filters = { categories: [], attributes: {} };
const emptyStep: Step = { text: "" };
export const startState: SearchState = { step: emptyStep, trail: [], filters: noFilters };

/** Steps kept; older ones are forgotten, so that an address stays short enough to be sent. */
export const longestTrail = 12;

export function isEmptyStep({ reference, text }: Step): boolean {
  return reference === undefined && text.trim() === "";
}

/** The step at hand is another one; an empty one ends the trail. */
export function withStep(state: SearchState, step: Step): SearchState {
  const next = { ...step, text: step.text.trim() };
  return { ...state, step: next, trail: isEmptyStep(next) ? [] : state.trail };
}

/**
 * An item becomes the next reference, and the step at hand part of the trail. Words that were typed but not yet
 * searched for go along; those of the step stay behind, because they have been answered.
 */
export function changeThis(state: SearchState, id: string, typed: string): SearchState {
  const isNew = typed.trim() !== state.step.text;
  const trail = isEmptyStep(state.step) ? state.trail : [...state.trail, state.step];
  return {
    ...state,
    step: { reference: { kind: "item", id }, text: isNew ? typed.trim() : "" },
    trail: trail.slice(-longestTrail),
  };
}

/** Back to a step of the trail; the steps after it are forgotten. */
export function backTo(state: SearchState, index: number): SearchState {
  const step = state.trail[index];
  return step === undefined ? state : { ...state, step, trail: state.trail.slice(0, index) };
}

export function hasFilters({ categories, minPrice, maxPrice, attributes }: Filters): boolean {
  return (
    categories.length > 0 ||
    minPrice !== undefined ||
    maxPrice !== undefined ||
    Object.keys(attributes).length > 0
  );
}

export function toggleCategory(filters: Filters, category: string): Filters {
  return { ...filters, categories: toggled(filters.categories, category) };
}

/** An attribute without a value left is no condition any more. */
export function toggleAttribute(filters: Filters, name: string, value: string): Filters {
  const { [name]: values = [], ...others } = filters.attributes;
  const next = toggled(values, value);
  return { ...filters, attributes: next.length === 0 ? others : { ...others, [name]: next } };
}

function toggled(values: readonly string[], value: string): readonly string[] {
  return values.includes(value) ? values.filter((one) => one !== value) : [...values, value];
}
