import { describe, expect, it } from "vitest";
import {
  imageFeatures,
  modelOf,
  normalTensor,
  numbersOf,
  padded,
  textFeatures,
} from "../../../tests/fixtures/drawn-features.js";
import { Random } from "../../engine/tensor/random.js";
import { ConfigError } from "../../errors.js";
import { ForwardPass } from "../../nn/forward-pass.js";
import type { Mcr } from "./mcr.js";

const [batch, regionCount, width] = [3, 5, 6];
const random = new Random(1);
const model = modelOf<Mcr>("mcr", { embedDim: width, heads: 2, consistencyWeight: 0.25 });
const [reference, target] = [1, 2].map(() =>
  imageFeatures(normalTensor(random, [batch, regionCount, width])),
) as [ReturnType<typeof imageFeatures>, ReturnType<typeof imageFeatures>];
const words = normalTensor(random, [batch, 4, width]);
const pass = ForwardPass.inference();

describe("MCR", () => {
  it("gives the same query however much padding follows the words", async () => {
    const lengths = [4, 1, 3];
    const short = await numbersOf(model.compose(reference, textFeatures(words, lengths), pass).q);
    const long = await numbersOf(model.compose(reference, textFeatures(padded(words, 3), lengths), pass).q);
    for (const [i, value] of long.entries()) expect(value).toBeCloseTo(short[i] ?? Number.NaN, 5);
    const other = await numbersOf(model.compose(reference, textFeatures(words, [4, 2, 3]), pass).q);
    expect(other.slice(width, 2 * width)).not.toEqual(short.slice(width, 2 * width));
  });

  it("classifies captions by steps and steps by captions", async () => {
    const text = textFeatures(words, [4, 4, 4]);
    const composition = model.compose(reference, text, pass);
    const targetEmbedding = model.embedTarget(target, pass);
    const parts = model.losses({ composition, reference, text, target, targetEmbedding }, pass);
    expect(parts.map(({ name, weight }) => [name, weight])).toEqual([
      ["classification", 1],
      ["captions", 0.25],
    ]);
    const steps = await numbersOf(model.relative(target.embedding, reference.embedding));
    const sentences = await numbersOf(text.sentence);
    const row = (of: readonly number[], i: number) => of.slice(i * width, (i + 1) * width);
    const cosine = (a: readonly number[], b: readonly number[]) =>
      a.reduce((sum, value, d) => sum + value * (b[d] ?? 0), 0) / (Math.hypot(...a) * Math.hypot(...b));
    const scores = [0, 1, 2].map((i) => [0, 1, 2].map((j) => 10 * cosine(row(sentences, i), row(steps, j))));
    const surprise = (of: readonly number[], own: number) =>
      Math.log(of.reduce((sum, value) => sum + Math.exp(value), 0)) - (of[own] ?? 0);
    const columns = [0, 1, 2].map((j) => scores.map((of) => of[j] ?? 0));
    const mean = (of: readonly (readonly number[])[]) =>
      of.reduce((sum, one, i) => sum + surprise(one, i), 0) / batch;
    const value = parts[1]?.value;
    expect(value && (await numbersOf(value))[0]).toBeCloseTo((mean(scores) + mean(columns)) / 2, 4);
  });

  it("refuses heads that do not divide the width", () => {
    expect(() => modelOf("mcr", { embedDim: 6, heads: 4 })).toThrow(ConfigError);
    expect(() => modelOf("mcr", { embedDim: 6, heads: 4 })).toThrow(/embedDim 6, heads 4/);
  });
});
