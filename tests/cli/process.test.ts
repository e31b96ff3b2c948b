import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { executable, isCompiled } from "../fixtures/compiled.js";

if (!isCompiled)
  console.warn("SKIPPED: dist/cli/main.js is not there; run npm run setup to test the executable");

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "sdfn-process-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Starts Node.js; `watch` sees everything written so far, after every piece. */
function node(
  args: readonly string[],
  watch: (child: ReturnType<typeof spawn>, output: string) => void = () => undefined,
) {
  return new Promise<Ended>((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    let [output, errors] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      watch(child, output);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output, errors }));
    watch(child, output);
  });
}

const sdfn = (...args: string[]) => node([executable, ...args]);
const smallCatalogue = ["--items", "20", "--triplets", "60", "--size", "32"];

describe.skipIf(!isCompiled)("the executable", () => {
  it("ends with 0, 1 or 2, results on standard output and messages on standard error", async () => {
    expect(await sdfn("--version")).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
    expect(await sdfn("nonsense")).toMatchObject({
      code: 2,
      output: "",
      errors: expect.stringMatching(/^USAGE: /),
    });
    expect(await sdfn("evaluate", "--run", root, "--data", root)).toMatchObject({
      code: 1,
      output: "",
      errors: expect.stringMatching(/^RUN_INVALID: /),
    });
  });

  it("tells an old Node.js what is needed, before anything that it could not load", async () => {
    const pretend =
      'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "18.20.4" } });' +
      `await import(${JSON.stringify(pathToFileURL(executable).href)});`;
    const { code, output, errors } = await node([
      "--input-type=module",
      "-e",
      pretend,
      "--",
      "--version",
      "--json",
    ]);
    expect(code).toBe(1);
    expect(errors).toMatch(/^ENVIRONMENT: Node\.js 20\.\d+ or newer is needed; got 18\.20\.4; install /);
    expect(JSON.parse(output)).toMatchObject({ error: { code: "ENVIRONMENT" } });
  });

  it("says nothing when its reader goes away", async () => {
    const args = [executable, "data", "synthetic", "--out", join(root, "unread"), ...smallCatalogue];
    const { code, errors } = await node(args, (child) => child.stdout?.destroy());
    expect(code).toBe(0);
    expect(errors).toBe("");
  });

  it("stops at the first Ctrl-C with the run saved, and ends with 130", async () => {
    const [data, out, config] = [join(root, "data"), join(root, "run"), join(root, "config.json")];
    const sizes = { backboneWidth: 0.125, embedDim: 16, wordDim: 8, imagePx: 32, resizePx: 32, batchSize: 8 };
    writeFileSync(config, JSON.stringify({ backbone: "resnet18", ...sizes, model: "sum", epochs: 10_000 }));
    expect((await sdfn("data", "synthetic", "--out", data, ...smallCatalogue)).code).toBe(0);
    let isSent = false;
    const args = [executable, "train", "--data", data, "--out", out, "--config", config];
    const { code, output, errors } = await node(args, (child, text) => {
      if (isSent || !text.includes("epoch     1/10000")) return;
      isSent = true;
      child.kill("SIGINT");
      child.kill("SIGTERM"); // as npx does, which passes on what the terminal sent to both
    });
    expect(code).toBe(130);
    expect(errors).toContain("Stopping ...");
    expect(output).toMatch(/interrupted after \d+ steps/);
    expect(JSON.parse(readFileSync(join(out, "run.json"), "utf8")).status).toBe("interrupted");
  });
});
