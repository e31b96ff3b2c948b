/** Texts as the tokens of a pretrained text tower: CLIP, SigLIP, SigLIP 2. */
import { join } from "node:path";
import { WeightsError } from "../errors.js";
import { type TextRule, type TextRuleName, type TextRuleOptions, textRules } from "./text-rules.js";
import type { EncodedText, Tokeniser } from "./tokeniser.js";
import { type OpenedTokenizer, openTokenizerJson, textRuleOf, tokenizerFile } from "./tokenizer-json.js";

export interface PretrainedTokeniserOptions extends TextRuleOptions {
  readonly family: "clip" | "siglip";
}

/** Longer texts are cut before they are read; the longest text of a tower is far shorter. */
const maxCharacters = 10_000;
/** A table of token vectors is at most this much longer than its tokenizer: tables are made a round size. */
const maxSpareRows = 1024;

/**
 * A folder's tokenizer.json under the rules of its family: [start] tokens [end], padding. The library that reads the file
 * neither cuts nor pads, and its unigrams know no bytes; both are done here.
 */
export class PretrainedTokeniser implements Tokeniser {
  readonly size: number;
  readonly rule: TextRuleName;
  readonly #tokenizer: OpenedTokenizer;
  readonly #options: TextRuleOptions;
  readonly #folder: string;
  /** The tokens of the 256 bytes; empty in a vocabulary without them. */
  readonly #bytes: readonly number[];

  /** @throws WeightsError when the folder has no tokenizer, or one of another family. */
  constructor(folder: string, { family, ...options }: PretrainedTokeniserOptions) {
    this.#folder = folder;
    this.#tokenizer = openTokenizerJson(folder);
    this.#options = options;
    this.rule = textRuleOf(family, this.#tokenizer, folder);
    this.size = this.#tokenizer.size;
    this.#bytes = bytePieces(this.#tokenizer);
  }

  /**
   * The tokens of a text, `maxTokens` of them; a longer text keeps its end token. `length` counts to the first end token,
   * where towers look for what the whole text says.
   */
  encode(text: string, maxTokens: number): EncodedText {
    const rule = this.#rule();
    const end = this.#idOf(rule.end);
    const kept = [...this.#whole(text).slice(0, maxTokens - 1), end];
    const padding = new Array<number>(maxTokens - kept.length).fill(this.#idOf(rule.padding));
    return { tokens: [...kept, ...padding], length: kept.indexOf(end) + 1 };
  }

  piecesOf(text: string): readonly string[] {
    const tokens = [...this.#whole(text), this.#idOf(this.#rule().end)];
    return tokens.map((token) => this.#tokenizer.library.decode([token]).trim());
  }

  unknownWords(text: string): readonly string[] {
    const words = text.split(/\s+/).filter((word) => {
      return this.#tokenizer.unknownId !== undefined && this.#idsOf(word).includes(this.#tokenizer.unknownId);
    });
    return [...new Set(words)];
  }

  /** @throws WeightsError when a text tower with `vocabularySize` token vectors was not made for this tokenizer. */
  requireFitsTable(vocabularySize: number): void {
    const spare = vocabularySize - this.size;
    if (spare >= 0 && spare <= maxSpareRows) return;
    throw new WeightsError(
      `${join(this.#folder, tokenizerFile)}: does not fit the text tower; got ${this.size} tokens for a table of ` +
        `${vocabularySize}; give the tokenizer of the same model`,
    );
  }

  #rule(): TextRule {
    return textRules[this.rule];
  }

  /** All tokens before the end. */
  #whole(text: string): readonly number[] {
    const { start } = this.#rule();
    return [...(start === undefined ? [] : [this.#idOf(start)]), ...this.#idsOf(text)];
  }

  #idsOf(text: string): readonly number[] {
    const canonical = this.#rule().canonical(text.slice(0, maxCharacters), this.#options);
    return this.#tokenizer.library.tokenize(canonical).flatMap((piece) => {
      return this.#tokenizer.library.token_to_id(piece) ?? this.#unknown(piece);
    });
  }

  /** A piece outside the vocabulary as its UTF-8 bytes, as sentencepiece has it. */
  #unknown(piece: string): readonly number[] {
    if (this.#bytes.length > 0) return [...Buffer.from(piece)].map((byte) => this.#bytes[byte] as number);
    return this.#tokenizer.unknownId === undefined ? [] : [this.#tokenizer.unknownId];
  }

  #idOf(token: string): number {
    return this.#tokenizer.library.token_to_id(token) as number; // textRuleOf has seen that it is there
  }
}

function bytePieces({ library }: OpenedTokenizer): readonly number[] {
  const found: number[] = [];
  for (let byte = 0; byte < 256; byte += 1) {
    const id = library.token_to_id(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
    if (id === undefined) return [];
    found.push(id);
  }
  return found;
}
