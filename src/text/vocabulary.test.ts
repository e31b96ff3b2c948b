import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openFashionIq } from "../data/datasets/fashion-iq.js";
import { RunError } from "../errors.js";
import { hasWords, joinCaptions, tokenise, Vocabulary } from "./vocabulary.js";

describe("tokenise", () => {
  it.each([
    ["is Red  and LONG\n", ["is", "red", "and", "long"]],
    ["black, with 3/4 sleeves.", ["black", ",", "with", "3", "/", "4", "sleeves", "."]],
    ["V-neck", ["v", "-", "neck"]],
    ["They’re not", ["they", "'", "re", "not"]],
    ["ombr\u00e9", ["ombr\u00e9"]],
    ["ombre\u0301", ["ombr\u00e9"]],
    ["H\u0331", ["\u1e96"]],
    ["\u1e96", ["\u1e96"]],
    ["赤い ドレス", ["赤い", "ドレス"]],
    ["a\u0000b\u200bc 👗", ["a", "b", "c", "👗"]],
    [" . ", ["."]],
    ["  ", []],
  ])("splits %j", (text, words) => {
    expect(tokenise(text)).toEqual(words);
  });
});

describe("joinCaptions", () => {
  it("trims captions and leaves out empty ones", () => {
    expect(joinCaptions([" is red ", "has a belt"])).toBe("is red and has a belt");
    expect(joinCaptions(["", "has a belt "])).toBe("has a belt");
    expect(joinCaptions([" ", ""])).toBe("");
    expect(joinCaptions(["a", "b", "c"])).toBe("a and b and c");
  });
});

describe("Vocabulary", () => {
  it("numbers words from 2, most frequent first, then by spelling", () => {
    const vocabulary = Vocabulary.fromTexts(["is red", "is blue", "is blue and red", "é"]);
    expect(vocabulary.words).toEqual(["is", "blue", "red", "and", "é"]);
    expect(vocabulary.size).toBe(7);
    expect(["is", "é", "green"].map((word) => vocabulary.tokenOf(word))).toEqual([2, 6, 1]);
  });

  it("leaves out words rarer than minCount", () => {
    expect(Vocabulary.fromTexts(["is red", "is blue"], { minCount: 2 }).words).toEqual(["is"]);
  });

  it("pads short texts and cuts long ones", () => {
    const vocabulary = new Vocabulary(["is", "red"]);
    expect(vocabulary.encode("Red is green", 5)).toEqual({ tokens: [3, 2, 1, 0, 0], length: 3 });
    expect(vocabulary.encode(["red", "is", "green"], 2)).toEqual({ tokens: [3, 2], length: 2 });
  });

  it("reads an empty text as one unknown word", () => {
    expect(new Vocabulary(["is"]).encode("", 3)).toEqual({ tokens: [1, 0, 0], length: 1 });
  });

  it("does not take names of object members for words", () => {
    expect(new Vocabulary(["is"]).tokenOf("constructor")).toBe(1);
  });

  it("is the same after saving and loading, and refuses a wrong file", () => {
    const folder = mkdtempSync(join(tmpdir(), "vocabulary-"));
    try {
      const file = join(folder, "vocabulary.json");
      new Vocabulary(["is", "ombré", "."]).save(file);
      expect(Vocabulary.load(file)).toEqual(new Vocabulary(["is", "ombré", "."]));
      writeFileSync(file, '{"words": ["is", "is"]}');
      expect(() => Vocabulary.load(file)).toThrow(
        /vocabulary\.json: not a saved vocabulary; .*occurs twice/s,
      );
      expect(() => Vocabulary.load(join(folder, "absent.json"))).toThrow(RunError);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

const published = join(import.meta.dirname, "../../../shared/data/fashioniq");
if (!existsSync(published)) console.warn(`skipped: FashionIQ's captions are not at ${published}`);

describe.skipIf(!existsSync(published))("FashionIQ's captions", () => {
  const queries = existsSync(published)
    ? (["train", "val", "test"] as const).flatMap((name) => {
        const { triplets, untargeted } = openFashionIq(published).split(name);
        return [...triplets, ...untargeted];
      })
    : [];

  it("tokenise to clean lower-case words, nothing lost but white space", () => {
    const captions = queries.flatMap((query) => query.captions);
    expect(captions).toHaveLength(2 * 30134);
    for (const caption of captions) {
      const plain = caption.replace(/[’`]/g, "'").replace(/\s/g, "").toLowerCase();
      expect(tokenise(caption).join("")).toBe(plain);
    }
  });

  it("join to at most 29 words, never none", () => {
    const lengths = queries.map(({ captions }) => tokenise(joinCaptions(captions)).length);
    expect(Math.min(...lengths)).toBeGreaterThan(0);
    expect(Math.max(...lengths)).toBe(29);
    expect(lengths.reduce((sum, length) => sum + length, 0) / lengths.length).toBeCloseTo(12, 1);
  });

  it("give 4,911 words, each of which encodes to its own token", () => {
    const vocabulary = Vocabulary.fromTexts(queries.map(({ captions }) => joinCaptions(captions)));
    expect(vocabulary.words).toHaveLength(4911);
    expect(vocabulary.words.map((word) => vocabulary.encode(word, 1).tokens[0])).toEqual(
      vocabulary.words.map((_, i) => i + 2),
    );
  });
});

describe("unknown words", () => {
  const vocabulary = new Vocabulary(["is", "red", "."]);

  it("are those without a token, as they are written, each once, without punctuation", () => {
    expect(vocabulary.unknownWords("Is RED.")).toEqual([]);
    expect(vocabulary.unknownWords("is Teal, teal, Teal! \u{1f457} 3")).toEqual([
      "Teal",
      "teal",
      "\u{1f457}",
      "3",
    ]);
    expect(vocabulary.unknownWords("")).toEqual([]);
  });

  it("go with texts that have words at all", () => {
    expect(["", " \t\n", "\u0000\u200b\u0007"].map(hasWords)).toEqual([false, false, false]);
    expect(["a", ".", "\u{1f457}", "\u05d0\u05d3\u05d5\u05dd"].map(hasWords)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    for (const text of ["\u0000\u200b", "!", "\u0301", " "])
      expect(hasWords(text)).toBe(tokenise(text).length > 0);
  });
});
