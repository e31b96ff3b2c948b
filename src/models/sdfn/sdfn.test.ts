import { describe, expect, it } from "vitest";
import { Input, type Value } from "../../engine/graph/value.js";
import { runOnce } from "../../engine/runtime/session.js";
import { Random } from "../../engine/tensor/random.js";
import { int64, tensor } from "../../engine/tensor/tensor.js";
import { ForwardPass } from "../../nn/forward-pass.js";
import { consistencyLoss, similarityDivergences } from "../../nn/losses/consistency.js";
import { scaledSimilarity } from "../../nn/losses/similarity.js";
import { type LossPart, totalLoss } from "../../nn/losses/total.js";
import type { BatchFeatures } from "../composition-model.js";
import { objective, teacherInputs, teacherOutputs } from "../objective.js";
import { parseSdfnConfig, type SdfnConfigInput } from "./config.js";
import { Sdfn } from "./sdfn.js";

const px = 40;
const feeds = {
  images: tensor(
    "uint8",
    [4, px, px, 3],
    new Uint8Array(4 * px * px * 3).map((_, i) => (i * 37) % 251),
  ),
  tokens: int64([2, 3], [2, 3, 4, 5, 0, 0]),
  lengths: int64([2], [3, 1]),
};

function build(given: SdfnConfigInput = {}): Sdfn {
  const small = { backbone: "resnet18", backboneWidth: 1 / 32, embedDim: 6, wordDim: 2, heads: 2, layers: 2 };
  return new Sdfn(parseSdfnConfig({ ...small, ...given }), 7, new Random(3));
}

function graph(model: Sdfn, pass = ForwardPass.inference()) {
  const pairs = model.encodePairs(new Input("images", "uint8", [4, px, px, 3]), pass);
  const text = model.encodeText(new Input("tokens", "int64", [2, 3]), new Input("lengths", "int64", [2]));
  return { ...pairs, text, composition: model.compose(pairs.reference, text, pass) };
}

/** The model's losses, with its own logits as the teacher's unless others are given. */
function partsOf(model: Sdfn, given: Partial<BatchFeatures> = {}): readonly LossPart[] {
  const pass = ForwardPass.inference();
  const batch = { ...graph(model, pass), ...given };
  const { composition, target } = batch;
  const teacher = { logits: teacherInputs(composition.logits ?? []) };
  return objective(model, { teacher, ...batch, targetEmbedding: model.embedTarget(target, pass) }, pass);
}

async function valuesOf<Name extends string>(outputs: Record<Name, Value>): Promise<Record<Name, number[]>> {
  const result = await runOnce<Name>(outputs, feeds);
  return Object.fromEntries(
    Object.entries<{ data: ArrayLike<number | bigint> }>(result).map(([name, { data }]) => [
      name,
      Array.from(data, Number),
    ]),
  ) as Record<Name, number[]>;
}

describe("Sdfn", () => {
  it("encodes references and targets alike in one pass and in two", async () => {
    const [joint, separate] = [graph(build()), graph(build({ imagePasses: "separate" }))];
    const outputsOf = ({ composition, target }: ReturnType<typeof graph>) => ({
      q: composition.q,
      t: target.embedding,
    });
    const [a, b] = [await valuesOf(outputsOf(joint)), await valuesOf(outputsOf(separate))];
    for (const name of ["q", "t"] as const) {
      expect(a[name]).toHaveLength(12);
      for (const [i, value] of a[name].entries()) expect(b[name][i]).toBeCloseTo(value, 4);
    }
  });

  it("shows batch norm one batch in one pass, and two in two", () => {
    const updates = (imagePasses: "joint" | "separate") => {
      const pass = ForwardPass.training();
      graph(build({ imagePasses }), pass);
      return pass.bufferUpdates.length;
    };
    expect(updates("joint")).toBe(40);
    expect(updates("separate")).toBe(40); // each statistic once, with both batches in it
  });

  it("adds the sentence to the query with a sentence skip", async () => {
    const [plain, skip] = [graph(build()), graph(build({ sentenceSkip: true }))];
    const { q, s } = await valuesOf({ q: plain.composition.q, s: plain.text.sentence });
    const result = await valuesOf({ q: skip.composition.q });
    for (const [i, value] of result.q.entries()) expect(value).toBeCloseTo(Number(q[i]) + Number(s[i]), 5);
  });

  it("has the losses that its configuration gives a weight, and a teacher only for distillation", () => {
    const weightsOf = (config: SdfnConfigInput) =>
      partsOf(build(config)).map(({ name, weight }) => [name, weight]);
    const all = [
      ["classification", 1],
      ["distillation", 0.5],
      ["consistency", 3],
    ];
    expect(weightsOf({ lambda1: 0.5, lambda2: 3 })).toEqual(all);
    expect(weightsOf({ lambda1: 0, lambda2: 3 })).toEqual([all[0], all[2]]);
    expect(weightsOf({ lambda1: 0, lambda2: 0 })).toEqual([all[0]]);
    expect([0.5, 0].map((lambda1) => build({ lambda1 }).isSelfDistilled)).toEqual([true, false]);
  });
});

describe("objective", () => {
  it("is L_bbc + lambda1 · L_spd + lambda2 · L_c", async () => {
    const model = build({ lambda1: 7, lambda2: 5 });
    const { composition, target } = graph(model);
    const shifted = (composition.logits ?? []).map(({ image }, l) => ({
      image: image ?? target.embedding,
      text: composition.logits?.[l]?.image ?? target.embedding,
    }));
    const parts = partsOf(model, { composition, target, teacher: { logits: shifted } });
    const lossOf = (name: string) => parts.find((part) => part.name === name)?.value ?? totalLoss(parts);
    const similarity = (a: Value) => scaledSimilarity(a, target.embedding, model.scale);
    const divergences = similarityDivergences(
      similarity(composition.q),
      similarity(composition.u ?? composition.q),
    );
    const { loss, bbc, spd, c, own } = await valuesOf({
      own: consistencyLoss(divergences),
      loss: totalLoss(parts),
      bbc: lossOf("classification"),
      spd: lossOf("distillation"),
      c: lossOf("consistency"),
    });
    expect(Number(spd[0])).toBeGreaterThan(0);
    expect(Number(c[0])).toBeGreaterThan(0);
    expect(Number(c[0]) / Number(own[0])).toBeCloseTo(1, 5);
    expect(loss[0]).toBeCloseTo(Number(bbc[0]) + 7 * Number(spd[0]) + 5 * Number(c[0]), 4);
  });

  it("has no distillation without a teacher or without routers", () => {
    const names = (model: Sdfn, given?: Partial<BatchFeatures>) =>
      partsOf(model, given).map(({ name }) => name);
    expect(names(build(), { teacher: undefined })).toEqual(["classification", "consistency"]);
    expect(names(build({ router: "none" }))).toEqual(["classification", "consistency"]);
  });

  it("gives the teacher's logits and takes them under the same names and shapes", () => {
    const logits = graph(build()).composition.logits ?? [];
    const given = teacherOutputs(logits);
    const taken = teacherOutputs(teacherInputs(logits));
    expect(Object.keys(given)).toEqual([
      "teacher.0.image",
      "teacher.0.text",
      "teacher.1.image",
      "teacher.1.text",
    ]);
    for (const [name, value] of Object.entries(taken)) {
      expect(value instanceof Input && value.name).toBe(name);
      expect(value.shape).toEqual(given[name]?.shape);
    }
  });
});
