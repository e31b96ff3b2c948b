/** Runs that are killed, interrupted or starved of disk, and resumed: the same bits as if nothing had been. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { Random } from "../../src/engine/tensor/random.js";
import { openRun } from "../../src/runs/open-run.js";
import { readManifest, readMetrics } from "../../src/runs/run-files.js";
import { executable } from "../fixtures/compiled.js";
import { tinyCatalogue, tinySdfn } from "./tiny-training.js";

// Dozens of processes, one after the other.
vi.setConfig({ testTimeout: 400_000 });

const { folder, data } = tinyCatalogue();

/** Everything that has a state: dropout, augmentation, batch norm, a teacher, an average, a held-out part. */
const tiny = {
  ...tinySdfn,
  backboneWidth: 0.25,
  embedDim: 32,
  wordDim: 16,
  heads: 4,
  epochs: 3,
  warmupSteps: 3,
  gradientClip: 5,
  swapCaptions: true,
  weightAverage: 0.9,
  holdOut: 0.15,
};

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs `sdfn train`; `watch` is asked again and again whether to send it a signal. */
async function sdfnTrain(
  args: readonly string[],
  { signal, when }: { signal?: NodeJS.Signals; when?: () => boolean } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [executable, "train", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [output, errors] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const closed = once(child, "close");
  let isOver = false;
  closed.then(() => {
    isOver = true;
  });
  while (when && signal && !isOver) {
    if (when()) {
      child.kill(signal);
      break;
    }
    await setTimeout(1); // asking without a pause would take the processor from what is watched
  }
  await closed;
  return { code: child.exitCode, output, errors };
}

function configFile(name: string, fields: object): string {
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify({ ...tiny, ...fields }));
  return file;
}

function stepsIn(runDir: string): number {
  const file = join(runDir, "metrics.jsonl");
  return existsSync(file) ? readFileSync(file, "utf8").split('"kind":"step"').length - 1 : 0;
}

/** What must not depend on stops: the parameters' bytes and every measured number but times. */
function resultOf(runDir: string) {
  const { status, step, kept, unseenWords } = readManifest(runDir);
  return {
    status,
    step,
    kept,
    unseenWords,
    parameters: readFileSync(join(runDir, "parameters.safetensors")).toString("base64"),
    metrics: readMetrics(runDir).map((entry) => ({ ...entry, seconds: 0, imagesPerSecond: 0 })),
  };
}

async function uninterrupted(name: string, config: string) {
  const runDir = join(folder, name);
  expect(await sdfnTrain(["--data", data, "--out", runDir, "--config", config])).toMatchObject({ code: 0 });
  expect(existsSync(join(runDir, "checkpoints"))).toBe(false);
  return { runDir, ...resultOf(runDir) };
}

const random = new Random(Date.now() % 2 ** 31);

describe.skipIf(!existsSync(executable)).each(["snapshot", "stored"])(
  "a run with a %s teacher",
  (teacher) => {
    it("that is killed at random steps ends with the same bits", async () => {
      const config = configFile(`killed-${teacher}`, { teacher });
      const { runDir: _, ...expected } = await uninterrupted(`whole-${teacher}`, config);
      const total = expected.step;
      expect(total).toBeGreaterThan(12);
      const runDir = join(folder, `killed-${teacher}`);
      const start = ["--data", data, "--out", runDir, "--config", config];
      const every = ["--checkpoint-minutes", "0.0005"]; // now and then in the middle of an epoch
      const stops = [2 + random.integer(total - 4), 2 + random.integer(total - 4)].sort((a, b) => a - b);
      for (const [i, stop] of stops.entries()) {
        await sdfnTrain([...(i === 0 ? start : ["--resume", runDir]), ...every], {
          signal: "SIGKILL",
          when: () => stepsIn(runDir) >= stop,
        });
        expect(readManifest(runDir).status, `stops ${stops}`).toBe("training");
      }
      const { code, output, errors } = await sdfnTrain(["--resume", runDir]);
      expect(errors).not.toContain("RUN_INVALID");
      expect(code).toBe(0);
      expect(output).toMatch(/of them done/);
      expect(resultOf(runDir), `stops ${stops}`).toEqual(expected);
      expect(openRun(runDir).manifest.resumed?.length).toBeGreaterThanOrEqual(1); // a kill may come before a word is written
      expect(readdirSync(runDir).sort()).toEqual([
        "metrics.jsonl",
        "parameters.safetensors",
        "phrases.json",
        "run.json",
        "vocabulary.json",
      ]);
    });
  },
);

describe.skipIf(!existsSync(executable))("a run", () => {
  it("that is killed while it writes a checkpoint continues from the one before", async () => {
    const config = configFile("writing", { backboneWidth: 1, epochs: 1, lambda1: 0 }); // large files
    const { runDir: _, ...expected } = await uninterrupted("whole-writing", config);
    const runDir = join(folder, "writing");
    const checkpoints = join(runDir, "checkpoints");
    const partials = () =>
      existsSync(checkpoints) ? readdirSync(checkpoints).filter((name) => name.endsWith(".partial")) : [];
    let cut = 0;
    for (let attempt = 0; attempt < 6 && cut < 2; attempt += 1) {
      const isNew = !existsSync(join(runDir, "run.json"));
      if (isNew) rmSync(runDir, { recursive: true, force: true });
      const start = isNew ? ["--data", data, "--out", runDir, "--config", config] : ["--resume", runDir];
      const before = new Set(partials());
      const first = stepsIn(runDir);
      await sdfnTrain([...start, "--checkpoint-minutes", "0"], {
        signal: "SIGKILL",
        when: () => stepsIn(runDir) > first && partials().some((name) => !before.has(name)),
      });
      if (partials().length > 0) cut += 1;
      if (readManifest(runDir).status === "complete") break;
    }
    expect(cut, "checkpoints that were cut short").toBeGreaterThan(0);
    expect(await sdfnTrain(["--resume", runDir])).toMatchObject({ code: 0 });
    expect(resultOf(runDir)).toEqual(expected);
  });

  it("that is stopped with Ctrl-C says how to resume, and resumes", async () => {
    const config = configFile("stopped", {});
    const { runDir: _, ...expected } = await uninterrupted("whole-stopped", config);
    const runDir = join(folder, "stopped");
    const stopped = await sdfnTrain(["--data", data, "--out", runDir, "--config", config], {
      signal: "SIGINT",
      when: () => stepsIn(runDir) >= 4,
    });
    expect(stopped.code).toBe(130);
    expect(stopped.output).toContain(`resume with: sdfn train --resume ${runDir}`);
    expect(readManifest(runDir).status).toBe("interrupted");
    expect(openRun(runDir).manifest.step).toBeGreaterThanOrEqual(4);
    const { code, output } = await sdfnTrain(["--resume", runDir, "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(output)).toMatchObject({ status: "complete", steps: expected.step });
    expect(resultOf(runDir)).toEqual(expected);
    expect((await sdfnTrain(["--resume", runDir])).errors).toContain(
      "is complete; there is nothing to resume",
    );
  });

  it("that fills the disk stops with what was saved whole, and continues when there is room", async (context) => {
    const place = join(folder, "small-disk");
    mkdirSync(place);
    const mount = (options: string) => execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", place]);
    try {
      mount("size=20m"); // one checkpoint and a half
    } catch (error) {
      console.warn(`SKIPPED: a full disk needs the right to mount a small one; got ${error}`);
      context.skip();
    }
    try {
      const config = configFile("full", { epochs: 2 });
      const { runDir: _, ...expected } = await uninterrupted("whole-full", config);
      const runDir = join(place, "run");
      const full = await sdfnTrain(["--data", data, "--out", runDir, "--config", config]);
      expect(full.code, full.errors).toBe(1);
      expect(full.errors).toMatch(/ENVIRONMENT: .*the disk is full; got ENOSPC; make room/);
      expect(full.errors).toMatch(
        /saved up to step \d+; when that is fixed, resume with: sdfn train --resume/,
      );
      mount("remount,size=64m");
      expect(await sdfnTrain(["--resume", runDir])).toMatchObject({ code: 0 });
      expect(resultOf(runDir)).toEqual(expected);
    } finally {
      execFileSync("umount", [place]);
    }
  });
});
