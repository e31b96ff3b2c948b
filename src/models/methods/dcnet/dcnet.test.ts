import { describe, expect, it } from "vitest";
import { Input } from "../../../engine/graph/value.js";
import { constant } from "../../../engine/ops/constant.js";
import { runOnce } from "../../../engine/runtime/session.js";
import { Random } from "../../../engine/tensor/random.js";
import { float32, tensor } from "../../../engine/tensor/tensor.js";
import { ForwardPass } from "../../../nn/forward-pass.js";
import type { Linear } from "../../../nn/linear.js";
import { createModel } from "../../registry.js";
import type { Dcnet } from "./dcnet.js";
import { pooled } from "./experts.js";

const width = 3;
const random = new Random(13);
const inference = ForwardPass.inference();

function build(config: Record<string, unknown> = {}): Dcnet {
  const encoders = { backbone: "resnet18", backboneWidth: 1 / 64, embedDim: width, wordDim: 2 };
  const own = { experts: ["layer4", "spatial1"], ...config };
  const surroundings = { vocabularySize: 5, random, imagePx: 64 };
  return createModel("dcnet", { ...encoders, ...own }, surroundings) as Dcnet;
}

const draw = (count: number) => Array.from({ length: count }, () => random.normal());
const relu = (x: readonly number[]) => x.map((value) => Math.max(value, 0));
const unit = (x: readonly number[]) => x.map((value) => value / Math.max(Math.hypot(...x), 1e-12));
const times = (a: readonly number[], b: readonly number[]) => a.map((value, i) => value * (b[i] ?? 0));
const dot = (a: readonly number[], b: readonly number[]) =>
  times(a, b).reduce((sum, value) => sum + value, 0);

function apply({ weight, bias }: Linear, x: readonly number[]): number[] {
  const row = (i: number) => Array.from(weight.data.subarray(i * x.length, (i + 1) * x.length));
  return Array.from({ length: width }, (_, i) => dot(row(i), x) + (bias?.data[i] ?? 0));
}

/** d_e of one pair as the paper writes it. */
function correction(model: Dcnet, expert: string, x: readonly number[], y: readonly number[]): number[] {
  const network = model.composer.correction[expert];
  if (!network) throw new Error(expert);
  const xy = times(x, y);
  const ofTarget = relu(apply(network.trg, [...xy, ...y]));
  const ofReference = relu(apply(network.ref, [...xy, ...x]));
  const difference = ofTarget.map((value, i) => value - (ofReference[i] ?? 0));
  return unit(relu(apply(network.diff, [...x, ...difference, ...y])));
}

describe("DCNet", () => {
  it("scores pairs by composition and by correction, as the formulas say for each pair alone", async () => {
    const model = build();
    model.composer.image_scale.data[0] = 2;
    model.composer.text_scale.data[0] = 7;
    // Two queries, three targets: by expert x, t, c; y of length 1, as an index stores it.
    const queries = [0, 1].map(() => Array.from({ length: 6 }, () => draw(width)));
    const targets = [0, 1, 2].map(() => [relu(draw(width)), relu(draw(width))]);
    const stored = targets.map((parts) => unit(parts.flatMap(unit)));
    const { scores } = await runOnce({
      scores: model.pairScoring.score(
        constant(float32([2, 6 * width], queries.flat(2))),
        constant(float32([3, 2 * width], stored.flat())),
      ),
    });
    for (const [i, query] of queries.entries()) {
      for (const [j, target] of targets.entries()) {
        let expected = 0;
        for (const [e, expert] of ["layer4", "spatial1"].entries()) {
          const [x = [], t = [], c = []] = [query[e], query[2 + e], query[4 + e]];
          const y = unit(target[e] ?? []).map((value) => 2 * value);
          expected += dot(c, y) + 7 * dot(correction(model, expert, x, y), t);
        }
        expect(scores.data[3 * i + j]).toBeCloseTo(expected, 4);
      }
    }
    expect(build({ rerank: 40 }).pairScoring.candidates).toBe(40);
  });

  it("gives embeddings whose dot products order targets by composition", async () => {
    const model = build();
    const level = (rows: number) => ({
      name: "layer4",
      rows,
      columns: rows,
      regions: constant(float32([2, rows * rows, 8], draw(16 * rows * rows).map(Math.abs))),
    });
    const image = (rows: number) => {
      const own = level(rows);
      return { regions: own.regions, embedding: own.regions, rows, columns: rows, levels: [own] };
    };
    const words = constant(float32([2, 2, width], draw(4 * width)));
    const text = {
      words,
      sentence: words,
      mask: constant(tensor("bool", [2, 2], Uint8Array.of(1, 1, 1, 0))),
    };
    const { q, parts: c } = model.compose(image(2), text, inference);
    const { embedding: t, parts: y } = model.embedTarget(image(3), inference);
    if (!c || !y) throw new Error("no parts");
    const found = await runOnce<string>({
      q,
      t,
      c0: c.layer4 ?? q,
      c1: c.spatial1 ?? q,
      y0: y.layer4 ?? q,
      y1: y.spatial1 ?? q,
    });
    const row = (name: string, i: number) => {
      const values = Array.from(found[name]?.data ?? [], Number);
      return values.slice((i * values.length) / 2, ((i + 1) * values.length) / 2);
    };
    for (const i of [0, 1]) {
      for (const j of [0, 1]) {
        const composed = dot(row("c0", i), row("y0", j)) + dot(row("c1", i), row("y1", j));
        expect(25 * dot(row("q", i), row("t", j))).toBeCloseTo(composed, 4);
      }
    }
  });

  it("looks at the cells of a 7x7 map, and at those that their middles fall into at other sizes", async () => {
    const cellOf = async (name: "spatial0" | "spatial3" | "spatial4", rows: number, columns: number) => {
      const values = Array.from({ length: rows * columns }, (_, i) => i);
      const regions = constant(float32([1, rows * columns, 1], values));
      const { p } = await runOnce({ p: pooled(name, { name: "layer4", regions, rows, columns }) });
      return Number(p.data[0]);
    };
    expect(await cellOf("spatial0", 7, 7)).toBe(1 * 7 + 3);
    expect(await cellOf("spatial3", 7, 7)).toBe(3 * 7 + 5);
    expect(await cellOf("spatial4", 2, 3)).toBe(1 * 3 + 1); // rows 5.5 / 7 · 2, columns 3.5 / 7 · 3
    expect(await cellOf("spatial3", 1, 1)).toBe(0);
  });

  it("reads word vectors where it is told to, and nothing behind a text's end", async () => {
    const model = build({ textInput: "embeddings" });
    model.composer.text_experts.layer4?.bias?.data.fill(1); // ReLU lets all of it through
    const tokens = new Input("tokens", "int64", ["batch", "words"]);
    const lengths = new Input("lengths", "int64", ["batch"]);
    const { vectors, mask } = model.encodeText(tokens, lengths);
    if (!vectors) throw new Error("no vectors");
    const [t] = model.composer.sentence(vectors, mask, inference);
    if (!t) throw new Error("no expert");
    const read = async (ids: readonly number[], length: number) => {
      const feeds = {
        tokens: tensor("int64", [1, ids.length], BigInt64Array.from(ids.map(BigInt))),
        lengths: tensor("int64", [1], BigInt64Array.of(BigInt(length))),
      };
      return Array.from((await runOnce({ t }, feeds)).t.data, Number);
    };
    const alone = await read([3, 2], 2);
    const padded = await read([3, 2, 4, 0], 2);
    for (const [d, value] of alone.entries()) expect(padded[d]).toBeCloseTo(value, 5);
    expect(await read([4], 1)).toHaveLength(width);
    expect(await read([2, 3], 2)).not.toEqual(alone);
  });

  it("refuses experts that are there twice, and none", () => {
    expect(() => build({ experts: ["layer4", "layer4"] })).toThrow(/experts: each may be there once/);
    expect(() => build({ experts: [] })).toThrow(/experts/);
  });
});
