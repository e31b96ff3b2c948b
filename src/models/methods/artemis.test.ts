import { describe, expect, it } from "vitest";
import { constant } from "../../engine/ops/constant.js";
import { runOnce } from "../../engine/runtime/session.js";
import { Random } from "../../engine/tensor/random.js";
import { float32 } from "../../engine/tensor/tensor.js";
import { featuresOf } from "../image-encoder.js";
import { createModel } from "../registry.js";
import type { Artemis } from "./artemis.js";

const width = 5;
const random = new Random(7);

function build(): Artemis {
  const config = { backbone: "resnet18", backboneWidth: 1 / 64, embedDim: width, wordDim: 3 };
  return createModel("artemis", config, { vocabularySize: 5, random, imagePx: 64 }) as Artemis;
}

const vector = () => Array.from({ length: width }, () => random.normal());
const unit = (x: readonly number[]) => x.map((value) => value / Math.hypot(...x));
const times = (a: readonly number[], b: readonly number[]) => a.map((value, i) => value * (b[i] ?? 0));
const dot = (a: readonly number[], b: readonly number[]) =>
  times(a, b).reduce((sum, value) => sum + value, 0);

/** W · x + b of a layer. */
function apply({ weight, bias }: Artemis["transform"], x: readonly number[]): number[] {
  return Array.from({ length: width }, (_, row) => {
    const own = Array.from(weight.data.subarray(row * width, (row + 1) * width));
    return dot(own, x) + (bias?.data[row] ?? 0);
  });
}

/** The paper's two networks: linear, ReLU, linear, softmax. */
function attention(layers: readonly Artemis["transform"][], m: readonly number[]): number[] {
  const [first, second] = layers as [Artemis["transform"], Artemis["transform"]];
  const powers = apply(
    second,
    apply(first, m).map((value) => Math.max(value, 0)),
  ).map(Math.exp);
  const total = powers.reduce((sum, value) => sum + value, 0);
  return powers.map((value) => value / total);
}

/** The score as the paper writes it, each pair by itself. */
function naiveScore(model: Artemis, { x, s, t }: Record<"x" | "s" | "t", readonly number[]>): number {
  const [r, m, target] = [unit(x), unit(s), unit(t)];
  const explicit = attention([model.explicit1, model.explicit2], m);
  const implicit = attention([model.implicit1, model.implicit2], m);
  const matching = dot(unit(apply(model.transform, m)), unit(times(explicit, target)));
  return matching + dot(unit(times(implicit, r)), unit(times(implicit, target)));
}

function composed(model: Artemis, x: readonly number[], s: readonly number[]) {
  const sentence = constant(float32([1, width], s));
  const reference = featuresOf(constant(float32([1, 1, width], x)), { rows: 1, columns: 1 });
  return model.compose(reference, { sentence, words: sentence, mask: sentence });
}

describe("ARTEMIS", () => {
  it("scores a pair by explicit matching and implicit similarity, whatever the target's length", async () => {
    const model = build();
    const [x, s, targets] = [vector(), vector(), [vector(), vector(), vector()]];
    const rows = composed(model, x, s).pairRow;
    if (!rows) throw new Error("no row");
    const gallery = constant(float32([3, width], targets.flatMap(unit)));
    const { scores } = await runOnce({ scores: model.pairScoring.score(rows, gallery) });
    const far = constant(
      float32(
        [3, width],
        targets.flat().map((value) => 9 * value),
      ),
    );
    const { similarity } = await runOnce({
      similarity: model.similarity({ q: rows, pairRow: rows }, far, model.scale),
    });
    for (const [i, t] of targets.entries()) {
      expect(scores.data[i]).toBeCloseTo(naiveScore(model, { x, s, t }), 5);
      expect(similarity.data[i]).toBeCloseTo(14 * naiveScore(model, { x, s, t }), 4);
    }
  });

  it("gives a target of zeros a finite score", async () => {
    const model = build();
    const rows = composed(model, vector(), vector()).pairRow;
    if (!rows) throw new Error("no row");
    const { scores } = await runOnce({
      scores: model.pairScoring.score(rows, constant(float32([1, width], new Array(width).fill(0)))),
    });
    expect(scores.data[0]).toBe(0);
  });

  it("scores all of a gallery, with an embedding that orders targets of even channels as the score does", async () => {
    const model = build();
    expect(model.pairScoring.candidates).toBe("all");
    const composition = composed(model, vector(), vector());
    if (!composition.pairRow) throw new Error("no row");
    // Channels of one size and any sign: all t² are alike.
    const targets = Array.from({ length: 8 }, () => unit(vector().map(Math.sign)));
    const gallery = constant(float32([8, width], targets.flat()));
    const { scores, q } = await runOnce({
      scores: model.pairScoring.score(composition.pairRow, gallery),
      q: composition.q,
    });
    for (const [i, t] of targets.entries()) {
      expect(Number(scores.data[i])).toBeCloseTo(Math.sqrt(width) * dot(Array.from(q.data, Number), t), 4);
    }
  });
});
