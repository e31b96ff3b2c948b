/** Words of the modification texts: tokens, and the numbers that stand for them. */
import { z } from "zod";
import { RunError } from "../errors.js";
import { readJsonSync } from "../files/read-json.js";
import { writeWholeSync } from "../files/whole.js";
import type { EncodedText, Tokeniser } from "./tokeniser.js";

/** Token of the places after a text's last word. */
export const paddingToken = 0;
/** Token of every word that is not in the vocabulary. */
export const unknownToken = 1;
/** Tokens before the first word's. */
const reservedTokenCount = 2;

/** What is a word or punctuation mark in a normalised text: a regular expression with the flags g and u. */
export const wordPattern = "[\\p{L}\\p{M}\\p{N}]+|[^\\p{L}\\p{M}\\p{N}\\s\\p{C}]";
const wordExpression = new RegExp(wordPattern, "gu");

/**
 * Lower-cased words; every punctuation mark is a token of its own: "Isn't V-neck." ->
 * isn ' t v - neck . — letters, accents and digits of any script make words.
 */
export function tokenise(text: string): string[] {
  // Some lower letters have a composed form where their capitals have none.
  return wordsOf(plainText(text).toLowerCase().normalize("NFC"));
}

/** Is there anything in a text that makes a token? */
export function hasWords(text: string): boolean {
  return /[^\s\p{C}]/u.test(text);
}

/** Composed letters and one kind of apostrophe. */
function plainText(text: string): string {
  return text.normalize("NFC").replace(/[\u2018\u2019\u00B4`]/g, "'");
}

function wordsOf(text: string): string[] {
  return text.match(wordExpression) ?? [];
}

/** One text from a query's captions: trimmed, empty ones left out, "and" between them. */
export function joinCaptions(captions: readonly string[]): string {
  return captions
    .map((caption) => caption.trim())
    .filter((caption) => caption !== "")
    .join(" and ");
}

/** How a vocabulary is chosen. */
export interface VocabularyOptions {
  /** Words that occur less often are unknown. */
  readonly minCount?: number;
}

/** Token 0 is padding, 1 an unknown word; the words follow, most frequent first, then by spelling. */
export class Vocabulary implements Tokeniser {
  /** The known words; `words[i]` has token `i + 2`. */
  readonly words: readonly string[];
  readonly #tokens: ReadonlyMap<string, number>;

  constructor(words: readonly string[]) {
    this.words = words;
    this.#tokens = new Map(words.map((word, i) => [word, i + reservedTokenCount]));
  }

  /** The words of `texts`; give it the training texts as they are encoded, joining words included. */
  static fromTexts(texts: Iterable<string>, { minCount = 1 }: VocabularyOptions = {}): Vocabulary {
    const counts = new Map<string, number>();
    for (const text of texts) {
      for (const word of tokenise(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    const kept = [...counts].filter(([, count]) => count >= minCount);
    kept.sort(([a, countOfA], [b, countOfB]) => countOfB - countOfA || (a < b ? -1 : 1));
    return new Vocabulary(kept.map(([word]) => word));
  }

  /** Reads what `save` wrote. @throws RunError when the file is missing or wrong. */
  static load(file: string): Vocabulary {
    const { words } = readJsonSync(file, savedVocabulary, ({ got, cause }) => {
      throw new RunError(
        `${file}: not a saved vocabulary; got ${got}; copy the whole run folder again, or train anew`,
        { cause },
      );
    });
    return new Vocabulary(words);
  }

  /** From what `save` wrote. @throws SyntaxError, ZodError for anything else. */
  static parse(json: string): Vocabulary {
    return new Vocabulary(savedVocabulary.parse(JSON.parse(json)).words);
  }

  /** Writes `toJson`. @throws EnvironmentError when the disk is full or not writable. */
  save(file: string): void {
    writeWholeSync(file, this.toJson());
  }

  /** `{"words": [...]}` */
  toJson(): string {
    return `${JSON.stringify({ words: this.words })}\n`;
  }

  /** Number of tokens, the two reserved ones included: the rows of a word-vector table. */
  get size(): number {
    return this.words.length + reservedTokenCount;
  }

  /** Token of a word. */
  tokenOf(word: string): number {
    return this.#tokens.get(word) ?? unknownToken;
  }

  /** Words and symbols of a text that have no token of their own, as they are written there, each once; no punctuation. */
  unknownWords(text: string): string[] {
    const tokens = tokenise(text);
    const written = wordsOf(plainText(text));
    const shown = written.length === tokens.length ? written : tokens; // a letter whose lower case is no letter
    return [...new Set(shown.filter((word, i) => this.#isUnknown(tokens[i] ?? "") && !isPunctuation(word)))];
  }

  piecesOf(text: string): readonly string[] {
    return tokenise(text);
  }

  #isUnknown(word: string): boolean {
    return this.tokenOf(word) === unknownToken;
  }

  /**
   * A text (or its words) as `maxWords` tokens; words past that are cut off, and a text without
   * words is one unknown word, so that every text has a word to look at.
   */
  encode(text: string | readonly string[], maxWords: number): EncodedText {
    if (!Number.isInteger(maxWords) || maxWords < 1) {
      throw new RangeError(`Vocabulary.encode: maxWords must be a whole number from 1; got ${maxWords}`);
    }
    const words = typeof text === "string" ? tokenise(text) : text;
    const known =
      words.length > 0 ? words.slice(0, maxWords).map((word) => this.tokenOf(word)) : [unknownToken];
    const padding = new Array<number>(maxWords - known.length).fill(paddingToken);
    return { tokens: [...known, ...padding], length: known.length };
  }
}

function isPunctuation(word: string): boolean {
  return /^\p{P}$/u.test(word);
}

const savedVocabulary = z.object({
  words: z
    .array(z.string().min(1))
    .refine((words) => new Set(words).size === words.length, "a word occurs twice"),
});
