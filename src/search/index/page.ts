/** The part of an answer that is wanted: which items, how many, from where. */
import { type Filter, filterLimits, filterSize } from "../store/filter.js";

export interface Page {
  readonly filter?: Filter | undefined;
  /** 1 to `pageLimits.limit`. */
  readonly limit?: number | undefined;
  /** Items left out before the page; up to `pageLimits.offset`. */
  readonly offset?: number | undefined;
}

export const pageLimits = { limit: 1000, offset: 10_000 } as const;
export const defaultLimit = 20;

/** Everything that is wrong with a page, in words. */
export function pageProblems({ filter, limit = defaultLimit, offset = 0 }: Page): readonly string[] {
  const problems: string[] = [];
  const { parts, depth } = filter ? filterSize(filter) : { parts: 0, depth: 0 };
  if (parts > filterLimits.parts || depth > filterLimits.depth) {
    problems.push(
      `the filter must have at most ${filterLimits.parts} conditions and values, ${filterLimits.depth} deep; got more`,
    );
  }
  problems.push(...wholeNumberProblems("limit", limit, 1, pageLimits.limit));
  problems.push(...wholeNumberProblems("offset", offset, 0, pageLimits.offset));
  return problems;
}

export function wholeNumberProblems(
  name: string,
  value: number,
  min: number,
  max: number,
): readonly string[] {
  if (Number.isInteger(value) && value >= min && value <= max) return [];
  return [`${name} must be a whole number from ${min} to ${max}; got ${value}`];
}
