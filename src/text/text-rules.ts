/** What pretrained text towers were trained to read: how a text is written before it is cut into tokens, and how it ends. */

/** How the texts of a tower are made into tokens. */
export interface TextRule {
  /** Token before every text; undefined without one. */
  readonly start?: string;
  /** Token after every text, which is kept where a text is cut. */
  readonly end: string;
  /** Token of the places after the end. */
  readonly padding: string;
  /** The text as the tower's training had it. */
  readonly canonical: (text: string, options: TextRuleOptions) => string;
}

export interface TextRuleOptions {
  /** SigLIP deletes punctuation: "white/black" becomes "whiteblack". With this, "/" and "-" become spaces first. */
  readonly separatorsAsSpaces?: boolean;
}

export type TextRuleName = "clip" | "siglip" | "siglip2";

/** Python's string.punctuation. */
const punctuation = /[!-/:-@[-`{-~]/g;
const separators = /[/-]/g;

/**
 * CLIP: the tokenizer's own file lower-cases and composes. The authors also repair broken encodings and decode HTML
 * entities; neither is done here. SigLIP: as big_vision's canonicalize. SigLIP2: lower case, punctuation stays; the start
 * token that Gemma's file adds is left out. A space before the first word would become a token of its own everywhere.
 */
export const textRules: Readonly<Record<TextRuleName, TextRule>> = {
  clip: {
    start: "<|startoftext|>",
    end: "<|endoftext|>",
    padding: "<|endoftext|>",
    canonical: spaced,
  },
  siglip: {
    end: "</s>",
    padding: "</s>",
    canonical: (text, { separatorsAsSpaces = false }) => {
      const parted = separatorsAsSpaces ? text.replace(separators, " ") : text;
      return spaced(parted.toLowerCase().replace(punctuation, ""));
    },
  },
  siglip2: { end: "<eos>", padding: "<pad>", canonical: (text) => spaced(text.toLowerCase()) },
};

/** One space wherever there is white space, none at the ends. */
function spaced(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
