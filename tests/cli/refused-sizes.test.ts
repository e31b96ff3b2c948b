/** A picture size that a method cannot take is refused by every command, with the reason, before anything is computed. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { runProgram } from "../../src/cli/run-program.js";
import { openFashionIq } from "../../src/data/datasets/fashion-iq.js";
import { resolveRunConfig } from "../../src/runs/run-config.js";
import { runFiles } from "../../src/runs/run-files.js";
import { train } from "../../src/training/train.js";
import { tinyOf } from "../fixtures/tiny-model.js";
import { session, tinyCatalogue } from "../training/tiny-training.js";
import { recordingContext } from "./recording-context.js";

const { folder, data } = tinyCatalogue();
const out = join(folder, "out");
const runDir = join(folder, "run");
const config = join(folder, "small.json");
/** What CoSMo says of pictures that make one region. */
const reason = /imagePx: .*1x1.*got imagePx 32; set it to 33 or more/;

beforeAll(async () => {
  const { model, ...tiny } = tinyOf("cosmo");
  const fields = { ...tiny, resizePx: 66 };
  writeFileSync(config, JSON.stringify(fields));
  const sized = resolveRunConfig({ file: { ...fields, imagePx: 64, model } });
  const controller = new AbortController();
  await train({
    dataset: openFashionIq(data),
    config: sized,
    runDir,
    session,
    signal: controller.signal,
    onEvent: ({ kind }) => kind === "step" && controller.abort(),
  });
  const file = join(runDir, runFiles.manifest);
  const manifest = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify({ ...manifest, config: { ...manifest.config, imagePx: 32 } }));
});

async function run(args: readonly string[]) {
  const context = recordingContext();
  const code = await runProgram(args, context);
  return { code, errors: context.errors() };
}

describe("pictures that are too small for a method", () => {
  it.each([
    ["train", ["--model", "cosmo", "--config", config, "--data", data]],
    ["compare", ["--models", "sum,cosmo", "--seeds", "1", "--config", config, "--data", data]],
  ])("are refused by sdfn %s before anything is written", async (command, args) => {
    const { code, errors } = await run([command, ...args, "--out", out]);
    expect(code).not.toBe(0);
    expect(errors).toMatch(reason);
    expect(existsSync(out)).toBe(false);
  });

  it.each([
    ["train", ["--resume", runDir]],
    ["evaluate", ["--run", runDir, "--data", data]],
    ["report", ["--run", runDir, "--data", data, "--out", out]],
    ["search", ["--run", runDir, "--data", data, "--image", "docs/images/dress.jpg", "--text", "is red"]],
    ["export", ["--run", runDir, "--out", out]],
    ["index", ["--run", runDir, "--catalogue", join(data, "catalogue.csv"), "--out", out]],
  ])("are refused by sdfn %s of a run that says so", async (command, args) => {
    const { code, errors } = await run([command, ...args]);
    expect(code).not.toBe(0);
    expect(errors).toMatch(reason);
    expect(existsSync(out)).toBe(false);
  });
});
