import { describe, expect, it } from "vitest";
import { markWords } from "./unknown-words.js";

const marked = (text: string, words: readonly string[]) =>
  markWords(text, words)
    .map(({ text: part, isUnknown }) => (isUnknown ? `[${part}]` : part))
    .join("");

describe("markWords", () => {
  it.each([
    ["is red with foobar sleeves", ["foobar"], "is red with [foobar] sleeves"],
    ["Foobar, foobar!", ["foobar"], "[Foobar], [foobar]!"],
    ["the or in more", ["or"], "the [or] in more"],
    ["größer als ß", ["größer"], "[größer] als ß"],
    ["c++ (really)", ["(really", "c++"], "[c++] [(really])"],
    ["nothing", [], "nothing"],
    ["nothing", ["absent"], "nothing"],
  ])("marks whole words only: “%s”", (text, words, expected) => {
    expect(marked(text, words)).toBe(expected);
  });
});
