import { describe, expect, it } from "vitest";
import { normalOf, numbersOf } from "../../../tests/fixtures/drawn-features.js";
import { gradients } from "../../engine/autodiff/gradients.js";
import type { Parameter } from "../../engine/graph/value.js";
import { multiply } from "../../engine/ops/arithmetic.js";
import { constant } from "../../engine/ops/constant.js";
import { sum } from "../../engine/ops/reduce.js";
import { GraphSession } from "../../engine/runtime/session.js";
import { Random } from "../../engine/tensor/random.js";
import { float32 } from "../../engine/tensor/tensor.js";
import { ConfigError } from "../../errors.js";
import { createModel } from "../registry.js";
import { SacLevel, sacSchema } from "./sac.js";

const [batch, regionCount, width] = [2, 5, 6];

function level(given: { readonly embedDim: number; readonly heads: number }): SacLevel {
  return new SacLevel(sacSchema.parse(given), new Random(1));
}

/** Fills parameters by name; what is not named becomes 0. */
function fill(of: SacLevel, values: Readonly<Record<string, readonly number[]>>): void {
  for (const [name, { data }] of of.state()) data.set(values[name] ?? data.map(() => 0));
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

describe("SacLevel", () => {
  const regions = normalOf(1, batch, regionCount, width);
  const sentence = normalOf(2, batch, width);

  it("gives values worked by hand", async () => {
    const one = level({ embedDim: 2, heads: 1 });
    fill(one, {
      "see_key.weight": [1, 0, 0, 1],
      "see_text.weight": [2, 0, 0, 0],
      see_bias: [0.5],
      "scale.weight": [0, 1, 0, 0],
      "shift.bias": [0, 3],
      // The norm gives -1, 1 or 1, -1 times the bias alone where its weight is 0: LN(h) = (0, 1).
      "block.norm2.bias": [0, 1],
      "block.ffn1.weight": [0, 2, 0, 0, 0, 0, 0, 0],
      "block.ffn1.bias": [-1, 0, 0, 0],
      "block.ffn2.weight": [4, 0, 0, 0, 0, 0, 0, 0],
    });
    // s = (0.5, -0.25): W_r s = (1, 0); scale 1 + (-0.25, 0), shift (0, 3); the network adds 4 · ReLU(2 - 1) = 4 to channel 0.
    const x = [2, 1, -1, 4];
    const found = await numbersOf(
      one.forward(constant(float32([1, 2, 2], x)), constant(float32([1, 2], [0.5, -0.25]))),
    );
    const rows = [x.slice(0, 2), x.slice(2)] as [number, number][];
    const expected = rows.flatMap(([u, v]) => {
      const a = sigmoid(u / Math.SQRT2 + 0.5);
      return [(1 - a) * u + a * (0.75 * a * u + 4), (1 - a) * v + a * (a * v + 3)];
    });
    for (const [i, value] of expected.entries()) expect(found[i]).toBeCloseTo(value, 5);
  });

  it("keeps what the text does not speak of: where to see is nowhere, y is x", async () => {
    const blind = level({ embedDim: width, heads: 2 });
    blind.see_bias.data.fill(-200);
    const found = await numbersOf(blind.forward(constant(regions), constant(sentence)));
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(regions.data[i] ?? Number.NaN, 6);
  });

  it("lets positions see each other: one that changes moves the others", async () => {
    const seeing = level({ embedDim: width, heads: 2 });
    const changed = float32(regions.shape as [number, number, number], regions.data.slice());
    changed.data.fill(3, 0, width - 1);
    const before = await numbersOf(seeing.forward(constant(regions), constant(sentence)));
    const after = await numbersOf(seeing.forward(constant(changed), constant(sentence)));
    const moved = after.map((value, i) => Math.abs(value - (before[i] ?? 0)));
    expect(Math.max(...moved.slice(width, regionCount * width))).toBeGreaterThan(1e-4);
    expect(Math.max(...moved.slice(regionCount * width))).toBeLessThan(1e-6); // the other picture
  });

  it("has gradients that agree with central differences, for every parameter", async () => {
    const moved = level({ embedDim: width, heads: 2 });
    const random = new Random(9);
    for (const { data } of moved.parameters())
      for (let i = 0; i < data.length; i += 1) data[i] = (data[i] ?? 0) + 0.2 * random.normal();
    moved.block.ffn1.bias?.data.fill(6); // ReLU's kink, where differences say nothing, is far away
    const y = moved.forward(constant(regions), constant(sentence));
    const loss = sum(multiply(y, constant(normalOf(3, batch, regionCount, width))));
    const parameters = [...moved.namedParameters()];
    const derived = gradients(
      loss,
      parameters.map(([, parameter]) => parameter),
    );
    const outputs = Object.fromEntries(parameters.map(([name], i) => [name, derived[i] ?? loss]));
    const session = await GraphSession.compile<string>(
      { ...outputs, "the loss": loss },
      { parameters: "fed" },
    );
    const result = await session.run({});
    const lossAt = async ({ data }: Parameter, direction: readonly number[], step: number) => {
      const kept = data.slice();
      data.set(kept.map((value, i) => value + step * (direction[i] ?? 0)));
      const values = await session.run({});
      data.set(kept);
      return Number(values["the loss"]?.data[0]);
    };
    const step = 1e-2;
    for (const [name, parameter] of parameters) {
      const gradient = Array.from(result[name]?.data ?? [], Number);
      const norm = Math.hypot(...gradient);
      const direction = gradient.map((value) => value / norm);
      const numeric =
        ((await lossAt(parameter, direction, step)) - (await lossAt(parameter, direction, -step))) /
        (2 * step);
      expect(
        Math.abs(numeric - norm) / norm,
        `${name}: ${norm} by the rules, ${numeric} by differences`,
      ).toBeLessThan(2e-3);
    }
    await session.release();
  });
});

describe("sac", () => {
  it("starts with scale 1, shift 0 and no bias of where to see, on three levels", () => {
    const model = createModel(
      "sac",
      { backbone: "resnet18", backboneWidth: 1 / 64, embedDim: 4, heads: 2 },
      { vocabularySize: 3, random: new Random(1), imagePx: 64 },
    );
    const names = [...model.state().keys()];
    for (const i of [0, 1, 2]) {
      for (const layer of ["scale.weight", "scale.bias", "shift.weight", "shift.bias", "see_bias"]) {
        const { data = [1] } = model.state().get(`levels.${i}.${layer}`) ?? {};
        expect(
          Array.from(data).every((value) => value === 0),
          `${i} ${layer}`,
        ).toBe(true);
      }
    }
    expect(names.filter((name) => /^levels\.3/.test(name))).toEqual([]);
  });

  it("refuses heads that do not divide the width", () => {
    const build = () =>
      createModel(
        "sac",
        { embedDim: 6, heads: 4 },
        { vocabularySize: 3, random: new Random(1), imagePx: 64 },
      );
    expect(build).toThrow(ConfigError);
  });
});
