/** Runs, checkpoints, bundles and indexes that earlier versions wrote still open, search, evaluate and resume. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { x as unpack } from "tar";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSafetensors } from "../../src/tensor-files/safetensors.js";
import { executable } from "../fixtures/compiled.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const archives = readdirSync(here).filter((name) => name.endsWith(".tgz"));

describe.each(archives)("%s", (archive) => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "sdfn-earlier-"));
    await unpack({ file: join(here, archive), cwd: folder });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const read = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8"));
  const sdfn = (...args: string[]) =>
    JSON.parse(
      execFileSync(process.execPath, [executable, ...args, "--json"], {
        cwd: folder,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }),
    );

  it("evaluates a run to the same recall", () => {
    const { commit: _, shortcuts, paraphrases, ...now } = sdfn("evaluate", "--run", "run", "--data", "data");
    const { commit: __, ...then } = read("evaluation.json");
    expect(now).toEqual(then);
    // Measured since; the data have one wording of each query.
    expect(shortcuts.mean.either.r50).toBeGreaterThan(0);
    expect(paraphrases).toBeNull();
  });

  it("resumes a checkpoint to the parameters of the run that was never stopped", () => {
    expect(existsSync(join(folder, "stopped", "checkpoints"))).toBe(true);
    expect(sdfn("train", "--resume", "stopped")).toMatchObject({ status: "complete", steps: 8 });
    const [resumed, whole] = ["stopped", "run"].map(
      (run) => readSafetensors(join(folder, run, "parameters.safetensors")).tensors,
    );
    expect([...(resumed?.keys() ?? [])]).toEqual([...(whole?.keys() ?? [])]);
    for (const [name, { data }] of whole ?? []) {
      const other = resumed?.get(name)?.data ?? [];
      expect(other.length, name).toBe(data.length);
      // Equal bits on the machine that wrote it; another processor may round differently.
      for (const [i, value] of data.entries()) {
        const difference = Math.abs(Number(value) - Number(other[i]));
        if (!(difference < 1e-4)) expect.fail(`${name}[${i}]: ${value} became ${other[i]}`);
      }
    }
  });

  it.each([
    ["answer.json", ["-k", "12", "--text", "is red with long sleeves"]],
    ["filtered.json", ["-k", "5", "--text", "is blue", "--filter", "price<=60"]],
  ])("answers a search in an index as in %s", (file, args) => {
    const then = read(file);
    const reference = file === "answer.json" ? ["--image", indexed()] : [];
    const now = sdfn("search", "--index", "index", ...reference, ...args);
    expect(now.fitting).toBe(then.fitting);
    expect(now.items.map(shown)).toEqual(then.items.map(shown));
    for (const [i, { score }] of now.items.entries()) expect(score).toBeCloseTo(then.items[i].score, 4);
  });

  it("indexes with the bundle it wrote, and leaves rows that did not change", () => {
    const args = ["--bundle", "index/bundle", "--catalogue", "data/twelve.csv"];
    expect(sdfn("index", ...args, "--out", "index")).toMatchObject({ added: 0, deleted: 0, errors: 0 });
    expect(sdfn("index", ...args, "--out", "again")).toMatchObject({ added: 12, errors: 0 });
    expect(sdfn("index", "check", "index")).toMatchObject({ items: 12 });
  });

  /** The id of the catalogue's first row. */
  const indexed = () =>
    readFileSync(join(folder, "data", "twelve.csv"), "utf8")
      .split("\n")[1]
      ?.split(",")[0] ?? "";
  const shown = ({ id, title, price, attributes }: Readonly<Record<string, unknown>>) => ({
    id,
    title,
    price,
    attributes,
  });
});
