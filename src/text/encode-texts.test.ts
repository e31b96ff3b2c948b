import { describe, expect, it } from "vitest";
import { encodeTexts } from "./encode-texts.js";
import { Vocabulary } from "./vocabulary.js";

describe("encodeTexts", () => {
  it("gives one row of tokens for each text", () => {
    const { tokens, lengths } = encodeTexts(new Vocabulary(["is", "red"]), ["red", "is red", ""], 4);
    expect(tokens.shape).toEqual([3, 4]);
    expect([...tokens.data].map(Number)).toEqual([3, 0, 0, 0, 2, 3, 0, 0, 1, 0, 0, 0]);
    expect([...lengths.data].map(Number)).toEqual([1, 2, 1]);
  });
});
