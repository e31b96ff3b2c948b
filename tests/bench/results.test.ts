/** Figures of docs/performance.md: every table has its file in bench/results, every file its table. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const root = new URL("../../", import.meta.url);
const page = readFileSync(new URL("docs/performance.md", root), "utf8");
const files = readdirSync(new URL("bench/results/", root)).sort();

it("every table of docs/performance.md is followed by the link to its file", () => {
  const tables = [...page.matchAll(/(?:^\|.*\n)+/gm)];
  expect(tables.length).toBeGreaterThan(10);
  for (const { 0: table, index } of tables) {
    const link = /^\n\[results\/([\w-]+\.json)\]\(\.\.\/bench\/results\/\1\)\n/.exec(
      page.slice(index + table.length),
    );
    expect(link, table).not.toBeNull();
  }
});

it("every file is linked, and says when, where and with what it was measured", () => {
  const linked = [...page.matchAll(/\(\.\.\/bench\/results\/([\w-]+\.json)\)/g)].map(([, name]) => name);
  expect(files).toEqual(linked.sort());
  for (const name of files) {
    const record = JSON.parse(readFileSync(new URL(`bench/results/${name}`, root), "utf8"));
    expect(record, name).toMatchObject({
      date: expect.stringMatching(/^\d{4}-\d\d-\d\d/),
      machine: { processor: expect.any(String), processors: expect.any(Number) },
      versions: { node: expect.any(String), "onnxruntime-node": expect.any(String) },
      result: expect.anything(),
    });
    // The commit is in the record; where it was not noted when it was measured, the note says so or names it.
    expect(/^[0-9a-f]{7,40}/.test(record.commit) || /commit/.test(record.note), name).toBe(true);
  }
});
