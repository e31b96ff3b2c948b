import { describe, expect, it } from "vitest";
import { encodeTexts } from "../text/encode-texts.js";
import { Vocabulary } from "../text/vocabulary.js";
import { describeUnseen, noteWords, unseenWords } from "./unseen-words.js";

describe("words that no batch had", () => {
  it("are those past maxWords or never drawn; padding is no word", () => {
    const vocabulary = new Vocabulary(["red", "long", "sleeves", "shorter"]);
    const seen = new Uint8Array(vocabulary.size);
    noteWords(seen, encodeTexts(vocabulary, ["long red sleeves", "red"], 2));
    expect(seen[0]).toBe(0);
    const unseen = unseenWords(seen, vocabulary);
    expect(unseen).toEqual({ count: 2, words: ["sleeves", "shorter"] });
    expect(unseen && describeUnseen(unseen, { maxWords: 2 })).toMatch(
      /2 words of the vocabulary were in no batch.*: sleeves, shorter; .*past the first 2 \(maxWords\)/,
    );
    noteWords(seen, encodeTexts(vocabulary, ["shorter sleeves"], 2));
    expect(unseenWords(seen, vocabulary)).toBeUndefined();
  });
});
