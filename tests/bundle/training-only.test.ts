/** Parts that only training needs: a run has them, so that it can be resumed, and a bundle does not. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleFiles } from "../../src/bundle/bundle-manifest.js";
import { exportBundle } from "../../src/bundle/export-bundle.js";
import type { Run } from "../../src/runs/open-run.js";
import { type TrainedRuns, trainedRuns } from "./trained-run.js";

let runs: TrainedRuns;
beforeAll(async () => {
  runs = await trainedRuns();
});
afterAll(() => runs.remove());

/** Names of trained parameters whose bytes are in a bundle's graphs. */
function exportedNames(run: Run, dir: string): string[] {
  exportBundle(run, dir);
  const graphs = [bundleFiles.images, bundleFiles.queries].map((file) => readFileSync(join(dir, file)));
  return [...run.model.namedParameters()]
    .filter(([, { data }]) => data.length > 1)
    .filter(([, { data }]) =>
      graphs.some((graph) => graph.includes(Buffer.from(data.buffer, data.byteOffset, data.byteLength))),
    )
    .map(([name]) => name);
}

describe.each([
  ["datir", /^(difference|query|referenceType|targetType|(text|region|embedding)Critic)(\.|$)/],
  ["mcr", /^relative[12]\./],
] as const)("%s", (model, trainingOnly) => {
  it("is exported without what only its losses need, which the run keeps", async () => {
    const run = await runs.train(model, { model, heads: 2 });
    const trained = [...run.model.namedParameters().keys()];
    const exported = exportedNames(run, join(runs.root, `${model}-bundle`));
    const left = trained.filter((name) => name !== "scale" && !exported.includes(name));
    expect(exported.filter((name) => trainingOnly.test(name))).toEqual([]);
    expect(left.filter((name) => !trainingOnly.test(name) && !/Weight$/.test(name))).toEqual([]);
    expect(trained.filter((name) => trainingOnly.test(name)).length).toBeGreaterThan(3);
  });
});
