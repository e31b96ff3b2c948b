import { describe, expect, it } from "vitest";
import { compareRows } from "./compare-rows.js";
import { planCells } from "./grid-cells.js";

const models = [
  { name: "sdfn", title: "SDFN" },
  { name: "tirg", title: "TIRG", recipe: { batchSize: 16 } },
];

describe("compareRows", () => {
  it("has a row for each model, with its recipe", () => {
    expect(compareRows(models, {})).toEqual([
      { name: "sdfn", title: "SDFN", model: "sdfn", recipe: {} },
      { name: "tirg", title: "TIRG", model: "tirg", recipe: { batchSize: 16 } },
    ]);
  });

  it("has one for each share of wrong texts, compared with the same model's first", () => {
    const rows = compareRows(models, { mismatched: [0, 20, 50] });
    expect(rows.map(({ name, title, against }) => [name, title, against])).toEqual([
      ["sdfn", "SDFN", undefined],
      ["sdfn-mismatched20", "SDFN, 20 % mismatched", "sdfn"],
      ["sdfn-mismatched50", "SDFN, 50 % mismatched", "sdfn"],
      ["tirg", "TIRG", undefined],
      ["tirg-mismatched20", "TIRG, 20 % mismatched", "tirg"],
      ["tirg-mismatched50", "TIRG, 50 % mismatched", "tirg"],
    ]);
    const { cells } = planCells({ rows, seeds: [1], set: ["epochs=2"] });
    expect(
      cells.map(({ config: { training } }) => [training.mismatchedTriplets, training.batchSize]),
    ).toEqual([
      [0, 32],
      [0.2, 32],
      [0.5, 32],
      [0, 16],
      [0.2, 16],
      [0.5, 16],
    ]);
  });
});
