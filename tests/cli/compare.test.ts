import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runProgram } from "../../src/cli/run-program.js";
import { modelNames } from "../../src/models/registry.js";
import { readManifest, readMetrics } from "../../src/runs/run-files.js";
import { executable, isCompiled } from "../fixtures/compiled.js";
import { tinyCatalogue, tinyFields } from "../training/tiny-training.js";
import { recordingContext, withoutWarnings } from "./recording-context.js";

if (!isCompiled) console.warn("SKIPPED: dist/cli/main.js is not there; run npm run setup to test kills");

const { folder: root, data } = tinyCatalogue();
const config = join(root, "tiny.json");
writeFileSync(config, JSON.stringify(tinyFields));

async function run(args: readonly string[], signal?: AbortSignal) {
  const context = recordingContext(signal ? { signal } : {});
  const code = await runProgram(args, context);
  return { code, output: context.output(), errors: context.errors() };
}

const compareArgs = (out: string, ...more: string[]) => [
  "compare",
  "--data",
  data,
  "--out",
  out,
  "--config",
  config,
  "--models",
  "sum,tirg",
  "--seeds",
  "2",
  ...more,
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

/** What must not depend on stops: of every cell the parameters' bytes, every measured number but times, and ranks. */
function resultsOf(out: string) {
  return readdirSync(join(out, "cells"))
    .sort()
    .map((cell) => {
      const runDir = join(out, "cells", cell);
      const { commit: _, ...evaluation } = JSON.parse(readFileSync(join(runDir, "evaluation.json"), "utf8"));
      return {
        cell,
        evaluation,
        parameters: readFileSync(join(runDir, "parameters.safetensors")).toString("base64"),
        metrics: readMetrics(runDir).map((entry) => ({ ...entry, seconds: 0, imagesPerSecond: 0 })),
      };
    });
}

let wholeGrid: Promise<string> | undefined;
/** The folder of the same grid, never stopped. */
function whole(): Promise<string> {
  const train = async () => {
    const out = join(root, "whole");
    expect((await run(compareArgs(out))).code).toBe(0);
    return out;
  };
  wholeGrid ??= train();
  return wholeGrid;
}

/** The cell under way that is in the middle of an epoch which is not its first, if there is one. */
function underWay(out: string): string | undefined {
  const cells = existsSync(join(out, "cells")) ? readdirSync(join(out, "cells")) : [];
  return cells
    .filter((cell) => !existsSync(join(out, "cells", cell, "evaluation.json")))
    .find((cell) => {
      const metrics = readMetrics(join(out, "cells", cell));
      return metrics.some(({ kind }) => kind === "epoch") && metrics.at(-1)?.kind === "step";
    });
}

/** Waits until a cell is finished and the next one has done a part of its second epoch; gives the latter's name. */
async function untilUnderWay(out: string, hasEnded: () => boolean): Promise<string> {
  for (;;) {
    const cell = finishedCells(out).length > 0 ? underWay(out) : undefined;
    if (cell !== undefined) return cell;
    if (hasEnded()) throw new Error("the grid ended before it could be stopped");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const manifestOf = (out: string, cell: string) => readManifest(join(out, "cells", cell));

describe.skipIf(!isCompiled)("a grid that is killed", () => {
  it("continues with the same command: finished cells untouched, the stopped one from its checkpoint, all to the same bits", async () => {
    const out = join(root, "killed");
    const child = spawn(process.execPath, [executable, ...compareArgs(out)], { stdio: "ignore" });
    let hasEnded = false;
    const ended = new Promise<void>((resolve) =>
      child.on("close", () => {
        hasEnded = true;
        resolve();
      }),
    );
    const stopped = await untilUnderWay(out, () => hasEnded);
    child.kill("SIGKILL");
    await ended;
    const done = finishedCells(out);
    expect(done.length).toBeLessThan(4);
    const before = done.map((cell) => filesOf(join(out, "cells", cell)));

    const { code, output } = await run(compareArgs(out));
    expect(code).toBe(0);
    expect(output).toContain(`${done.length} of 4 cells were finished before`);
    expect(done.map((cell) => filesOf(join(out, "cells", cell)))).toEqual(before);
    const [resumed] = manifestOf(out, stopped).resumed ?? [];
    expect(resumed?.step).toBeGreaterThan(0);
    expect(output).toContain(`resumed at step ${resumed?.step}\n`);
    expect(resultsOf(out)).toEqual(resultsOf(await whole()));
    expect(rowsOf(out)).toEqual(rowsOf(await whole()));

    const again = filesOf(join(out, "cells"));
    expect((await run(compareArgs(out, "--json"))).code).toBe(0);
    expect(filesOf(join(out, "cells"))).toEqual(again);
  });
});

describe("sdfn compare", () => {
  it("stops at Ctrl-C with the comparison of what is finished, lets go of the folder, and continues to the same bits", async () => {
    const out = join(root, "stopped");
    const abort = new AbortController();
    let hasEnded = false;
    const running = run(compareArgs(out), abort.signal).finally(() => {
      hasEnded = true;
    });
    const stopped = await untilUnderWay(out, () => hasEnded);
    abort.abort();
    const { code, errors } = await running;
    expect(code).toBe(130);
    expect(errors).toContain("the same command continues");
    expect(readFileSync(join(out, "report.html"), "utf8")).toContain("tirg-seed2</th><td>not run yet");
    expect(existsSync(join(out, "lock"))).toBe(false);
    const { status, step } = manifestOf(out, stopped);
    expect(status).toBe("interrupted");

    const other = await run(compareArgs(out, "--set", "epochs=3"));
    expect([other.code, other.errors]).toEqual([2, expect.stringContaining(`${stopped}: epochs 2, now 3`)]);

    expect((await run(compareArgs(out))).code).toBe(0);
    expect(manifestOf(out, stopped).resumed).toMatchObject([{ step }]);
    expect(resultsOf(out)).toEqual(resultsOf(await whole()));
  });

  it("refuses to continue when the data have changed, before anything is trained", async () => {
    const out = await whole();
    const changed = join(data, "captions", "cap.dress.train.json");
    const text = readFileSync(changed, "utf8");
    writeFileSync(changed, JSON.stringify(JSON.parse(text).slice(1)));
    try {
      const { code, errors } = await run(compareArgs(out, "--seeds", "3"));
      expect(code).toBe(2);
      expect(errors).toMatch(
        /data have changed since its cells were trained:\n {2}- triplets of train: 60, now 59/,
      );
    } finally {
      writeFileSync(changed, text);
    }
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
    const [sum, tirg] = JSON.parse(output).costs;
    expect(sum).toMatchObject({ name: "sum", measured: { bytesPerItem: 64, gallery: 21 } });
    expect(tirg.measured.parameters).toBeGreaterThan(sum.measured.parameters);
    expect(tirg.measured.secondsPerStep).toBeGreaterThan(0);
    expect(tirg.measured.millisecondsPerQuery).toBeGreaterThan(0);
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
    const { code, errors } = await run(compareArgs(out, "--set", "epochs=3"));
    expect(code).toBe(2);
    expect(errors).toMatch(/USAGE: .*sum-seed1: epochs 2, now 3.*choose a new folder/s);
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
    expect((await run(compareArgs(out, "--models", "sdfn,trig"))).errors).toMatch(
      new RegExp(`--models has names of no model, trig: must be all, or out of ${modelNames.join(", ")}`),
    );
    expect((await run(compareArgs(out, "--set", "heads=2"))).errors).toMatch(
      /^CONFIG_INVALID: heads: a field of sdfn\b.*, and not compared here/,
    );
    expect((await run(compareArgs(out, "--mismatched-triplets", "0,120"))).errors).toMatch(
      /--mismatched-triplets must be different percents from 0 to 100/,
    );
    expect(existsSync(out)).toBe(false);
  });

  it("tells of a cell that fails, continues with the others, and tries it again the next time", async () => {
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
    const { report, result, instruments } = JSON.parse(output);
    expect(report).toBe(join(runDir, "report.html"));
    const page = readFileSync(report, "utf8");
    expect(instruments).toMatchObject({
      from: "held out",
      gradients: { losses: [{ loss: "classification" }] },
    });
    expect(instruments.routes).toBeUndefined();
    for (const id of ["recall", "failures", "worst", "best", "instruments", "data", "configuration"]) {
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

  it("leaves the instruments out when it is told to", async () => {
    const runDir = join(root, "json", "cells", "sum-seed1");
    const out = join(root, "without.html");
    const args = ["report", "--run", runDir, "--data", data, "--instruments", "0", "--out", out, "--json"];
    expect(JSON.parse((await run(args)).output).instruments).toBeNull();
    expect(readFileSync(out, "utf8")).not.toContain('id="instruments"');
    expect((await run(["report", "--run", runDir, "--instruments", "5"])).errors).toMatch(/USAGE: .*--data/);
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

describe("compare --tune", () => {
  it("chooses each row's value by triplets held out of train, says so everywhere, and continues where it stopped", async () => {
    const out = join(root, "tuned");
    const args = compareArgs(
      out,
      "--seeds",
      "1",
      "--tune",
      "learningRate=0.000000001,0.01",
      "--set",
      "holdOut=0.3",
    );
    const { code, output } = await run(args);
    expect(code).toBe(0);
    expect(output.match(/held out of train/g)).toHaveLength(4);
    const cells = readdirSync(join(out, "cells")).sort();
    expect(cells).toEqual(
      ["sum", "tirg"].flatMap((row) => [`${row}-seed1`, `${row}-tune1-seed1`, `${row}-tune2-seed1`]),
    );
    // What was only tried has never seen the evaluated split.
    expect(finishedCells(out).sort()).toEqual(["sum-seed1", "tirg-seed1"]);
    const { tuned, rows } = JSON.parse(readFileSync(join(out, "comparison.json"), "utf8"));
    expect(rows).toHaveLength(2);
    for (const { name, chosen, tried } of tuned) {
      const best = Math.max(...tried.map(({ recall }: { recall: number }) => recall));
      expect(tried.find(({ recall }: { recall: number }) => recall === best).value).toBe(chosen);
      expect(readManifest(join(out, "cells", `${name.toLowerCase()}-seed1`)).config.learningRate).toBe(
        chosen,
      );
    }
    expect(readFileSync(join(out, "comparison.md"), "utf8")).toContain("| Row | learningRate 1e-9 |");
    const before = filesOf(join(out, "cells"));
    expect((await run(args)).code).toBe(0);
    expect(filesOf(join(out, "cells"))).toEqual(before);
  });

  it("refuses one value, and a field that is none, before anything is trained", async () => {
    const out = join(root, "untuned");
    const one = await run(compareArgs(out, "--tune", "learningRate=0.01"));
    expect(one.code).toBe(2);
    expect(one.errors).toContain("two or more values");
    const none = await run(compareArgs(out, "--tune", "learningrate=0.01,0.1"));
    expect(none.code).not.toBe(0);
    expect(none.errors).toContain("learningrate");
    expect(existsSync(out)).toBe(false);
  });
});
