/** Grids whose cells run side by side, each in a process of its own. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runProgram } from "../../src/cli/run-program.js";
import { isAlive } from "../../src/files/folder-lock.js";
import { readManifest, readMetrics } from "../../src/runs/run-files.js";
import { isCompiled } from "../fixtures/compiled.js";
import { tinyCatalogue, tinyFields } from "../training/tiny-training.js";
import { recordingContext } from "./recording-context.js";

if (!isCompiled) console.warn("SKIPPED: dist/ is not there; run npm run setup to test processes of cells");

const { folder: root, data } = tinyCatalogue();
const config = join(root, "tiny.json");
// Long enough to be stopped in the middle.
writeFileSync(config, JSON.stringify({ ...tinyFields, epochs: 8 }));

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
  "1",
  "--threads",
  "1",
  ...more,
];

const cellsOf = (out: string) =>
  existsSync(join(out, "cells")) ? readdirSync(join(out, "cells")).sort() : [];
const fileOf = (out: string, cell: string, file: string) => join(out, "cells", cell, file);

/** What must not depend on how cells were run: of every cell the parameters' bytes, measured numbers and ranks. */
function resultsOf(out: string) {
  return cellsOf(out).map((cell) => ({
    cell,
    evaluation: JSON.parse(readFileSync(fileOf(out, cell, "evaluation.json"), "utf8")),
    parameters: readFileSync(fileOf(out, cell, "parameters.safetensors")).toString("base64"),
    metrics: readMetrics(join(out, "cells", cell)).map((entry) => ({
      ...entry,
      seconds: 0,
      imagesPerSecond: 0,
    })),
  }));
}

let wholeGrid: Promise<string> | undefined;
/** The folder of the same grid, run one cell after another in this process. */
function whole(): Promise<string> {
  const train = async () => {
    const out = join(root, "whole");
    expect((await run(compareArgs(out))).code).toBe(0);
    return out;
  };
  wholeGrid ??= train();
  return wholeGrid;
}

/** Cells that are trained now and have done some steps, with the process that trains each. */
function underWay(out: string): readonly { readonly cell: string; readonly processId: number }[] {
  return cellsOf(out).flatMap((cell) => {
    const lock = fileOf(out, cell, "train.lock");
    if (!existsSync(lock) || readMetrics(join(out, "cells", cell)).length < 2) return [];
    return [{ cell, processId: JSON.parse(readFileSync(lock, "utf8")).processId as number }];
  });
}

async function until<Value>(look: () => Value | undefined): Promise<Value> {
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe.skipIf(!isCompiled)("sdfn compare --jobs", () => {
  it("gives the same bits as cells one after another with as many threads, and leaves no log of processes that say nothing", async () => {
    const out = join(root, "side-by-side");
    const { code, output } = await run(compareArgs(out, "--jobs", "2"));
    expect(code).toBe(0);
    expect(output.match(/^\d\/2 (sum|tirg), seed 1 {2}R@1/gm)).toHaveLength(2);
    expect(resultsOf(out)).toEqual(resultsOf(await whole()));
    expect(readdirSync(join(out, "logs"))).toEqual([]);
  });

  it("saves every cell under way at Ctrl-C, and continues all of them to the same bits", async () => {
    const out = join(root, "stopped");
    const abort = new AbortController();
    const args = compareArgs(out, "--jobs", "2");
    const running = run(args, abort.signal);
    const cells = await until(() => {
      const found = underWay(out);
      return found.length === 2 ? found : undefined;
    });
    expect(new Set([process.pid, ...cells.map(({ processId }) => processId)]).size).toBe(3);
    abort.abort();
    const { code, errors } = await running;
    expect(code).toBe(130);
    expect(errors).toMatch(/\d of 2 cells are over.*the same command continues/);
    for (const { cell, processId } of cells) {
      expect(isAlive(processId)).toBe(false);
      expect(readManifest(join(out, "cells", cell)).status).toBe("interrupted");
    }
    const again = await run(args);
    expect(again.code).toBe(0);
    expect(again.output.match(/resumed at step/g)).toHaveLength(2);
    expect(resultsOf(out)).toEqual(resultsOf(await whole()));
  });

  it("tells of a cell whose process is killed, goes on with the others, and tries it again", async () => {
    const out = join(root, "killed");
    const args = compareArgs(out, "--jobs", "2");
    const running = run(args);
    const { cell, processId } = await until(() => underWay(out)[0]);
    process.kill(processId, "SIGKILL");
    const { code, output } = await running;
    expect(code).toBe(1);
    const line = output.split("\n").find((text) => text.startsWith(`failed: ${cell}:`));
    expect(line).toMatch(
      /ENVIRONMENT: .*process \d+ was ended by SIGKILL, as the system does when memory runs out/,
    );
    expect(line).toContain(join(out, "cells", cell));
    expect(cellsOf(out).filter((name) => existsSync(fileOf(out, name, "evaluation.json")))).toHaveLength(1);
    expect((await run(args)).code).toBe(0);
    expect(resultsOf(out)).toEqual(resultsOf(await whole()));
  });

  it("computes the feature maps of a frozen backbone once, before any cell begins", async () => {
    const [out, features] = [join(root, "frozen"), join(root, "features")];
    const set = ["--set", "freezeBackbone=true", "--feature-cache", features];
    const { code, errors } = await run(compareArgs(out, "--jobs", "2", ...set));
    expect(code).toBe(0);
    const computed = [...errors.matchAll(/(\d+) feature maps .* (\d+) to compute/g)].map(([, , count]) =>
      Number(count),
    );
    // The first look computes all of them. Both models have the same backbone: the second is not looked at, and the cells
    // find everything there.
    expect(computed[0]).toBeGreaterThan(50);
    expect(computed.slice(1).every((count) => count === 0)).toBe(true);
    expect(computed).toHaveLength(3);
    // A process that computes maps adds a pair of files.
    const [maps = ""] = readdirSync(features);
    const pairs = readdirSync(join(features, maps)).filter((name) => name.endsWith(".rows"));
    expect(pairs).toHaveLength(1);
  });
});
