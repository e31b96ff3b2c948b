import { describe, expect, it } from "vitest";
import { changesFor, splitPhrase, withPhrase } from "./phrases.js";

describe("splitPhrase", () => {
  it.each([
    ["", "", ""],
    ["is re", "", "is re"],
    ["is red and ", "is red and ", ""],
    ["is red and has lo", "is red and ", "has lo"],
    ["is red, has lo", "is red, ", "has lo"],
    ["is red AND blue but lo", "is red AND blue but ", "lo"],
    ["is sandy", "", "is sandy"],
  ])("finds what is being typed in “%s”", (text, before, phrase) => {
    expect(splitPhrase(text)).toEqual({ before, phrase });
  });
});

describe("withPhrase", () => {
  it.each([
    ["", "is red"],
    ["has a belt", "has a belt and is red"],
    ["has a belt and ", "has a belt and is red"],
    ["has a belt,", "has a belt and is red"],
    ["shows a band", "shows a band and is red"],
  ])("joins “%s” and a phrase", (text, joined) => {
    expect(withPhrase(text, "is red")).toBe(joined);
  });
});

describe("changesFor", () => {
  it("keeps phrases that say what should be different, and are not said yet", () => {
    const phrases = ["similar", "the same shirt", "is red", "red", "has a belt", "looks like this"];
    expect(changesFor("has a belt and", phrases)).toEqual(["is red"]);
  });
});
