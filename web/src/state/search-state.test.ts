import { describe, expect, it } from "vitest";
import {
  backTo,
  changeThis,
  longestTrail,
  noFilters,
  type SearchState,
  startState,
  toggleAttribute,
  toggleCategory,
  withStep,
} from "./search-state.js";

const item = (id: string) => ({ kind: "item" as const, id });
const searched: SearchState = {
  ...startState,
  step: { reference: item("A"), text: "is red" },
  trail: [{ text: "a dress" }],
};

describe("changeThis", () => {
  it("makes the answered step part of the trail and starts without its words", () => {
    const next = changeThis(searched, "B", "is red");
    expect(next.step).toEqual({ reference: item("B"), text: "" });
    expect(next.trail).toEqual([{ text: "a dress" }, searched.step]);
  });

  it("takes words along that were typed but not searched for", () => {
    expect(changeThis(searched, "B", " is blue ").step.text).toBe("is blue");
    expect(changeThis(startState, "B", "is blue").step.text).toBe("is blue");
  });

  it("begins no trail from the catalogue", () => {
    expect(changeThis(startState, "B", "").trail).toEqual([]);
  });

  it("forgets the oldest steps of a long trail", () => {
    let state = startState;
    for (let i = 0; i < longestTrail + 5; i += 1) state = changeThis(state, `item ${i}`, "");
    expect(state.trail).toHaveLength(longestTrail);
    expect(state.trail.at(-1)?.reference).toEqual(item(`item ${longestTrail + 3}`));
  });
});

describe("backTo", () => {
  it("restores a step and forgets what came after it", () => {
    const state = changeThis(searched, "B", "");
    expect(backTo(state, 1)).toEqual(searched);
    expect(backTo(state, 0)).toEqual({ ...startState, step: { text: "a dress" } });
    expect(backTo(state, 7)).toBe(state);
  });
});

describe("withStep", () => {
  it("ends the trail when nothing is left to search for", () => {
    expect(withStep(searched, { text: "  " }).trail).toEqual([]);
    expect(withStep(searched, { text: " a shirt " })).toEqual({ ...searched, step: { text: "a shirt" } });
  });
});

describe("filters", () => {
  it("go on and off by value, and an attribute without values is none", () => {
    const red = toggleAttribute(noFilters, "colour", "red");
    const both = toggleAttribute(red, "colour", "blue");
    expect(both.attributes).toEqual({ colour: ["red", "blue"] });
    expect(toggleAttribute(toggleAttribute(both, "colour", "red"), "colour", "blue")).toEqual(noFilters);
    expect(toggleCategory(toggleCategory(noFilters, "dress"), "dress")).toEqual(noFilters);
  });
});
