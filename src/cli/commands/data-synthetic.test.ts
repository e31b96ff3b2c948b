import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recordingContext } from "../../../tests/cli/recording-context.js";
import { runProgram } from "../run-program.js";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sdfn-data-synthetic-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function run(...args: string[]) {
  const context = recordingContext();
  const code = await runProgram(["data", "synthetic", ...args], context);
  return { code, output: context.output(), errors: context.errors() };
}

const small = ["--items", "20", "--triplets", "60", "--size", "32"];

describe("sdfn data synthetic", () => {
  it("makes the catalogue and prints one JSON line", async () => {
    const out = join(root, "json");
    const { output: printed } = await run("--out", out, ...small, "--seed", "5", "--json");
    expect(printed.trimEnd().split("\n")).toHaveLength(1);
    expect(JSON.parse(printed)).toMatchObject({
      directory: out,
      options: { seed: 5, itemsPerCategory: 20, triplets: 60, sizePx: 32 },
      counts: { train: { dress: { images: 20, triplets: 20 } } },
      imageCount: 135,
      isUnchanged: false,
      seconds: expect.any(Number),
    });
    expect(await readdir(join(out, "images"))).toHaveLength(135);
  });

  it("prints a table for people, and says when nothing had to be done", async () => {
    const out = join(root, "text");
    expect((await run("--out", out, ...small)).output).toMatch(
      /135 pictures in [\d.]+ s\n {2}train {2}dress +20 pictures +20 triplets\n/,
    );
    expect((await run("--out", out, ...small)).output).toContain("was already there");
  });

  it("lists every wrong flag as it was typed", async () => {
    const wrong = await run("--out", join(root, "wrong"), "--items", "many", "--size", "7", "--seed", "1.5");
    expect(wrong).toMatchObject({ code: 2, output: "" });
    expect(wrong.errors).toMatch(/--seed must .*got 1\.5\n.*--items must .*got many\n.*--size must .*got 7/);
    expect(await readdir(root)).not.toContain("wrong");
  });

  it("says so when it was stopped, and leaves nothing", async () => {
    const abort = new AbortController();
    abort.abort();
    const context = recordingContext({ signal: abort.signal });
    const out = join(root, "stopped");
    expect(await runProgram(["data", "synthetic", "--out", out, ...small], context)).toBe(130);
    expect(context.errors()).toBe(
      "interrupted: no catalogue was written\nINTERRUPTED: stopped before the end\n",
    );
    expect(await readdir(root)).not.toContain("stopped");
  });

  it("explains itself with examples", async () => {
    const { output } = await run("--help");
    expect(output).toContain("--out <dir>");
    expect(output).toContain("$ sdfn data synthetic --out data/synthetic");
  });
});
