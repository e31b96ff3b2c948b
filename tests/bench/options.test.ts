/** Options of benchmarks: each has its own, with defaults in its help, and no other's. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";

/** Compiled by the set-up that every npm script begins with. */
const isCompiled = existsSync(fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url)));
const script = fileURLToPath(new URL("../../bench/main.mjs", import.meta.url));
const programUrl = new URL("../../bench/program.mjs", import.meta.url).href;
const pictures = fileURLToPath(new URL("../../docs/images", import.meta.url));
const bench = (...args: string[]) => promisify(execFile)(process.execPath, [script, ...args]);

/** Flags of each benchmark that only some have. */
const ownFlags = {
  step: ["--batch", "--steps", "--frozen"],
  features: ["--data", "--batch", "--steps", "--width", "--cache", "--weights"],
  growth: ["--axis", "--steps", "--tiny", "--resume"],
  memory: ["--tiny", "--resume"],
  images: ["--folder", "--batch", "--steps", "--step-ms"],
  store: ["--items", "--queries"],
  query: ["--items", "--width", "--queries", "--folder"],
  load: ["--items", "--width", "--clients", "--seconds", "--folder"],
  index: ["--folder", "--width", "--threads"],
};

describe.skipIf(!isCompiled)("npm run bench", () => {
  const folder = mkdtempSync(join(tmpdir(), "bench-options-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("has a table of options for each benchmark", async () => {
    const code =
      `import { createProgram } from ${JSON.stringify(programUrl)};\n` +
      "const tables = createProgram().commands.map((command) => [command.name(), command.options.map(({ long }) => long)]);\n" +
      "console.log(JSON.stringify(Object.fromEntries(tables)));";
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", code]);
    const everyBenchmarks = ["--json", "--out"];
    expect(JSON.parse(stdout)).toEqual(
      Object.fromEntries(
        Object.entries(ownFlags).map(([name, flags]) => [name, [...flags, ...everyBenchmarks]]),
      ),
    );
  });

  it("prints the options, defaults and examples of one", async () => {
    const { stdout } = await bench("images", "--help");
    expect(stdout).toMatch(/--step-ms <n> .*\(default\s+500\)/);
    expect(stdout).toContain("(required)");
    expect(stdout).toContain("npm run bench -- images --folder");
  });

  it("refuses another's option, and lists everything that is wrong with its own", async () => {
    await expect(bench("step", "--items", "5")).rejects.toMatchObject({
      stderr: expect.stringContaining("unknown option '--items'"),
    });
    await expect(bench("features", "--steps", "0")).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--data is missing\n.*--steps must be a whole number from 1.*got 0/),
    });
  });

  it("writes a result with machine, versions, commit, date and options", async () => {
    const out = join(folder, "new", "images.json");
    const args = ["images", "--folder", pictures, "--batch", "1", "--steps", "1", "--step-ms", "1"];
    const printed = JSON.parse((await bench(...args, "--json", "--out", out)).stdout);
    const written = JSON.parse(readFileSync(out, "utf8"));
    expect(written).toEqual(printed);
    expect(written).toMatchObject({
      benchmark: "images",
      options: { folder: pictures, batch: 1, steps: 1, stepMs: 1 },
      commit: expect.stringMatching(/^[0-9a-f]{12}(-dirty)?$|^v/),
      machine: { processor: expect.any(String), processors: expect.any(Number) },
      versions: { node: process.versions.node, "onnxruntime-node": expect.stringMatching(/^\d/) },
    });
    expect(Date.parse(written.date)).toBeGreaterThan(0);
    expect(written.result).toMatchObject({
      images: expect.any(Number),
      throughput: { decoded: expect.any(Number) },
    });
  });
});
