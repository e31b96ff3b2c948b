/** `npm run fuzz`: what it must find, and that its first inputs find nothing in the project. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { watched } from "../../scripts/fuzz/watch.mjs";
import { isCompiled, project } from "../fixtures/compiled.js";

if (!isCompiled) console.warn("SKIPPED: dist/ is not there; run npm run setup to test fuzzing");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "fuzz-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fuzz(...args: string[]) {
  const script = join(project, "scripts", "fuzz", "main.mjs");
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args, "--out", folder], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

describe.skipIf(!isCompiled)("fuzzing", () => {
  it.each([
    ["throws", /^TypeError/],
    ["slow", /^takes 1\.\d s of processor time/],
    ["waits", /^does not end within 4 s/],
    ["ends", /^the process ended with 3/],
    ["throwsLater", /^the process ended with 1[\s\S]*TypeError/],
    ["swells", /^takes (1[5-9]|2\d)\d MiB of memory; at most 100/],
  ])("finds the input where a target %s", async (target, reason) => {
    // What the process that starts it holds is no measure of what an input takes.
    const held = Buffer.alloc(400 * 2 ** 20, 1);
    const module = new URL("faulty-targets.mjs", import.meta.url).href;
    const { findings } = await watched({
      target,
      seed: 1,
      inputs: 4,
      module,
      stuckMs: target === "waits" ? 4000 : 60_000,
    });
    expect(findings).toEqual([{ reason: expect.stringMatching(reason), bytes: expect.any(String) }]);
    expect(Buffer.from(findings[0]?.bytes ?? "", "base64").toString()).toBe("2");
    expect(held.at(-1)).toBe(1);
  });

  it.each([
    ["csv", 150],
    ["jsonLines", 150],
    ["form", 100],
    ["safetensors", 150],
    ["torch", 150],
    ["pickle", 300],
    ["onnx", 60],
    ["tokeniser", 300],
    ["filters", 60],
    ["pictures", 40],
    ["indexFolder", 5],
  ])("finds nothing in the first inputs for %s", (target, inputs) => {
    const { stdout, stderr } = fuzz(
      "600",
      "--target",
      target,
      "--inputs",
      String(inputs),
      "--seed",
      "1",
      "--json",
    );
    expect(stderr).toBe("");
    const [result] = JSON.parse(stdout).results;
    expect(result.findings).toEqual([]);
    expect(result.inputs).toBe(inputs);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("refuses what it cannot mean, with how it is called", () => {
    const { status, stderr } = fuzz("soon", "--target", "csv");
    expect(status).toBe(2);
    expect(stderr).toMatch(/^USAGE: SECONDS must be a number above 0; got soon\n/);
    expect(fuzz("3", "--target", "teapots").stderr).toMatch(/--target must be one of csv, .*; got teapots/);
  });
});
