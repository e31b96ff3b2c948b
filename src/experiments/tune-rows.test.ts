import { describe, expect, it } from "vitest";
import type { GridRow } from "./grid-cells.js";
import { planTrials, trialRows, tunedRows } from "./tune-rows.js";

const rows: readonly GridRow[] = [
  { name: "sum", title: "sum", model: "sum" },
  { name: "tirg", title: "TIRG", model: "tirg", fields: { epochs: 2 } },
];
const tuning = { field: "learningRate", values: [0.01, 0.001] };

describe("rows that are tuned", () => {
  it("try every value, each in a row of its own", () => {
    expect(trialRows(rows, tuning).map(({ name, title, fields }) => [name, title, fields])).toEqual([
      ["sum-tune1", "sum, learningRate 0.01", { learningRate: 0.01 }],
      ["sum-tune2", "sum, learningRate 0.001", { learningRate: 0.001 }],
      ["tirg-tune1", "TIRG, learningRate 0.01", { epochs: 2, learningRate: 0.01 }],
      ["tirg-tune2", "TIRG, learningRate 0.001", { epochs: 2, learningRate: 0.001 }],
    ]);
  });

  it("have the value with the highest recall; the first of equals; their own where all failed", () => {
    const recalls = new Map([
      ["sum-tune1", 10],
      ["sum-tune2", 12],
    ]);
    const { rows: own, tuned } = tunedRows(rows, tuning, recalls);
    expect(own.map(({ fields }) => fields)).toEqual([{ learningRate: 0.001 }, { epochs: 2 }]);
    expect(tuned.map(({ name, chosen }) => [name, chosen])).toEqual([
      ["sum", 0.001],
      ["TIRG", null],
    ]);
    expect(tuned[0]?.tried).toEqual([
      { value: 0.01, recall: 10 },
      { value: 0.001, recall: 12 },
    ]);
    const equal = new Map([
      ["sum-tune1", 10],
      ["sum-tune2", 10],
    ]);
    expect(tunedRows(rows, tuning, equal).tuned[0]?.chosen).toBe(0.01);
  });

  it("are trained only, and refuse to be chosen by nothing", () => {
    const plan = { seeds: [3], set: ["holdOut=0.1"] };
    const cells = planTrials(rows, tuning, plan);
    expect(cells.map(({ name, trainsOnly }) => [name, trainsOnly])).toEqual([
      ["sum-tune1-seed3", true],
      ["sum-tune2-seed3", true],
      ["tirg-tune1-seed3", true],
      ["tirg-tune2-seed3", true],
    ]);
    expect(() => planTrials(rows, tuning, { ...plan, set: ["holdOut=0"] })).toThrow(
      /--tune: .* held out of train.* sum, learningRate 0\.01 holds none out; set holdOut/,
    );
  });

  it("are refused where a value cannot be", () => {
    const wrong = { field: "learningRate", values: [-1, 0.001] };
    expect(() => planTrials(rows, wrong, { seeds: [1], set: [] })).toThrow(/learningRate/);
  });
});
