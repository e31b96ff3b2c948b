import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { clipTokenizer, siglip2Tokenizer, siglipTokenizer } from "../../tests/fixtures/tiny-tokenizers.js";
import { PretrainedTokeniser, type PretrainedTokeniserOptions } from "./pretrained-tokeniser.js";
import { tokenizerFile } from "./tokenizer-json.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sdfn-tokenizer-"));
  return () => rmSync(folder, { recursive: true, force: true });
});

function open(json: object | string, options: PretrainedTokeniserOptions): PretrainedTokeniser {
  writeFileSync(join(folder, tokenizerFile), typeof json === "string" ? json : JSON.stringify(json));
  return new PretrainedTokeniser(folder, options);
}

const clip = () => open(clipTokenizer(), { family: "clip" });
const siglip = (hasBytes = true) => open(siglipTokenizer({ hasBytes }), { family: "siglip" });

describe("CLIP's texts", () => {
  it("stand between start and end, padded with the end", () => {
    const tokeniser = clip();
    expect(tokeniser.rule).toBe("clip");
    expect(tokeniser.size).toBe(518);
    const red = 513;
    expect(tokeniser.encode(" RED\t", 5)).toEqual({ tokens: [516, red, 517, 517, 517], length: 3 });
    expect(tokeniser.encode("", 3)).toEqual({ tokens: [516, 517, 517], length: 2 });
  });

  it("keep the end where they are cut", () => {
    expect(clip().encode("red red red red", 3)).toEqual({ tokens: [516, 513, 517], length: 3 });
  });

  it("end where the first end stands, even one that was typed", () => {
    expect(clip().encode("<|endoftext|> red", 5)).toEqual({ tokens: [516, 517, 513, 517, 517], length: 2 });
  });

  it("have every byte, so nothing is unknown, and pieces that can be read", () => {
    const tokeniser = clip();
    expect(tokeniser.unknownWords("red 日本 é")).toEqual([]);
    expect(tokeniser.encode("é", 8).length).toBe(4);
    expect(tokeniser.piecesOf("Red x")).toEqual(["<|startoftext|>", "red", "x", "<|endoftext|>"]);
  });
});

describe("SigLIP's texts", () => {
  it("lose punctuation and capitals, and are padded with the end to the last place", () => {
    const tokeniser = siglip();
    expect(tokeniser.rule).toBe("siglip");
    expect(tokeniser.encode("  Red, (dress)!", 6)).toEqual({ tokens: [260, 261, 1, 1, 1, 1], length: 3 });
    expect(tokeniser.encode("", 3)).toEqual({ tokens: [1, 1, 1], length: 1 });
    expect(tokeniser.encode("red red red", 3)).toEqual({ tokens: [260, 260, 1], length: 3 });
    expect(tokeniser.piecesOf("red dress")).toEqual(["red", "dress", "</s>"]);
  });

  it("join what stood around a slash, unless it becomes a space", () => {
    expect(siglip().encode("red/red", 9)).not.toEqual(siglip().encode("red red", 9));
    const json = siglipTokenizer({ hasBytes: true });
    const parting = open(json, { family: "siglip", separatorsAsSpaces: true });
    expect(parting.encode("red/red-red", 9)).toEqual(parting.encode("red red red", 9));
  });

  it("have bytes for what the vocabulary lacks, or say that they do not know it", () => {
    const mark = 259;
    const [first, second] = [3 + 0xc3, 3 + 0xa9];
    expect(siglip().encode("é", 5)).toEqual({ tokens: [mark, first, second, 1, 1], length: 4 });
    expect(siglip().unknownWords("red é")).toEqual([]);
    const without = siglip(false);
    expect(without.encode("é", 4)).toEqual({ tokens: [3, 2, 1, 1], length: 3 });
    expect(without.unknownWords("red é dress É é")).toEqual(["é", "É"]);
  });
});

describe("SigLIP 2's texts", () => {
  it("are lower case, keep punctuation, have no start, and are padded with 0", () => {
    const tokeniser = open(siglip2Tokenizer(), { family: "siglip" });
    expect(tokeniser.rule).toBe("siglip2");
    const [mark, a, dash, red] = [260, 261, 287, 289];
    expect(tokeniser.encode(" RED-a  b ", 8)).toEqual({
      tokens: [red, dash, a, mark, a + 1, 1, 0, 0],
      length: 6,
    });
    expect(tokeniser.encode("é", 4)).toEqual({ tokens: [4 + 0xc3, 4 + 0xa9, 1, 0], length: 3 });
  });
});

describe("tokenizers of others", () => {
  it("are refused by family and by the table of the text tower", () => {
    expect(() => open(siglipTokenizer({ hasBytes: true }), { family: "clip" })).toThrow(
      /tokenizer\.json: is no tokenizer of clip; it lacks <\|startoftext\|>, .*give the tokenizer of the same model/,
    );
    const tokeniser = clip();
    for (const size of [518, 600]) expect(() => tokeniser.requireFitsTable(size)).not.toThrow();
    for (const size of [517, 49408]) {
      expect(() => tokeniser.requireFitsTable(size)).toThrow(
        new RegExp(`does not fit the text tower; got 518 tokens for a table of ${size}`),
      );
    }
  });

  it.each([
    ["{", /is not a tokenizer that is read; got SyntaxError/],
    [{ model: { type: "WordPiece", vocab: {} } }, /is not a tokenizer that is read/],
    [{ model: { type: "BPE", vocab: { a: 1e9 }, merges: [] } }, /is not a tokenizer that is read/],
    [{ model: { type: "BPE", vocab: { a: 0 }, merges: [] }, normalizer: { type: "None" } }, /None/],
  ])("are refused when damaged or of another kind: %j", (json, message) => {
    expect(() => open(json, { family: "clip" })).toThrow(message);
  });

  it("are named when missing, and not read when too large", () => {
    expect(() => new PretrainedTokeniser(folder, { family: "clip" })).toThrow(
      /tokenizer\.json: there is no such file; .*merges\.txt/,
    );
    expect(() => open(" ".repeat(64 * 2 ** 20 + 1), { family: "clip" })).toThrow(/at most 67108864 are read/);
  });

  it("are quick whatever a text is", () => {
    const text = "a".repeat(5_000_000);
    for (const tokeniser of [clip(), siglip()]) expect(tokeniser.encode(text, 7).tokens).toHaveLength(7);
  });
});

const published = join(import.meta.dirname, "../../../shared/golden/encoders");
if (!existsSync(published)) console.warn(`SKIPPED: no folders of tiny models at ${published}`);

interface TokenCase {
  readonly text: string;
  readonly ids: readonly number[];
}

describe.skipIf(!existsSync(published))("folders of tiny models", () => {
  it.each([
    ["clip", 77, 300],
    ["siglip", 64, 120],
  ] as const)("give the reference's tokens: %s", (family, maxTokens, captionCount) => {
    const model = join(published, `tiny-${family}`);
    const read = (name: string) => JSON.parse(readFileSync(join(model, name), "utf8"));
    const tokeniser = new PretrainedTokeniser(model, { family });
    const { cases } = read("tokenizer_cases.json") as { readonly cases: readonly TokenCase[] };
    expect(cases.length).toBeGreaterThan(captionCount);
    const wrong = cases.flatMap(({ text, ids }) => {
      const { tokens } = tokeniser.encode(text, ids.length);
      return JSON.stringify(tokens) === JSON.stringify(ids) ? [] : [{ text, ids, tokens }];
    });
    expect(wrong).toEqual([]);
    const { captions, input_ids: expected } = read("expected.json");
    expect(captions.map((text: string) => tokeniser.encode(text, maxTokens).tokens)).toEqual(expected);
  });
});
