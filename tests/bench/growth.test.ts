/** Does the benchmark of growth run through, at sizes that mean nothing? Its figures are measured by hand. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { isCompiled } from "../fixtures/compiled.js";

/** Compiled by the set-up that every npm script begins with. */
const script = fileURLToPath(new URL("../../bench/main.mjs", import.meta.url));

describe.skipIf(!isCompiled)("npm run bench -- growth", () => {
  const folder = mkdtempSync(join(tmpdir(), "growth-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("prints a Markdown table of memory and time, and measures a point that is in the file of `--resume` no more", async () => {
    const results = join(folder, "results.jsonl");
    const args = ["growth", "--tiny", "--axis", "regions", "--resume", results];
    const run = async () => (await promisify(execFile)(process.execPath, [script, ...args])).stdout;
    const first = await run();
    const [head = "", rule, ...rows] = first.split("\n").filter((line) => line.startsWith("|"));
    expect(head).toMatch(/triplets.*s\/step.*peak, MB.*estimate, MB/);
    expect(rule).toMatch(/^(\|---)+\|$/);
    expect(rows).toHaveLength(4);
    for (const row of rows) {
      const cells = row.split("|").slice(1, -1);
      expect(cells).toHaveLength(head.split("|").length - 2);
      expect(cells.slice(-4).every((cell) => Number(cell.replaceAll(",", "")) >= 0)).toBe(true);
    }
    const lines = readFileSync(results, "utf8");
    expect(await run()).toBe(first);
    expect(readFileSync(results, "utf8")).toBe(lines);
  });
});
