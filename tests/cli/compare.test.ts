import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runProgram } from "../../src/cli/run-program.js";
import { recordingContext, withoutWarnings } from "./recording-context.js";

/** Compiled by the set-up that every npm script begins with. */
const executable = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const isCompiled = existsSync(executable);
if (!isCompiled) console.warn("SKIPPED: dist/cli/main.js is not there; run npm run setup to test kills");

let root: string;
let data: string;
let config: string;

/** Small enough for a second a cell; nothing is learned. */
const tiny = {
  ...{ backbone: "resnet18", backboneWidth: 0.125, embedDim: 16, wordDim: 8 },
  ...{ imagePx: 32, resizePx: 32, batchSize: 8, epochs: 1, maxWords: 12, holdOut: 0.2 },
};

async function run(args: readonly string[], signal?: AbortSignal) {
  const context = recordingContext(signal ? { signal } : {});
  const code = await runProgram(args, context);
  return { code, output: context.output(), errors: context.errors() };
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "sdfn-compare-"));
  [data, config] = [join(root, "data"), join(root, "tiny.json")];
  writeFileSync(config, JSON.stringify(tiny));
  const small = ["--items", "20", "--triplets", "60", "--size", "32"];
  expect((await run(["data", "synthetic", "--out", data, ...small])).code).toBe(0);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const compareArgs = (out: string, ...more: string[]) => [
  ...["compare", "--data", data, "--out", out, "--config", config],
  ...["--models", "sum,tirg", "--seeds", "2", ...more],
];

/** Name, content and time of change of every file below a folder. */
function filesOf(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [
        file,
        `${createHash("sha256").update(readFileSync(file)).digest("hex")} ${statSync(file).mtimeMs}`,
      ]),
  );
}

const finishedCells = (out: string) =>
  existsSync(join(out, "cells"))
    ? readdirSync(join(out, "cells")).filter((cell) =>
        existsSync(join(out, "cells", cell, "evaluation.json")),
      )
    : [];

const rowsOf = (out: string) => JSON.parse(readFileSync(join(out, "comparison.json"), "utf8")).rows;

describe.skipIf(!isCompiled)("a grid that is killed", () => {
  it("goes on with the same command: finished cells untouched, the same table as one that never stopped", async () => {
    const out = join(root, "killed");
    const child = spawn(process.execPath, [executable, ...compareArgs(out)], { stdio: "ignore" });
    let hasEnded = false;
    const ended = new Promise<void>((resolve) =>
      child.on("close", () => {
        hasEnded = true;
        resolve();
      }),
    );
    // In the middle of the second or third cell.
    while (!hasEnded && finishedCells(out).length === 0)
      await new Promise((resolve) => setTimeout(resolve, 20));
    const started = Date.now();
    while (
      readdirSync(join(out, "cells")).length === finishedCells(out).length &&
      Date.now() - started < 20_000
    )
      await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill("SIGKILL");
    await ended;
    const done = finishedCells(out);
    expect(done.length).toBeGreaterThan(0);
    expect(done.length).toBeLessThan(4);
    const before = done.map((cell) => filesOf(join(out, "cells", cell)));

    const { code, output } = await run(compareArgs(out));
    expect(code).toBe(0);
    expect(output).toContain(`${done.length} of 4 cells were finished before`);
    expect(done.map((cell) => filesOf(join(out, "cells", cell)))).toEqual(before);
    expect(finishedCells(out).sort()).toEqual(["sum-seed1", "sum-seed2", "tirg-seed1", "tirg-seed2"]);

    const whole = join(root, "whole");
    expect((await run(compareArgs(whole))).code).toBe(0);
    expect(rowsOf(out)).toEqual(rowsOf(whole));

    const again = filesOf(join(out, "cells"));
    expect((await run(compareArgs(out, "--json"))).code).toBe(0);
    expect(filesOf(join(out, "cells"))).toEqual(again);
  });
});

describe("sdfn compare", () => {
  it("stops at Ctrl-C with the comparison of what is finished, and lets go of the folder", async () => {
    const out = join(root, "stopped");
    const abort = new AbortController();
    let hasEnded = false;
    const running = run(compareArgs(out), abort.signal).finally(() => {
      hasEnded = true;
    });
    while (!hasEnded && finishedCells(out).length === 0)
      await new Promise((resolve) => setTimeout(resolve, 10));
    abort.abort();
    const { code, errors } = await running;
    expect(code).toBe(130);
    expect(errors).toContain("the same command goes on");
    expect(rowsOf(out)).toHaveLength(1);
    expect(readFileSync(join(out, "report.html"), "utf8")).toContain("tirg-seed2</th><td>not run yet");
    expect(existsSync(join(out, "lock"))).toBe(false);
  });

  it("prints one line of JSON with means and differences, and leaves tables, a chart and a page", async () => {
    const out = join(root, "json");
    const { code, output, errors } = await run(compareArgs(out, "--json"));
    expect([code, withoutWarnings(errors)]).toEqual([0, ""]);
    const { rows, failures, files } = JSON.parse(output);
    expect(failures).toEqual([]);
    expect(rows.map(({ name, seeds }: { name: string; seeds: number[] }) => [name, seeds])).toEqual([
      ["sum", [1, 2]],
      ["tirg", [1, 2]],
    ]);
    expect(Object.keys(rows[0].perCategory)).toEqual(["dress", "shirt", "toptee"]);
    expect(rows[0].difference).toBeNull();
    const { mean, interval, overQueries } = rows[1].difference.metrics.r10;
    expect(mean).toBeCloseTo(rows[1].mean.r10.mean - rows[0].mean.r10.mean, 9);
    expect(interval.low).toBeLessThanOrEqual(mean);
    expect(overQueries.low).toBeLessThanOrEqual(overQueries.high);
    for (const file of Object.values<string>(files)) expect(statSync(file).size).toBeGreaterThan(100);
    expect(readFileSync(files.report, "utf8")).not.toMatch(/<script|NaN|undefined|(src|href)="(?!data:|#)/);
    expect(readFileSync(files.csv, "utf8").trimEnd().split("\n")).toHaveLength(1 + 2 * 2 * 4);

    // Equal budgets: the same steps, and the same triplets held out.
    const manifests = ["sum-seed1", "tirg-seed1"].map((cell) =>
      JSON.parse(readFileSync(join(out, "cells", cell, "run.json"), "utf8")),
    );
    expect(manifests[0].step).toBe(manifests[1].step);
    expect(manifests[0].config).toEqual({ ...manifests[1].config, model: "sum" });

    // Another seed later: only its cells are run.
    const before = filesOf(join(out, "cells"));
    const { code: codeOfMore, output: more } = await run(compareArgs(out, "--seeds", "3"));
    expect(codeOfMore).toBe(0);
    expect(more).toContain("4 of 6 cells were finished before");
    expect(filesOf(join(out, "cells"))).toMatchObject(before);
    expect(finishedCells(out)).toHaveLength(6);
  });

  it("refuses finished cells of another configuration, and folders of others", async () => {
    const out = join(root, "json");
    const { code, errors } = await run(compareArgs(out, "--set", "epochs=2"));
    expect(code).toBe(2);
    expect(errors).toMatch(/USAGE: .*sum-seed1: epochs 1, now 2.*choose a new folder/s);
    const foreign = join(root, "foreign");
    mkdirSync(foreign);
    writeFileSync(join(foreign, "thesis.tex"), "");
    expect((await run(compareArgs(foreign))).errors).toMatch(/not empty and not a grid's; got thesis\.tex/);
    expect(readdirSync(foreign)).toEqual(["thesis.tex"]);
  });

  it("refuses wrong options before anything is trained", async () => {
    const out = join(root, "wrong");
    const { code, errors } = await run(["compare", "--out", out, "--models", "sum,sum", "--seeds", "0"]);
    expect(code).toBe(2);
    expect(errors).toMatch(/--data is missing.*--seeds must be a whole number.*--models must be different/s);
    expect((await run(compareArgs(out, "--set", "epochs=0"))).errors).toMatch(/^CONFIG_INVALID: /);
    expect(existsSync(out)).toBe(false);
  });

  it("tells of a cell that fails, goes on with the others, and tries it again the next time", async () => {
    const out = join(root, "failing");
    const args = compareArgs(out, "--models", "sum,image-only,text-only", "--seeds", "1");
    const context = recordingContext();
    const { stdout } = context;
    const write = stdout.write.bind(stdout);
    // The data set is away while the second cell is tried: what is said of a cell is said before the next one begins.
    stdout.write = (text: string | Uint8Array) => {
      if (String(text).startsWith("1/3")) renameSync(data, `${data}-away`);
      if (String(text).startsWith("2/3")) renameSync(`${data}-away`, data);
      return write(text);
    };
    expect(await runProgram(args, context)).toBe(1);
    expect(context.output()).toMatch(
      /2\/3 image-only, seed 1 {2}FAILED: DATASET_INVALID: .*\n3\/3 text-only, seed 1 {2}R@1/,
    );
    expect(context.output()).toContain("failed: image-only-seed1: DATASET_INVALID");
    expect(readFileSync(join(out, "report.html"), "utf8")).toContain(
      "image-only-seed1</th><td>DATASET_INVALID",
    );
    expect(rowsOf(out)).toHaveLength(2);

    const { code, output } = await run(args);
    expect(code).toBe(0);
    expect(output).toContain("2 of 3 cells were finished before");
    expect(rowsOf(out)).toHaveLength(3);
  });
});

describe("sdfn ablate", () => {
  it("compares the rows of Table 3, those without a module with the full model", async () => {
    const out = join(root, "ablate");
    const args = ["ablate", "--data", data, "--out", out, "--config", config, "--seeds", "1", "--json"];
    const { code, output } = await run([...args, "--rows", "baseline,lc-sr,full,no-cam"]);
    expect(code).toBe(0);
    const { rows } = JSON.parse(output);
    expect(
      rows.map(({ name, difference }: { name: string; difference: { against: string } | null }) => [
        name,
        difference?.against,
      ]),
    ).toEqual([
      ["Baseline", undefined],
      ["+ L_c + SR", "Baseline"],
      ["+ L_c + MSR + SPD", "Baseline"],
      ["without CAM", "+ L_c + MSR + SPD"],
    ]);
    const fieldsOf = (cell: string) =>
      JSON.parse(readFileSync(join(out, "cells", cell, "run.json"), "utf8")).config;
    expect(fieldsOf("baseline-seed1")).toMatchObject({ router: "none", lambda1: 0, lambda2: 0 });
    expect(fieldsOf("lc-sr-seed1")).toMatchObject({ router: "shared", lambda1: 0, lambda2: 1 });
    expect(fieldsOf("full-seed1")).toMatchObject({ router: "modality-specific", lambda1: 1, lambda2: 1 });
    expect(fieldsOf("no-cam-seed1")).toMatchObject({ modules: ["jrm", "gtm", "rcm"], lambda1: 1 });
  });

  it("refuses rows that a weight of 0 would make the same", async () => {
    const args = ["ablate", "--data", data, "--out", join(root, "zero"), "--config", config];
    const { code, errors } = await run([...args, "--set", "lambda2=0"]);
    expect(code).toBe(2);
    expect(errors).toMatch(/USAGE: .*got lambda2 0.*--set lambda2=0\.1/);
    expect(existsSync(join(root, "zero"))).toBe(false);
  });
});

describe("sdfn report", () => {
  it("writes the page of a run, with recall and pictures where there is a data set", async () => {
    const runDir = join(root, "json", "cells", "sum-seed1");
    const alone = await run(["report", "--run", runDir, "--out", join(root, "alone.html")]);
    expect(alone).toMatchObject({ code: 0, output: expect.stringContaining("with --data DIR") });
    expect(readFileSync(join(root, "alone.html"), "utf8")).toContain("<h3>Training loss</h3>");

    const { code, output } = await run(["report", "--run", runDir, "--data", data, "--json"]);
    expect(code).toBe(0);
    const { report, result } = JSON.parse(output);
    expect(report).toBe(join(runDir, "report.html"));
    const page = readFileSync(report, "utf8");
    for (const id of ["recall", "failures", "worst", "best", "data", "configuration"]) {
      expect(page).toContain(`id="${id}"`);
    }
    expect(page).toContain(`${result.mean.r10.toFixed(1)} %`);
    // Six of the worst, and of those answered first as many as there are.
    const categories = Object.values<{ r1: number; queries: number }>(result.perCategory);
    const first = Math.round(categories.reduce((sum, { r1, queries }) => sum + (r1 * queries) / 100, 0));
    expect(page.match(/class="card answer"/g)?.length).toBe(6 + Math.min(6, first));
    // Pictures are text that may read like anything.
    expect(
      /<script|NaN|undefined|(src|href)="(?!data:|#)/.exec(page.replace(/base64,[^"]*/g, "")),
    ).toBeNull();
  });

  it("refuses what is no run, and a file that cannot be written", async () => {
    expect(await run(["report", "--run", data])).toMatchObject({
      code: 1,
      errors: expect.stringMatching(/^RUN_INVALID: /),
    });
    const runDir = join(root, "json", "cells", "sum-seed1");
    expect((await run(["report", "--run", runDir, "--out", root])).errors).toMatch(/USAGE: --out: the page/);
  });
});
