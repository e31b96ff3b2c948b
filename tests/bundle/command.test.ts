/** `sdfn export` as a user calls it. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runProgram } from "../../src/cli/run-program.js";
import { recordingContext } from "../cli/recording-context.js";
import { type TrainedRuns, trainedRuns } from "./trained-run.js";

let runs: TrainedRuns;
let runDir: string;
beforeAll(async () => {
  runs = await trainedRuns();
  ({ runDir } = await runs.train("run"));
});
afterAll(() => runs.remove());

async function sdfn(...args: string[]) {
  const context = recordingContext();
  const code = await runProgram(args, context);
  return { code, output: context.output(), errors: context.errors() };
}

describe("sdfn export", () => {
  it("writes a bundle with the run's recall, and says what it wrote", async () => {
    const out = join(runs.root, "bundles", "first");
    const { code, output, errors } = await sdfn("export", "--run", runDir, "--out", out);
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    expect(output).toMatch(/^sdfn, embeddings of 48, ONNX opset 20, model [0-9a-f]{32}\n/);
    expect(output).toContain("query-encoder.onnx");
    const { provenance, phrases } = JSON.parse(readFileSync(join(out, "manifest.json"), "utf8"));
    expect(provenance).toMatchObject({
      status: "complete",
      validation: { queries: 12, r10: expect.any(Number) },
    });
    // What the training texts say, and nothing else.
    const said = runs.dataset
      .split("train")
      .triplets.flatMap(({ captions }) => captions)
      .join("\n");
    expect(phrases.length).toBeGreaterThan(10);
    for (const phrase of phrases) expect(said).toContain(phrase);
    const count = (phrase: string) => said.split(phrase).length - 1;
    expect(count(phrases[0])).toBeGreaterThan(count(phrases.at(-1)));
    const again = await sdfn("export", "--run", runDir, "--out", out);
    expect(again).toMatchObject({ code: 1, output: "" });
    expect(again.errors).toMatch(/^BUNDLE_INVALID: .*not empty/);
  });

  it("prints one JSON line for programs", async () => {
    const out = join(runs.root, "second");
    const { output } = await sdfn("export", "--run", runDir, "--out", out, "--json");
    const { modelId } = JSON.parse(readFileSync(join(out, "manifest.json"), "utf8"));
    expect(JSON.parse(output)).toMatchObject({ bundle: out, modelId, model: "sdfn", embedDim: 48 });
  });

  it("reports all problems with its options, and a run that is none", async () => {
    const wrong = await sdfn("export");
    expect(wrong.code).toBe(2);
    expect(wrong.errors).toMatch(/--run is missing[\s\S]*--out is missing/);
    const out = join(runs.root, "third");
    const none = await sdfn("export", "--run", join(runs.root, "nothing"), "--out", out);
    expect(none).toMatchObject({ code: 1, errors: expect.stringMatching(/^RUN_INVALID: /) });
    expect(existsSync(out)).toBe(false);
    rmSync(join(runDir, "parameters.safetensors"));
    expect((await sdfn("export", "--run", runDir, "--out", out)).errors).toMatch(
      /parameters\.safetensors is missing/,
    );
  });
});
