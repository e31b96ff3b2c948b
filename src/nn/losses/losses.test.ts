import { describe, expect, it } from "vitest";
import { gradients } from "../../engine/autodiff/gradients.js";
import { Input, type Value } from "../../engine/graph/value.js";
import { constant } from "../../engine/ops/constant.js";
import { runOnce } from "../../engine/runtime/session.js";
import { float32, tensor } from "../../engine/tensor/tensor.js";
import { batchClassificationLoss } from "./batch-classification.js";
import { type ConsistencyForm, consistencyLoss, similarityDivergences } from "./consistency.js";
import { type PathDistillationOptions, pathDistillationLoss } from "./path-distillation.js";
import { mergeRoutes, type RouterLogits } from "./routes.js";
import { scaledSimilarity } from "./similarity.js";
import { totalLoss } from "./total.js";

async function numberOf(value: Value): Promise<number> {
  return Number((await runOnce({ value })).value.data[0]);
}

function softmaxOf(values: readonly number[]): number[] {
  const powers = values.map(Math.exp);
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

function divergence(p: readonly number[], r: readonly number[]): number {
  return p.reduce((sum, value, i) => sum + value * Math.log(value / (r[i] ?? 1)), 0);
}

const matrix = (rows: readonly (readonly number[])[]) =>
  constant(tensor("float64", [rows.length, rows[0]?.length ?? 0], Float64Array.from(rows.flat())));

describe("scaledSimilarity", () => {
  it("is scale times the cosine of every pair, whatever the lengths", async () => {
    const similarity = scaledSimilarity(
      matrix([
        [3, 0],
        [0, 5],
        [7, 7],
      ]),
      matrix([
        [2, 0],
        [-1, 1],
      ]),
      constant(float32([], [10])),
    );
    const { data } = (await runOnce({ similarity })).similarity;
    const r = Math.SQRT1_2;
    for (const [i, value] of [1, -r, 0, r, r, 0].entries()) expect(data[i]).toBeCloseTo(10 * value, 4);
  });
});

describe("batchClassificationLoss", () => {
  it("is the mean surprise at each query's own target", async () => {
    const rows = [
      [1, 2, 3],
      [0, -1, 4],
      [2, 2, 2],
    ];
    const expected = rows.reduce((sum, row, i) => sum - Math.log(softmaxOf(row)[i] ?? 0), 0) / 3;
    expect(await numberOf(batchClassificationLoss(matrix(rows)))).toBeCloseTo(expected, 5);
  });

  it("keeps its digits where every query is almost certain", async () => {
    const side = constant(float32([2, 2], [1, 0, 0, 1]));
    const loss = batchClassificationLoss(scaledSimilarity(side, side, constant(float32([], [16]))));
    expect((await numberOf(loss)) / Math.log1p(Math.exp(-16))).toBeCloseTo(1, 6);
  });
});

describe("consistencyLoss", () => {
  const ofQ = [
    [1, 0.5],
    [-1, 2],
  ];
  const ofU = [
    [0, 1],
    [3, 2],
  ];
  const kl = (a: number[][], b: number[][]) =>
    a.reduce((sum, row, i) => sum + divergence(softmaxOf(row), softmaxOf(b[i] ?? [])), 0) / a.length;
  const cases: readonly [ConsistencyForm, number][] = [
    ["symmetric", (kl(ofQ, ofU) + kl(ofU, ofQ)) / 2],
    ["q-to-u", kl(ofQ, ofU)],
    ["u-to-q", kl(ofU, ofQ)],
  ];

  it.each(cases)("in the form %s", async (form, expected) => {
    const divergences = similarityDivergences(matrix(ofQ), matrix(ofU));
    expect(await numberOf(consistencyLoss(divergences, form))).toBeCloseTo(expected, 5);
  });
});

/** One example, two sources, two destinations. */
const image = [
  [1, 4],
  [3, 0],
] as const;
const text = [
  [2, -1],
  [0, 5],
] as const;
const logitsOf = (a: readonly (readonly number[])[]) =>
  constant(float32([1, a.length, a[0]?.length ?? 0], a.flat()));
const both: RouterLogits = { image: logitsOf(image), text: logitsOf(text) };

/** p[0][0], weight of the first source for the first destination. */
async function firstWeight(...args: Parameters<typeof mergeRoutes>): Promise<number> {
  return numberOf(mergeRoutes(...args));
}

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

describe("mergeRoutes", () => {
  it("averages the routers' probabilities over the sources", async () => {
    expect(await firstWeight(both, { merge: "mean" })).toBeCloseTo((sigmoid(1 - 3) + sigmoid(2)) / 2, 6);
  });

  it("softens each router before it averages", async () => {
    const expected = (sigmoid(-2 / 4) + sigmoid(2 / 4)) / 2;
    expect(await firstWeight(both, { merge: "mean", tau: 4 })).toBeCloseTo(expected, 6);
  });

  it("adds logits in a product", async () => {
    expect(await firstWeight(both, { merge: "product", tau: 2 })).toBeCloseTo(sigmoid((1 + 2 - 3) / 2), 6);
  });

  it("can run over the destinations", async () => {
    const expected = (sigmoid(1 - 4) + sigmoid(2 + 1)) / 2;
    expect(await firstWeight(both, { merge: "mean", over: "destinations" })).toBeCloseTo(expected, 6);
  });

  it("takes a single router as it is", async () => {
    expect(await firstWeight({ shared: logitsOf(image) }, { merge: "mean" })).toBeCloseTo(sigmoid(-2), 6);
  });
});

describe("pathDistillationLoss", () => {
  const last = { shared: logitsOf([[1], [0]]) };
  const lastTaught = { shared: logitsOf([[-1], [0]]) };
  const student = [{ shared: logitsOf(image) }, last];
  const teacher = [{ shared: logitsOf(text) }, lastTaught];
  const two = (difference: number) => [sigmoid(difference / 3), sigmoid(-difference / 3)];
  const first = divergence(two(2), two(-2)); // destination 0: differences 2 - 0 taught, 1 - 3 own
  const second = divergence(two(-6), two(4));
  const single = divergence(two(-1), two(1));
  const options: PathDistillationOptions = { tau: 3, merge: "mean" };

  it("is tau² times the mean over all pairs of layer and destination", async () => {
    const expected = (9 * (first + second + single)) / 3;
    expect(await numberOf(pathDistillationLoss(student, teacher, options))).toBeCloseTo(expected, 5);
  });

  it("can be the mean over layers of the layers' means", async () => {
    const expected = (9 * ((first + second) / 2 + single)) / 2;
    const loss = pathDistillationLoss(student, teacher, { ...options, meanOver: "layers" });
    expect(await numberOf(loss)).toBeCloseTo(expected, 5);
  });

  it("is zero where the student follows, and finite where a weight has vanished", async () => {
    expect(await numberOf(pathDistillationLoss(student, student, options))).toBeCloseTo(0, 6);
    const certain = [{ shared: logitsOf([[1000], [-1000]]) }];
    const contrary = [{ shared: logitsOf([[-1000], [1000]]) }];
    const loss = await numberOf(pathDistillationLoss(certain, contrary, { tau: 1, merge: "mean" }));
    expect(Number.isFinite(loss)).toBe(true);
    expect(loss).toBeGreaterThan(50);
  });

  it("gives the teacher no gradient", async () => {
    const [own, taught] = [new Input("own", "float32", [1, 2, 1]), new Input("taught", "float32", [1, 2, 1])];
    const loss = pathDistillationLoss([{ image: own }], [{ image: taught }], options);
    const [dOwn, dTaught] = gradients(loss, [own, taught]);
    const result = await runOnce<string>(
      { dOwn: dOwn ?? loss, dTaught: dTaught ?? loss },
      { own: float32([1, 2, 1], [1, 0]), taught: float32([1, 2, 1], [0, 2]) },
    );
    expect(Number(result.dOwn?.data[0])).toBeGreaterThan(0);
    expect([...(result.dTaught?.data ?? [])]).toEqual([0, 0]);
  });
});

describe("totalLoss", () => {
  it("adds weighted losses, weights being numbers or values", async () => {
    const one = (value: number) => constant(float32([], [value]));
    const parts = [
      { name: "a", weight: 1, value: one(1) },
      { name: "b", weight: 0.5, value: one(3) },
      { name: "c", weight: one(2), value: one(5) },
    ];
    expect(await numberOf(totalLoss(parts))).toBeCloseTo(12.5, 6);
    expect(await numberOf(totalLoss(parts.slice(1)))).toBeCloseTo(11.5, 6);
  });
});
