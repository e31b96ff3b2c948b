import { describe, expect, it } from "vitest";
import { otherWordings } from "./wordings.js";

/** Gives these captions, one after the other, and counts how often it was asked. */
function writerOf(...given: readonly (readonly string[])[]) {
  let asked = 0;
  const write = () => {
    asked += 1;
    return given[(asked - 1) % given.length] ?? [];
  };
  return { write, asked: () => asked };
}

describe("otherWordings", () => {
  it("keeps wordings that differ from the query's own and from each other, in the order in which they come", () => {
    const { write } = writerOf(
      ["is red"],
      ["in red"],
      ["is red"],
      ["in red"],
      ["goes red"],
      ["all red"],
      ["ruby"],
    );
    expect(otherWordings(["is red"], write)).toEqual([["in red"], ["goes red"], ["all red"]]);
  });

  it("takes the same captions in another order for the same wording", () => {
    const { write } = writerOf(["b", "a"], ["b", "c"]);
    expect(otherWordings(["a", "b"], write)).toEqual([["b", "c"]]);
  });

  it("gives up where there is no other wording", () => {
    const { write, asked } = writerOf(["is red"]);
    expect(otherWordings(["is red"], write)).toEqual([]);
    expect(asked()).toBeLessThan(100);
  });
});
