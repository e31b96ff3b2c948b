import { describe, expect, it } from "vitest";
import { gradients } from "../../../engine/autodiff/gradients.js";
import { Input } from "../../../engine/graph/value.js";
import { constant } from "../../../engine/ops/constant.js";
import { runOnce } from "../../../engine/runtime/session.js";
import { Random } from "../../../engine/tensor/random.js";
import { float32, tensor } from "../../../engine/tensor/tensor.js";
import { ForwardPass } from "../../../nn/forward-pass.js";
import { featuresOf } from "../../image-encoder.js";
import { createModel } from "../../registry.js";
import type { ClvcNet } from "./clvc-net.js";
import { clvcLosses } from "./losses.js";

const width = 16;
const encoders = { backbone: "resnet18", backboneWidth: 1 / 32, embedDim: width, wordDim: 3 };
const random = new Random(11);

function build(config: Record<string, unknown> = {}): ClvcNet {
  return createModel(
    "clvc-net",
    { ...encoders, ...config },
    { vocabularySize: 5, random, imagePx: 64 },
  ) as ClvcNet;
}

const draw = (count: number) => Array.from({ length: count }, () => random.normal());

describe("CLVC-Net", () => {
  it("does not see how much padding follows a text, beyond the two places that its convolutions reach", async () => {
    const model = build();
    // Statistics and shifts that are not those of the start, so that zeros do not stay zeros.
    for (const [name, { data }] of model.state())
      if (/\.bn\.(bias|running_mean)$/.test(name)) data.set(draw(data.length));
    const image = featuresOf(constant(float32([1, 6, width], draw(6 * width))), { rows: 2, columns: 3 });
    const words = draw(3 * width);
    const queryOf = async (places: number) => {
      const isWord = Uint8Array.from({ length: places }, (_, i) => Number(i < 3));
      // What stands at padding must not matter either.
      const all = [...words, ...draw((places - 3) * width)];
      const text = {
        words: constant(float32([1, places, width], all)),
        sentence: constant(float32([1, width], draw(width))),
        mask: constant(tensor("bool", [1, places], isWord)),
      };
      const { q } = model.compose(image, text, ForwardPass.inference());
      return Array.from((await runOnce({ q })).q.data, Number);
    };
    const [shortest, longer] = [await queryOf(5), await queryOf(9)];
    for (const [d, value] of shortest.entries()) expect(longer[d]).toBeCloseTo(value, 5);
    const cut = await queryOf(3);
    expect(Math.max(...cut.map((value, d) => Math.abs(value - (shortest[d] ?? 0))))).toBeGreaterThan(1e-3);
  });

  it("is ranked by the mean of both branches' cosines", async () => {
    const model = build();
    const map = () => featuresOf(constant(float32([2, 4, width], draw(8 * width))), { rows: 2, columns: 2 });
    const text = {
      words: constant(float32([2, 2, width], draw(4 * width))),
      sentence: constant(float32([2, width], draw(2 * width))),
      mask: constant(tensor("bool", [2, 2], Uint8Array.of(1, 1, 1, 0))),
    };
    const query = model.compose(map(), text, ForwardPass.inference());
    const target = model.embedTarget(map());
    const outputs = {
      q: query.q,
      t: target.embedding,
      ql: query.parts.local,
      tl: target.parts.local,
      qg: query.parts.global,
      tg: target.parts.global,
    };
    const { q, t, ql, tl, qg, tg } = await runOnce(outputs);
    const cosine = (a: { data: ArrayLike<unknown> }, b: { data: ArrayLike<unknown> }) => {
      const count = a.data.length / 2; // the first row
      const [x, y] = [a, b].map(({ data }) => Array.from({ length: count }, (_, i) => Number(data[i])));
      const dot = x?.reduce((sum, value, i) => sum + value * (y?.[i] ?? 0), 0) ?? 0;
      return dot / (Math.hypot(...(x ?? [])) * Math.hypot(...(y ?? [])));
    };
    expect(cosine(q, t)).toBeCloseTo((cosine(ql, tl) + cosine(qg, tg)) / 2, 5);
  });

  it("teaches either branch by the other, which gets no gradient of it", async () => {
    const [q, t, other] = ["q", "t", "other"].map((name) => new Input(name, "float32", [2, 3]));
    if (!q || !t || !other) throw new Error("no inputs");
    const scale = constant(float32([], [10]));
    const parts = clvcLosses(
      { local: { q, t, scale }, global: { q: other, t, scale } },
      { composed: q, target: t },
    );
    const feeds = {
      q: float32([2, 3], [1, 0, 0, 0, 1, 0]),
      t: float32([2, 3], [1, 0, 1, 0, 1, 0]),
      other: float32([2, 3], [1, 2, 0, 0, 1, 3]),
    };
    const partOf = (name: string) => {
      const part = parts.find((found) => found.name === name);
      if (!part) throw new Error(name);
      return part.value;
    };
    const alignment = partOf("alignment-local");
    const derived = [...gradients(alignment, [q, other]), ...gradients(partOf("mutual-local"), [other])];
    const outputs = Object.fromEntries(derived.map((value, i) => [`gradient.${i}`, value]));
    const found = await runOnce<string>({ alignment, ...outputs }, feeds);
    const numbers = (name: string) => Array.from(found[name]?.data ?? [], Number);
    expect(numbers("alignment")[0]).toBeCloseTo((4 + 9) / 6, 6); // the targets are the same
    const expected = [0, -2, 0, 0, 0, -3].map((value) => value / 3); // 2 / 6 · (q - other)
    for (const [i, value] of numbers("gradient.0").entries()) expect(value).toBeCloseTo(expected[i] ?? 0, 6);
    const nothing = new Array(6).fill(0);
    expect([numbers("gradient.1"), numbers("gradient.2")]).toEqual([nothing, nothing]);
  });

  it("refuses widths that its convolutions cannot share out", () => {
    expect(() => build({ embedDim: 24 })).toThrow(
      /multiple of 16 with mapInput projected; got 24; set it to 32/,
    );
    expect(() => build({ embedDim: 12, mapInput: "raw" })).toThrow(/embedDim: must be a multiple of 8/);
    expect(() => build({ mapInput: "raw", backboneWidth: 1 / 64 })).toThrow(
      /mapInput: raw needs a last map of a multiple of 16 channels; got 8 of resnet18/,
    );
    expect(build({ embedDim: 24, mapInput: "raw" }).local.fc.weight.shape).toEqual([24, 16]);
  });
});
