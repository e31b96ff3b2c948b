// Texts as tokens: any string, and any file that calls itself a vocabulary.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Disagreement } from "../disagreement.mjs";
import { mutated } from "../mutate.mjs";
import { joinCaptions, tokenise, Vocabulary } from "../project.mjs";

const maxWords = 7;
const pieces = [
  "is red",
  " ",
  "Isn't V-neck.",
  "\u2019",
  "\0",
  "\uD83D",
  "\uDC57",
  "\u{1F457}",
  "e\u0301",
  "\u0301",
  "\u0130",
  "H\u0331",
  "\uFEFF",
  "\u200B",
  "\u202E",
  "ﬁ",
  "ß",
  "Σ",
  "ΑΣ",
  "한",
  "\u1112\u1161\u11ab",
  "١٢",
  "\n",
  "x".repeat(3000),
  "\u0345",
  "Ω",
  "constructor",
  "__proto__",
];
const seeds = [Buffer.from('{"words":["is","red","blue","with"]}\n')];
const words = ['"', ",", "[]", "{", "null", "is", '""', "\\ud83d"];

export const tokeniser = {
  memoryMib: 128,
  async open(scratch) {
    const file = join(scratch, "vocabulary.json");
    const vocabulary = new Vocabulary(["is", "red", "'", "constructor"]);
    return {
      make(random) {
        if (random.chance(0.3)) return Buffer.concat([Buffer.from("file:"), mutated(random, seeds, words)]);
        const text = Array.from({ length: random.integer(9) }, () =>
          random.chance(0.6) ? random.pick(pieces) : String.fromCharCode(random.integer(0x10000)),
        );
        return Buffer.from(`text:${text.join("")}`, "utf16le");
      },
      async check(bytes) {
        if (bytes.subarray(0, 5).toString() !== "file:")
          return checkText(vocabulary, bytes.toString("utf16le").slice(5));
        writeFileSync(file, bytes.subarray(5));
        checkText(Vocabulary.load(file), "is red with");
      },
      async close() {},
    };
  },
};

function checkText(vocabulary, text) {
  const tokens = tokenise(text);
  const again = tokenise(tokens.join(" "));
  if (JSON.stringify(again) !== JSON.stringify(tokens))
    throw new Disagreement(`tokens of tokens differ: ${JSON.stringify(tokens)}, ${JSON.stringify(again)}`);
  const composed = tokenise(text.normalize("NFD"));
  if (JSON.stringify(composed) !== JSON.stringify(tokens))
    throw new Disagreement(
      `decomposed text has other tokens: ${JSON.stringify(tokens)}, ${JSON.stringify(composed)}`,
    );
  const { tokens: numbers, length } = vocabulary.encode(text, maxWords);
  const isRight =
    numbers.length === maxWords &&
    length >= 1 &&
    length <= maxWords &&
    numbers.every((token, i) => (i < length ? token > 0 : token === 0) && token < vocabulary.size);
  if (!isRight) throw new Disagreement(`encoded wrongly: ${numbers}, length ${length}`);
  vocabulary.unknownWords(text);
  joinCaptions([text, text]);
}
