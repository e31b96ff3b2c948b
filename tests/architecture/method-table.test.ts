/** The table of docs/methods.md says of every model what the model says of itself. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Random } from "../../src/engine/tensor/random.js";
import { createModel, modelDefinition, modelNames } from "../../src/models/registry.js";
import { resolveRunConfig } from "../../src/runs/run-config.js";
import { forwardGraph, lossGraph } from "../../src/training/step-graph.js";
import { tinyOf } from "../fixtures/tiny-model.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const page = readFileSync(join(root, "docs/methods.md"), "utf8");

/** Cells of the rows of a table below a heading, by the first cell. */
function rowsUnder(heading: string): ReadonlyMap<string, readonly string[]> {
  const section = page.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const rows = [...section.matchAll(/^\| (.*) \|$/gm)].map(([, row = ""]) => row.split(" | "));
  return new Map(rows.slice(1).map(([first = "", ...cells]) => [first, cells]));
}

/** As the table has it: title, levels, gallery, pairs, parts, losses, batch norm. */
function factsOf(name: string): readonly string[] {
  const file = { ...tinyOf(name), imagePx: 64, resizePx: 64, backboneStatistics: "frozen" };
  const { modelConfig, training } = resolveRunConfig({ file });
  const model = createModel(name, modelConfig, { vocabularySize: 9, random: new Random(1), imagePx: 64 });
  const { features, pass } = forwardGraph(model, 2, { training });
  const lossPass = pass.ofAnotherGraph();
  const { outputs } = lossGraph(model, features, lossPass);
  const { target, targetEmbedding, composition } = features;
  const strides = new Map(model.image.backbone.levels.map(({ name, stride }) => [name, stride]));
  const levels = target.levels.map((level) =>
    level.rows < 64 / (strides.get(level.name) ?? 1) ? `${level.name} halved` : level.name,
  );
  const isOwn = targetEmbedding.embedding !== target.embedding;
  const width = targetEmbedding.embedding.dim(1) / Number(modelConfig.embedDim);
  const norms = [pass.bufferUpdates.length > 0, lossPass.bufferUpdates.length > 0];
  const listed = (names: readonly string[]) => names.join(", ") || "–";
  return [
    modelDefinition(name).title,
    listed(levels),
    isOwn ? `own, ${width === 1 ? "" : width}D` : "shared",
    String(model.pairScoring?.candidates ?? "–"),
    listed(Object.keys(composition.parts ?? {})),
    listed(Object.keys(outputs).flatMap((output) => /^loss\.(?!total$)(.*)/.exec(output)?.[1] ?? [])),
    listed(["before the losses", "in the losses"].filter((_, i) => norms[i])),
  ];
}

describe("docs/methods.md", () => {
  const needs = rowsUnder("What each needs");
  const origins = [...rowsUnder("Where each comes from").keys()].join(", ").split(", ");

  it.each([...modelNames])("says what %s needs, and where it comes from", (name) => {
    const facts = factsOf(name);
    expect(needs.get(`\`${name}\``)?.join(" | ")).toBe(facts.join(" | "));
    const title = modelDefinition(name).title.replaceAll("-", " ").toLowerCase();
    expect(origins.map((origin) => origin.replaceAll("-", " ").toLowerCase())).toContain(title);
  });

  it.each([...modelNames])("%s takes the demo's sizes", (model) => {
    const file = JSON.parse(readFileSync(join(root, "configs/demo-baseline.json"), "utf8"));
    expect(resolveRunConfig({ file, model }).model).toBe(model);
  });

  it("has no other methods", () => {
    expect([...needs.keys()].filter((cell) => !cell.startsWith("-"))).toEqual(
      modelNames.map((name) => `\`${name}\``),
    );
  });
});
