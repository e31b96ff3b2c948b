import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { encoderFields } from "../../models/encoder-config.js";
import { modelNames } from "../../models/registry.js";
import { resolveRunConfig } from "../../runs/run-config.js";
import { trainingFields } from "../../runs/training-fields.js";
import { packagedConfig, readConfigFile, recipeFile } from "./config-file.js";

const recipes = readdirSync(packagedConfig("methods")).map((file) => file.replace(/\.json$/, ""));

/** What the methods are compared under: no recipe may change it. */
const shared = [
  ...Object.keys(encoderFields).filter((name) => !["initialScale", "backboneStatistics"].includes(name)),
  "seed",
  "holdOut",
  "holdOutBy",
  "keep",
  "patience",
  "category",
  "mismatchedTriplets",
  "freezeBackbone",
  "microBatchSize",
  "imagePx",
  "resizePx",
  "imageFit",
  "maxWords",
  "minWordCount",
  "lossLimit",
  "lossLimitSteps",
];

describe("configs/methods", () => {
  it("has a recipe of each of the paper's eighteen methods", () => {
    expect(recipes).toHaveLength(18);
    expect(recipes).toEqual(expect.arrayContaining(["mrn", "film", "tirg", "val", "limn"]));
    expect(recipeFile("tirg")).toMatch(/configs.methods.tirg\.json$/);
    expect(recipeFile("sum")).toBeUndefined();
  });

  it.each(recipes)("%s says where each of its fields comes from, and what is not followed", (name) => {
    const file = recipeFile(name) ?? "";
    const { model, source, notes, ...fields } = JSON.parse(readFileSync(file, "utf8"));
    expect(model).toBe(name);
    expect(Object.keys(source)).toEqual(Object.keys(fields));
    expect(notes.length).toBeGreaterThan(0);
    expect(readConfigFile(file)).toEqual({ model, ...fields });
  });

  it.each(recipes)("%s has fields of training and nothing that the methods are compared under", (name) => {
    const { model: _, ...fields } = readConfigFile(recipeFile(name) ?? "") as Record<string, unknown>;
    const known = [...Object.keys(trainingFields), "initialScale", "backboneStatistics"];
    expect(Object.keys(fields).filter((field) => !known.includes(field))).toEqual([]);
    expect(Object.keys(fields).filter((field) => shared.includes(field))).toEqual([]);
    // By the schemas that every model has: a model that is not there yet is stood in for.
    expect(() => resolveRunConfig({ file: fields })).not.toThrow();
  });

  it.each(modelNames.flatMap((name) => recipeFile(name) ?? []))(
    "%s is a whole configuration of its model",
    (file) => {
      expect(() => resolveRunConfig({ file: readConfigFile(file) })).not.toThrow();
    },
  );
});
