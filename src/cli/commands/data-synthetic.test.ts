import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dataSyntheticCommand } from "./data-synthetic.js";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sdfn-data-synthetic-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Runs the command and gives what it wrote to standard output. */
async function run(...args: string[]): Promise<string> {
  const chunks: string[] = [];
  const stdout = new PassThrough();
  stdout.on("data", (chunk: Buffer) => chunks.push(chunk.toString()));
  const stderr = Object.assign(new PassThrough(), { isTTY: false }) as unknown as NodeJS.WriteStream;
  await dataSyntheticCommand({ stdout, stderr }).exitOverride().parseAsync(args, { from: "user" });
  return chunks.join("");
}

const SMALL = ["--items", "20", "--triplets", "60", "--size", "32"];

describe("sdfn data synthetic", () => {
  it("makes the catalogue and prints one JSON line", async () => {
    const out = join(root, "json");
    const printed = await run("--out", out, ...SMALL, "--seed", "5", "--json");
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
    expect(await run("--out", out, ...SMALL)).toMatch(
      /135 pictures in [\d.]+ s\n {2}train {2}dress +20 pictures +20 triplets\n/,
    );
    expect(await run("--out", out, ...SMALL)).toContain("was already there");
  });

  it("lists every wrong flag as it was typed", async () => {
    const wrong = run("--out", join(root, "wrong"), "--items", "many", "--size", "7", "--seed", "1.5");
    await expect(wrong).rejects.toMatchObject({ code: "USAGE" });
    await expect(wrong).rejects.toThrow(/--seed: .*got 1\.5\n.*--items: .*got many\n.*--size: .*got 7/);
    expect(await readdir(root)).not.toContain("wrong");
  });

  it("explains itself with examples", () => {
    let help = "";
    const command = dataSyntheticCommand().configureOutput({ writeOut: (text) => (help += text) });
    command.outputHelp();
    expect(help).toContain("--out <dir>");
    expect(help).toContain("$ sdfn data synthetic --out data/synthetic");
  });
});
