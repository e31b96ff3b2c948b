import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { WeightsError } from "../errors.js";
import { readWordVectors } from "./word-vectors.js";

const folder = mkdtempSync(join(tmpdir(), "words-"));
afterAll(() => rmSync(folder, { recursive: true }));
const read = (content: string | Uint8Array, ...wanted: string[]) => {
  const file = join(folder, "words.txt");
  writeFileSync(file, content);
  return readWordVectors(file, new Set(wanted));
};

describe("readWordVectors", () => {
  it("keeps the wanted words of GloVe's format, and counts the others", async () => {
    const text = "the 0.5 -1 2e-1\nred 1 2 3\né 4 5 6\n' 7 8 9";
    const { dim, vectors, lineCount, sha256 } = await read(text, "é", "'", "the", "blue");
    expect([dim, lineCount]).toEqual([3, 4]);
    expect([...vectors]).toEqual([
      ["the", Float32Array.of(0.5, -1, 0.2)],
      ["é", Float32Array.of(4, 5, 6)],
      ["'", Float32Array.of(7, 8, 9)],
    ]);
    expect(sha256).toBe(createHash("sha256").update(text).digest("hex"));
  });

  it("takes word2vec's header, spaces and carriage returns at line ends, and words that are numbers", async () => {
    const { dim, vectors, lineCount } = await read("2 3\r\nred 1 2 3 \r\n90 4 5 6 \r\n", "red", "90");
    expect([dim, lineCount]).toEqual([3, 2]);
    expect(vectors.get("90")).toEqual(Float32Array.of(4, 5, 6));
    expect((await read("7 1 2\n8 3 4\n", "7")).vectors.get("7")).toEqual(Float32Array.of(1, 2));
  });

  it("takes words with spaces, on the first line too", async () => {
    const { dim, vectors } = await read(". . . 1 2\nat name@domain.com 3 4\nred 5 6\n", "red", ". . .", "at");
    expect(dim).toBe(2);
    expect([...vectors.keys()]).toEqual([". . .", "red"]);
    expect(vectors.get(". . .")).toEqual(Float32Array.of(1, 2));
  });

  it("keeps the first of two vectors of a word", async () => {
    expect((await read("red 1\nred 2\n", "red")).vectors.get("red")).toEqual(Float32Array.of(1));
  });

  it("reads lines that cross the pieces of a large file", async () => {
    const lines = Array.from({ length: 60_000 }, (_, i) => `w${i} ${i} ${"0.12345678 ".repeat(5)}-${i}`);
    const { vectors, lineCount, dim } = await read(`${lines.join("\n")}\n`, "w0", "w31234", "w59999");
    expect([dim, lineCount]).toEqual([7, 60_000]);
    for (const i of [0, 31_234, 59_999]) {
      expect(vectors.get(`w${i}`)?.[0]).toBe(i);
      expect(vectors.get(`w${i}`)?.[6]).toBe(-i);
    }
  });

  it.each([
    ["too few numbers", "red 1 2\nblue 1\n", /line 2 must be a word and 2 numbers.*got 2 fields/],
    ["an empty line", "red 1 2\n\nblue 1 2\n", /line 2 must be/],
    [
      "a word in place of a number",
      "red 1 2\nblue 1 x\n",
      /line 2 number 2 of "blue" must be finite; got "x"/,
    ],
    ["infinity", "red 1 2\nblue 1 1e400\n", /line 2 number 2/],
    ["text", "hello world\n", /line 1 must be a word and numbers/],
    ["an empty file", "", /is empty/],
    ["a file without lines", "x".repeat(2 ** 20 + 2), /line 1 is longer/],
  ])("refuses %s, naming the line", async (_, content, message) => {
    await expect(read(content, "red", "blue")).rejects.toThrow(message);
    await expect(read(content, "red", "blue")).rejects.toThrow(WeightsError);
  });

  it("refuses a missing file", async () => {
    await expect(readWordVectors(join(folder, "none"), new Set())).rejects.toThrow(/cannot be read.*ENOENT/);
  });

  it("reads or refuses any bytes", async () => {
    const piece = fc.oneof(
      fc.constantFrom("red", " ", "\n", "1", "2.5", "2 2\n", "red 1 2\n", "\r"),
      fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 30 }), async (pieces) => {
        try {
          const { dim, vectors } = await read(Buffer.from(pieces.join(""), "latin1"), "red");
          expect(vectors.get("red")?.length ?? dim).toBe(dim);
        } catch (error) {
          expect(error).toBeInstanceOf(WeightsError);
        }
      }),
      { numRuns: 500, seed: 1 },
    );
  });
});
