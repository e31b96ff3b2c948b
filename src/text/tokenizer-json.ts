/** Reads a model folder's tokenizer.json. Whoever made the file is not trusted. */
import { join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { z } from "zod";
import { WeightsError } from "../errors.js";
import { readJsonSync } from "../files/read-json.js";
import { type TextRuleName, textRules } from "./text-rules.js";

export const tokenizerFile = "tokenizer.json";

/** Twice Gemma's, the largest of a tower that is read. */
const maxFileBytes = 64 * 2 ** 20;
const maxTokens = 2 ** 20;

const id = z.number().int().nonnegative().max(maxTokens);
const schema = z.looseObject({
  model: z.discriminatedUnion("type", [
    z.looseObject({
      type: z.literal("BPE"),
      vocab: z.record(z.string(), id),
      merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
    }),
    z.looseObject({
      type: z.literal("Unigram"),
      vocab: z.array(z.tuple([z.string(), z.number()])).max(maxTokens),
      unk_id: id,
    }),
  ]),
  added_tokens: z.array(z.looseObject({ id, content: z.string().min(1) })).default([]),
});
type TokenizerJson = z.infer<typeof schema>;

/** What is used of the library. Its own types import each other without endings, which NodeNext does not follow. */
export interface LibraryTokenizer {
  tokenize(text: string): string[];
  token_to_id(token: string): number | undefined;
  decode(ids: readonly number[]): string;
}

/** A tokenizer.json, ready to use. */
export interface OpenedTokenizer {
  readonly library: LibraryTokenizer;
  /** One more than the highest id. */
  readonly size: number;
  readonly model: "BPE" | "Unigram";
  /** Id of what the vocabulary lacks; undefined where nothing is lacking. */
  readonly unknownId: number | undefined;
}

/** @throws WeightsError when the file is missing, too large, or no tokenizer of a kind that is read. */
export function openTokenizerJson(folder: string): OpenedTokenizer {
  const file = join(folder, tokenizerFile);
  const nextStep =
    "give the folder of a CLIP or SigLIP model with its tokenizer.json, as it is downloaded; " +
    "from vocab.json and merges.txt alone, AutoTokenizer's save_pretrained writes one";
  const json = readJsonSync(
    file,
    schema,
    ({ kind, got, cause }) => {
      const reason =
        kind === "missing" ? "there is no such file" : `is not a tokenizer that is read; got ${got}`;
      throw new WeightsError(`${file}: ${reason}; ${nextStep}`, { cause });
    },
    { maxBytes: maxFileBytes },
  );
  try {
    const library: LibraryTokenizer = new Tokenizer(whole(json), {});
    const { model } = json;
    const unknown = model.type === "Unigram" ? model.unk_id : library.token_to_id(String(model.unk_token));
    return { library, size: sizeOf(json), model: model.type, unknownId: unknown };
  } catch (cause) {
    throw new WeightsError(`${file}: is not a tokenizer that is read; got ${cause}; ${nextStep}`, { cause });
  }
}

/**
 * The rule of a tower's texts. SigLIP 2 of fixed size calls itself SigLIP; its pieces, Gemma's, are merged in pairs.
 * @throws WeightsError when the tokenizer lacks the rule's tokens: it belongs to another family.
 */
export function textRuleOf(
  family: "clip" | "siglip",
  tokenizer: OpenedTokenizer,
  folder: string,
): TextRuleName {
  const name = family === "siglip" && tokenizer.model === "BPE" ? "siglip2" : family;
  const { start, end, padding } = textRules[name];
  const needed = start === undefined ? [end, padding] : [start, end, padding];
  const missing = needed.filter((token) => tokenizer.library.token_to_id(token) === undefined);
  if (missing.length > 0) {
    throw new WeightsError(
      `${join(folder, tokenizerFile)}: is no tokenizer of ${name}; it lacks ${missing.join(", ")}; ` +
        "give the tokenizer of the same model",
    );
  }
  return name;
}

function sizeOf({ model, added_tokens: added }: TokenizerJson): number {
  const own = Array.isArray(model.vocab) ? [model.vocab.length - 1] : Object.values(model.vocab);
  return [...own, ...added.map((token) => token.id)].reduce((most, value) => Math.max(most, value), -1) + 1;
}

/** The library wants every part to be named, null where there is none. */
function whole(json: TokenizerJson): object {
  return { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null, ...json };
}
