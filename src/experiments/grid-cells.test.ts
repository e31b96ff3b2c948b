import { describe, expect, it } from "vitest";
import { ConfigError, UsageError } from "../errors.js";
import { type GridRow, planCells } from "./grid-cells.js";

const rows: readonly GridRow[] = [
  { name: "sdfn", title: "sdfn", model: "sdfn" },
  { name: "tirg", title: "tirg", model: "tirg" },
];

describe("planCells", () => {
  it("has every row at a seed before the next seed", () => {
    const { cells } = planCells({ rows, seeds: [4, 5], set: [] });
    expect(cells.map(({ name }) => name)).toEqual(["sdfn-seed4", "tirg-seed4", "sdfn-seed5", "tirg-seed5"]);
    expect(cells.map(({ config }) => [config.model, config.training.seed])).toEqual([
      ["sdfn", 4],
      ["tirg", 4],
      ["sdfn", 5],
      ["tirg", 5],
    ]);
  });

  it("gives all rows one budget, and fields of one model to that model", () => {
    const { cells, partial } = planCells({
      rows,
      seeds: [1],
      file: { model: "sdfn", seed: 9, epochs: 7, heads: 2, embedDim: 16 },
      set: ["batchSize=8", "tau=2"],
    });
    const [sdfn, tirg] = cells;
    expect(sdfn?.config.training).toEqual(tirg?.config.training);
    expect(sdfn?.config.training).toMatchObject({ epochs: 7, batchSize: 8, seed: 1 });
    expect(sdfn?.config.modelConfig).toMatchObject({ heads: 2, tau: 2, embedDim: 16 });
    expect(tirg?.config.modelConfig).toMatchObject({ embedDim: 16 });
    expect(tirg?.config.fields).not.toHaveProperty("heads");
    expect([...partial]).toEqual([
      ["heads", ["sdfn"]],
      ["tau", ["sdfn"]],
    ]);
  });

  it("lets a row change its own fields, whatever all have", () => {
    const own = {
      name: "no-jrm",
      title: "x",
      model: "sdfn",
      fields: { lambda2: 0, modules: ["cam"] },
    } as const;
    const { cells } = planCells({ rows: [own], seeds: [1], file: { lambda2: 3 }, set: ["lambda2=4"] });
    expect(cells[0]?.config.modelConfig).toMatchObject({ lambda2: 0, modules: ["cam"] });
  });

  it("refuses wrong values of every row at once, each said once with the rows that it is wrong of", () => {
    const plan = () => planCells({ rows, seeds: [1, 2], set: ["epochs=0", "nonsense=1", "heads=0"] });
    expect(plan).toThrow(ConfigError);
    expect(plan).toThrow(/^nonsense: no model has a field.*\nsdfn: .*epochs.*heads.*\ntirg: .*epochs/s);
    const again = [...rows, { name: "again", title: "tirg again", model: "tirg" }];
    expect(() => planCells({ rows: again, seeds: [1, 2], set: ["epochs=0"] })).toThrow(
      /^sdfn, tirg, tirg again: configuration: .*epochs: [^\n]*$/s,
    );
    expect(() => planCells({ rows, seeds: [1], file: [1], set: [] })).toThrow(/must be a JSON object/);
  });

  it("refuses a field of a model that is not compared by name, with the models that have it", () => {
    const tirg = rows.slice(1);
    for (const given of [{ file: { heads: 2 }, set: [] }, { set: ["heads=2"] }]) {
      const plan = () => planCells({ rows: tirg, seeds: [1, 2], ...given });
      expect(plan).toThrow(ConfigError);
      expect(plan).toThrow(/^heads: a field of sdfn\b[^\n]*, and not compared here; [^\n]*$/);
    }
  });

  it("puts a row's recipe over the file that all have, and what is set over both", () => {
    const [sdfn, tirg] = rows;
    if (!sdfn || !tirg) throw new Error("no rows");
    const { cells } = planCells({
      rows: [sdfn, { ...tirg, recipe: { learningRate: 0.5, batchSize: 16, epochs: 9 } }],
      seeds: [1],
      file: { learningRate: 0.25, batchSize: 8, epochs: 2, holdOut: 0.2 },
      set: ["epochs=3"],
    });
    expect(cells.map(({ config: { training } }) => training)).toMatchObject([
      { learningRate: 0.25, batchSize: 8, epochs: 3, holdOut: 0.2 },
      { learningRate: 0.5, batchSize: 16, epochs: 3, holdOut: 0.2 },
    ]);
  });

  it("refuses to be told models and seeds as fields", () => {
    expect(() => planCells({ rows, seeds: [1], set: ["seed=3", "model=sum"] })).toThrow(UsageError);
    expect(() => planCells({ rows, seeds: [1], set: ["seed=3", "model=sum"] })).toThrow(/seed=3, model=sum/);
  });
});
