import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { serviceLimits } from "../../../src/service/api.js";
import { type SearchState, startState } from "./search-state.js";
import { addressLimits, formatSearch, parseSearch } from "./search-url.js";

const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
const text = fc.string({ unit: "grapheme", maxLength: 30 }).map((words) => words.trim());
const reference = fc.oneof(
  fc.constant(undefined),
  fc.record({ kind: fc.constant("item" as const), id: name }),
  fc.record({ kind: fc.constant("upload" as const), key: name }),
);
const step = fc.record({ reference, text });
const price = fc.option(fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }), { nil: undefined });
const attributes = fc
  .uniqueArray(fc.tuple(name, fc.uniqueArray(name, { minLength: 1, maxLength: 3 })), {
    maxLength: 3,
    selector: ([attribute]) => attribute,
  })
  .map((entries) => Object.fromEntries(entries));
const state: fc.Arbitrary<SearchState> = fc.record({
  step,
  trail: fc.array(step, { maxLength: 4 }),
  filters: fc.record({
    categories: fc.uniqueArray(name, { maxLength: 3 }),
    minPrice: price,
    maxPrice: price,
    attributes,
  }),
});

it("an address holds as much as the service takes", () => {
  expect(serviceLimits).toMatchObject(addressLimits);
});

describe("search addresses", () => {
  it("hold every search", () => {
    fc.assert(
      fc.property(state, (searched) => {
        expect(parseSearch(formatSearch(searched))).toEqual(searched);
      }),
    );
  });

  it("are empty for the whole catalogue, and readable", () => {
    expect(formatSearch(startState)).toBe("");
    expect(
      formatSearch({
        step: { reference: { kind: "item", id: "A1" }, text: "is red" },
        trail: [{ text: "a dress" }],
        filters: { categories: ["dress"], maxPrice: 40, attributes: { colour: ["red", "blue"] } },
      }),
    ).toBe("?ref=A1&q=is+red&category=dress&max=40&is.colour=red&is.colour=blue&step=q%3Da%2Bdress");
  });

  it("leave out what cannot be meant", () => {
    const long = "x".repeat(3000);
    const { step, trail, filters } = parseSearch(
      `?ref=${long}&q=${long}&min=cheap&max=1e999&category=&is.=a&is.__proto__=b&is.colour=${long}&${"step=q%3Da&".repeat(50)}`,
    );
    expect(step.reference).toBeUndefined();
    expect(step.text).toHaveLength(2000);
    expect(trail).toHaveLength(12);
    expect(filters.categories).toEqual([]);
    expect([filters.minPrice, filters.maxPrice]).toEqual([undefined, undefined]);
    expect(Object.entries(filters.attributes)).toEqual([["__proto__", ["b"]]]);
    expect("polluted" in {}).toBe(false);
  });
});
