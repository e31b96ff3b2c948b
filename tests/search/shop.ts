/** A small shop for tests: a drawn catalogue, a run trained on it, and commands in this process or another. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { runProgram } from "../../src/cli/run-program.js";
import { recordingContext, withoutWarnings } from "../cli/recording-context.js";
import { executable } from "../fixtures/compiled.js";
import { tinyModel } from "../fixtures/tiny-model.js";

const tiny = { ...tinyModel, backboneWidth: 0.125, heads: 2, resizePx: 32 };

export interface Shop {
  readonly root: string;
  readonly data: string;
  readonly catalogue: string;
  readonly run: string;
}

/** Draws pictures and trains a model. */
export async function openShop({ items = 20 } = {}): Promise<Shop> {
  const root = mkdtempSync(join(tmpdir(), "sdfn-shop-"));
  const [data, run, config] = [join(root, "data"), join(root, "run"), join(root, "tiny.json")];
  writeFileSync(config, JSON.stringify(tiny));
  const size = ["--items", String(items), "--triplets", "60", "--size", "32"];
  await sdfnJson("data", "synthetic", "--out", data, ...size);
  await sdfnJson("train", "--data", data, "--out", run, "--config", config);
  return { root, data, catalogue: join(data, "catalogue.csv"), run };
}

/** Another run on the same data. */
export async function trainAnother({ root, data }: Shop): Promise<string> {
  const run = join(root, "other-run");
  await sdfnJson("train", "--data", data, "--out", run, "--config", join(root, "tiny.json"), "--seed", "9");
  return run;
}

/** Runs a command in this process. */
export async function sdfn(...args: string[]) {
  const context = recordingContext();
  const code = await runProgram(args, context);
  return { code, output: context.output(), errors: context.errors() };
}

/** Runs a command that must succeed, and reads its one line of JSON. */
export async function sdfnJson(...args: string[]) {
  const { code, output, errors } = await sdfn(...args, "--json");
  expect(withoutWarnings(errors)).toBe("");
  expect(code).toBe(0);
  return JSON.parse(output);
}

export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs the executable as a process of its own. */
export function sdfnProcess(
  args: readonly string[],
  { uid, started }: { readonly uid?: number; readonly started?: (child: ChildProcess) => void } = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [executable, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      uid,
    });
    let [output, errors] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output, errors }));
    started?.(child);
  });
}

/** Rows of a CSV without quotes in the cells that are changed here. */
export function rowsOf(catalogue: string): string[] {
  return readFileSync(catalogue, "utf8").trimEnd().split("\n");
}

export const idOf = (row: string | undefined): string => row?.split(",")[0] ?? "";
