import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Random } from "../engine/tensor/random.js";
import { float32 } from "../engine/tensor/tensor.js";
import { StateDictError, WeightsError } from "../errors.js";
import { ResNet } from "../models/backbones/resnet.js";
import { createModel } from "../models/registry.js";
import { writeSafetensors } from "../tensor-files/safetensors.js";
import { Vocabulary } from "../text/vocabulary.js";
import { loadInitialWeights, wordTable } from "./initial-weights.js";

const folder = mkdtempSync(join(tmpdir(), "initial-"));
afterAll(() => rmSync(folder, { recursive: true }));

const texts = ["is red and long", "red , red"];
const vocabulary = Vocabulary.fromTexts(texts);
const [red, and] = [vocabulary.tokenOf("red"), vocabulary.tokenOf("and")];

const pretrained = new ResNet("resnet18", new Random(9), { width: 1 / 64 });
const backboneWeights = join(folder, "resnet18.safetensors");
writeSafetensors(backboneWeights, new Map([...pretrained.stateDict(), ["fc.bias", float32([2], [1, 2])]]));
const wordVectors = join(folder, "glove.txt");
writeFileSync(wordVectors, "red 1 2 3\nand 4 5 6\nblue 7 8 9\n");

const small = () =>
  createModel(
    "sum",
    { backbone: "resnet18", backboneWidth: 1 / 64, embedDim: 5, wordDim: 3 },
    { vocabularySize: vocabulary.size, random: new Random(1), imagePx: 64 },
  );
async function load(files: Parameters<typeof loadInitialWeights>[1], backboneStatistics = "frozen") {
  const [model, notes] = [small(), [] as string[]];
  const record = await loadInitialWeights(model, files, {
    vocabulary,
    texts,
    random: new Random(2),
    backboneStatistics,
    note: (text) => notes.push(text),
  });
  return { model, notes: notes.join("\n"), record };
}
const sha256 = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");

describe("loadInitialWeights", () => {
  it("does nothing without files", async () => {
    const { model, record } = await load({});
    expect(record).toBeUndefined();
    expect(model.stateDict()).toEqual(small().stateDict());
  });

  it("puts the backbone's values where they belong, and says what it ignored", async () => {
    const { model, record, notes } = await load({ backboneWeights });
    expect(model.image.backbone.stateDict()).toEqual(pretrained.stateDict());
    expect(model.text.stateDict()).toEqual(small().text.stateDict());
    expect(record).toEqual({
      backboneWeights: {
        file: "resnet18.safetensors",
        sha256: sha256(backboneWeights),
        format: "safetensors",
      },
    });
    expect(notes).toMatch(/ignored: fc\.bias$/);
  });

  it("advises to freeze batch norm's statistics where they follow the batch", async () => {
    expect((await load({ backboneWeights }, "batch")).notes).toMatch(/--set backboneStatistics=frozen/);
  });

  it("puts each word's vector in its row, and reports coverage by words and by occurrences", async () => {
    const { model, record, notes } = await load({ wordVectors });
    const { data = new Float32Array() } = model.text.wordVectors ?? {};
    expect(data.slice(red * 3, red * 3 + 3)).toEqual(Float32Array.of(1, 2, 3));
    expect(data.slice(and * 3, and * 3 + 3)).toEqual(Float32Array.of(4, 5, 6));
    // is, red, and, long, "," are the words; red occurs three times, "and" once, of seven words in all.
    const coverage = { words: 5, wordsFound: 2, occurrences: 7, occurrencesFound: 4 };
    expect(record).toEqual({
      wordVectors: { file: "glove.txt", sha256: sha256(wordVectors), ...coverage },
    });
    expect(notes).toMatch(/2 of 5 words found, 57\.1 % of the words in the texts/);
  });

  it("refuses vectors of another width, and files without any of the words", async () => {
    const narrow = join(folder, "narrow.txt");
    writeFileSync(narrow, "red 1 2\n");
    await expect(load({ wordVectors: narrow })).rejects.toThrow(
      /wordDim of 3 numbers; got 2; choose with --set wordDim=2/,
    );
    const other = join(folder, "other.txt");
    writeFileSync(other, "rot 1 2 3\n");
    await expect(load({ wordVectors: other })).rejects.toThrow(WeightsError);
  });

  it("refuses weights of another network", async () => {
    const wide = join(folder, "wide.safetensors");
    writeSafetensors(wide, new ResNet("resnet18", new Random(1), { width: 1 / 32 }).stateDict());
    await expect(load({ backboneWeights: wide })).rejects.toThrow(StateDictError);
  });
});

describe("wordTable", () => {
  it("draws missing words at the scale of the found ones, the same for the same seed", () => {
    const many = new Vocabulary(Array.from({ length: 2000 }, (_, i) => `w${i}`));
    const vectors = new Map([["w3", Float32Array.of(0.3, -0.4)]]); // root mean square 0.3536
    const table = wordTable(many, vectors, { dim: 2, random: new Random(5) });
    expect(table.length).toBe(2002 * 2);
    expect([...table.slice(10, 12)]).toEqual([...Float32Array.of(0.3, -0.4)]);
    const deviation = Math.sqrt(table.reduce((sum, value) => sum + value * value, 0) / table.length);
    expect(deviation).toBeCloseTo(0.3536, 1);
    expect(wordTable(many, vectors, { dim: 2, random: new Random(5) })).toEqual(table);
    expect(wordTable(many, vectors, { dim: 2, random: new Random(6) })).not.toEqual(table);
  });
});
