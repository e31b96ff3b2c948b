/** Word vectors in GloVe's text format: read as a stream, only the wanted words are kept. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { WeightsError } from "../errors.js";

/** What a file of word vectors gives for some words. */
export interface WordVectors {
  /** Elements of a vector. */
  readonly dim: number;
  /** Of the wanted words that are there. Where a word stands twice, the first counts. */
  readonly vectors: ReadonlyMap<string, Float32Array>;
  /** Vectors in the file. */
  readonly lineCount: number;
  /** Of the whole file, in hexadecimal digits. */
  readonly sha256: string;
}

/** Vectors of 8192 numbers of 20 digits take 0.2 MB. */
const maxLineBytes = 2 ** 20;
const [lineBreak, carriageReturn, space] = [10, 13, 32];

/**
 * Reads lines `word number number ...`, separated by spaces; a first line `count dim` as word2vec writes it is passed
 * over. Words may contain spaces (glove.840B has `. . .`): the last `dim` fields are numbers. The numbers of words that
 * are not wanted are counted, not read.
 * @throws WeightsError naming the file, the line, and what is wrong with it.
 */
export async function readWordVectors(file: string, wanted: ReadonlySet<string>): Promise<WordVectors> {
  const hash = createHash("sha256");
  const parser = new LineParser(file, wanted);
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 20 }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let start = 0;
      for (let end = bytes.indexOf(lineBreak); end >= 0; end = bytes.indexOf(lineBreak, start)) {
        parser.line(bytes.subarray(start, end));
        start = end + 1;
      }
      rest = bytes.subarray(start);
      if (rest.length > maxLineBytes) parser.refuseLong();
    }
  } catch (cause) {
    if (cause instanceof WeightsError) throw cause;
    throw new WeightsError(`${file}: cannot be read; got ${(cause as Error).message}; check the path`, {
      cause,
    });
  }
  if (rest.length > 0) parser.line(rest);
  return { ...parser.result(), sha256: hash.digest("hex") };
}

class LineParser {
  readonly #file: string;
  readonly #wanted: ReadonlySet<string>;
  readonly #vectors = new Map<string, Float32Array>();
  #lineNumber = 0;
  #lineCount = 0;
  #dim: number | undefined;

  constructor(file: string, wanted: ReadonlySet<string>) {
    this.#file = file;
    this.#wanted = wanted;
  }

  line(bytes: Buffer): void {
    this.#lineNumber += 1;
    let end = bytes.length;
    while (end > 0 && (bytes[end - 1] === space || bytes[end - 1] === carriageReturn)) end -= 1;
    if (this.#lineNumber === 1) {
      const fields = bytes.toString("utf8", 0, end).split(" ");
      const [count = "", headerDim = ""] = fields;
      if (fields.length === 2 && /^\d+$/.test(count) && /^[1-9]\d{0,4}$/.test(headerDim)) {
        this.#dim = Number(headerDim);
        return;
      }
      this.#dim = numbersAtEnd(fields);
      if (this.#dim === 0) this.#fail(`must be a word and numbers, as GloVe's text files have them`);
    }
    this.#vector(bytes, end, this.#dim ?? 0);
  }

  #vector(bytes: Buffer, end: number, dim: number): void {
    let spaces = 0;
    for (let i = 0; i < end; i += 1) if (bytes[i] === space) spaces += 1;
    if (spaces < dim) this.#fail(`must be a word and ${dim} numbers, as the first; got ${spaces + 1} fields`);
    let wordEnd = -1;
    for (let left = spaces - dim + 1; left > 0; left -= 1) wordEnd = bytes.indexOf(space, wordEnd + 1);
    this.#lineCount += 1;
    const word = bytes.toString("utf8", 0, wordEnd);
    if (!this.#wanted.has(word) || this.#vectors.has(word)) return;
    const vector = new Float32Array(dim);
    for (const [i, text] of bytes
      .toString("latin1", wordEnd + 1, end)
      .split(" ")
      .entries()) {
      vector[i] = text === "" ? Number.NaN : Number(text);
      if (!Number.isFinite(vector[i]))
        this.#fail(`number ${i + 1} of "${word}" must be finite; got "${text}"`);
    }
    this.#vectors.set(word, vector);
  }

  /** The line after the last one does not end. */
  refuseLong(): never {
    this.#lineNumber += 1;
    this.#fail(`is longer than ${maxLineBytes} bytes`);
  }

  #fail(reason: string): never {
    throw new WeightsError(
      `${this.#file}: line ${this.#lineNumber} ${reason}; check that the file is whole, in GloVe's text format`,
    );
  }

  result(): Omit<WordVectors, "sha256"> {
    if (this.#dim === undefined) throw new WeightsError(`${this.#file}: is empty; check the path`);
    return { dim: this.#dim, vectors: this.#vectors, lineCount: this.#lineCount };
  }
}

/** How many fields at the end are numbers, the first field left out. */
function numbersAtEnd(fields: readonly string[]): number {
  let count = 0;
  while (count < fields.length - 1) {
    const field = fields.at(-1 - count) ?? "";
    if (field === "" || !Number.isFinite(Number(field))) break;
    count += 1;
  }
  return count;
}
