/** What training starts from besides random values: a pretrained backbone, and word vectors. */
import { basename } from "node:path";
import type { Random } from "../engine/tensor/random.js";
import { WeightsError } from "../errors.js";
import { sha256OfFile } from "../files/sha256.js";
import type { CompositionModel } from "../models/composition-model.js";
import { formatCount } from "../number-text.js";
import type { InitialWeightsRecord } from "../runs/run-files.js";
import { tokenise, type Vocabulary } from "../text/vocabulary.js";
import { readWeights } from "../weights/read-weights.js";
import { readWordVectors } from "../weights/word-vectors.js";

/** Files to start from. */
export interface InitialWeights {
  /** A ResNet's weights: safetensors, or torch.save's. */
  readonly backboneWeights?: string | undefined;
  /** Word vectors in GloVe's text format. */
  readonly wordVectors?: string | undefined;
}

export interface InitialWeightsOptions {
  readonly vocabulary: Vocabulary;
  /** The training texts, for the share of words that have a vector. */
  readonly texts: readonly string[];
  /** Draws the vectors of words that the file lacks. */
  readonly random: Random;
  /** Of the configuration: what the backbone's batch norms do. */
  readonly backboneStatistics: unknown;
  /** Told what was read, found and passed over. */
  readonly note: (text: string) => void;
}

/**
 * Puts the files' values into `model`.
 * @returns what a run's manifest says of them; undefined where there was no file.
 * @throws WeightsError for a file that cannot be used, StateDictError that lists all differences to the backbone.
 */
export async function loadInitialWeights(
  model: CompositionModel,
  { backboneWeights, wordVectors }: InitialWeights,
  options: InitialWeightsOptions,
): Promise<InitialWeightsRecord | undefined> {
  if (backboneWeights === undefined && wordVectors === undefined) return undefined;
  return {
    backboneWeights:
      backboneWeights === undefined ? undefined : await loadBackbone(model, backboneWeights, options),
    wordVectors: wordVectors === undefined ? undefined : await loadWords(model, wordVectors, options),
  };
}

async function loadBackbone(
  model: CompositionModel,
  file: string,
  { backboneStatistics, note }: InitialWeightsOptions,
): Promise<InitialWeightsRecord["backboneWeights"]> {
  const { tensors, format } = await readWeights(file);
  const { network, ignored } = model.image.backbone.loadWeights(tensors, file);
  const sha256 = await sha256OfFile(file);
  const passedOver = ignored.length > 0 ? `; ignored: ${ignored.join(", ")}` : "";
  note(`backbone: ${network} of ${file} (${format})${passedOver}`);
  if (backboneStatistics === "batch") {
    note(
      "backbone: its batch norms follow the batch, which spoils pretrained weights; consider --set backboneStatistics=frozen",
    );
  }
  return { file: basename(file), sha256, format };
}

async function loadWords(
  model: CompositionModel,
  file: string,
  { vocabulary, texts, random, note }: InitialWeightsOptions,
): Promise<InitialWeightsRecord["wordVectors"]> {
  const table = model.text.wordVectors;
  if (!table)
    throw new WeightsError(
      `${file}: this model's text encoder has no word vectors; leave --word-vectors out`,
    );
  const wordDim = table.dim(1);
  const { dim, vectors, sha256 } = await readWordVectors(file, new Set(vocabulary.words));
  if (dim !== wordDim) {
    throw new WeightsError(
      `${file}: its vectors must have the model's wordDim of ${wordDim} numbers; got ${dim}; choose with --set wordDim=${dim}`,
    );
  }
  if (vectors.size === 0) {
    throw new WeightsError(
      `${file}: has none of the ${vocabulary.words.length} words of the training texts; is it of their language?`,
    );
  }
  table.data = wordTable(vocabulary, vectors, { dim, random });
  let [occurrences, occurrencesFound] = [0, 0];
  for (const word of texts.flatMap(tokenise)) {
    occurrences += 1;
    if (vectors.has(word)) occurrencesFound += 1;
  }
  const coverage = {
    words: vocabulary.words.length,
    wordsFound: vectors.size,
    occurrences,
    occurrencesFound,
  };
  note(`word vectors: ${describeCoverage(coverage)}; the others start from random ones`);
  return { file: basename(file), sha256, ...coverage };
}

/**
 * A row of `dim` numbers for each token: [vocabulary.size, dim]. Words without a vector, the unknown word and the
 * padding get normal random numbers whose deviation is the root mean square of the vectors that are there.
 */
export function wordTable(
  vocabulary: Vocabulary,
  vectors: ReadonlyMap<string, Float32Array>,
  { dim, random }: { readonly dim: number; readonly random: Random },
): Float32Array {
  let squares = 0;
  for (const vector of vectors.values()) for (const value of vector) squares += value * value;
  const deviation = Math.sqrt(squares / Math.max(1, vectors.size * dim));
  const table = Float32Array.from({ length: vocabulary.size * dim }, () => deviation * random.normal());
  for (const [word, vector] of vectors) table.set(vector, vocabulary.tokenOf(word) * dim);
  return table;
}

/** "4,200 of 4,917 words found, 97.1 % of the words in the texts" */
function describeCoverage({
  words,
  wordsFound,
  occurrences,
  occurrencesFound,
}: Pick<
  NonNullable<InitialWeightsRecord["wordVectors"]>,
  "words" | "wordsFound" | "occurrences" | "occurrencesFound"
>): string {
  const percent = (100 * occurrencesFound) / Math.max(1, occurrences);
  return `${formatCount(wordsFound)} of ${formatCount(words)} words found, ${percent.toFixed(1)} % of the words in the texts`;
}
