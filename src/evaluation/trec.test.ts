import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Random } from "../engine/tensor/random.js";
import type { CategoryTask } from "./category-task.js";
import { recallAtK, targetRanks, unranked } from "./recall.js";
import { type TrecFiles, writeTrec } from "./trec.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "trec-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function rowsOf(file: string): string[][] {
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  return lines.map((line) => line.split(" "));
}

/** Percent of queries of the qrels with a right answer among the first K, ordered as trec_eval orders a run. */
function successAtK({ run, qrels }: TrecFiles, k: number): number {
  const right = new Map<string, Set<string>>();
  for (const [query = "", , document = "", relevance] of rowsOf(qrels)) {
    expect(relevance).toBe("1");
    right.set(query, (right.get(query) ?? new Set()).add(document));
  }
  const answers = new Map<string, { document: string; score: number }[]>();
  for (const [query = "", , document = "", , score] of rowsOf(run)) {
    const list = answers.get(query) ?? [];
    answers.set(query, [...list, { document, score: Math.fround(Number(score)) }]);
  }
  const found = [...right].filter(([query, documents]) =>
    (answers.get(query) ?? [])
      .sort((a, b) => b.score - a.score || (a.document < b.document ? 1 : -1))
      .slice(0, k)
      .some(({ document }) => documents.has(document)),
  );
  return (100 * found.length) / right.size;
}

/** Small whole numbers, so that many scores are equal; some queries' answers are masked. */
function randomTask(seed: number, largest: number): Pick<CategoryTask, "category" | "galleryIds" | "task"> {
  const random = new Random(seed);
  const [queryCount, galleryCount, embedDim] = [83, 131, 3];
  const draw = (length: number) =>
    Float32Array.from({ length }, () => Math.round(random.between(-largest, largest)));
  return {
    category: "dress",
    galleryIds: Array.from({ length: galleryCount }, (_, i) => `image ${i}`),
    task: {
      queries: draw(queryCount * embedDim),
      gallery: draw(galleryCount * embedDim),
      embedDim,
      hits: Array.from({ length: queryCount }, (_, i) => [random.integer(galleryCount), i, 7, i]),
      masked: Array.from({ length: queryCount }, () => [random.integer(galleryCount)]),
    },
  };
}

describe("writeTrec", () => {
  it.each([
    [1, 0],
    [2, 1],
    [3, 1],
    [4, 6],
  ])(
    "lets an outside tool find our recalls, ties and all (seed %i, numbers up to %i)",
    async (seed, largest) => {
      const task = randomTask(seed, largest);
      const ranks = targetRanks(task.task);
      const files = await writeTrec(folder, task, { depth: 60, tag: "table" });
      for (const k of [1, 2, 5, 10, 50]) expect(successAtK(files, k)).toBe(recallAtK(ranks, k));
      // Scores that fall: no tool has a tie to break.
      let before: readonly [string, number] = ["", Number.POSITIVE_INFINITY];
      for (const [query = "", , , rank, score] of rowsOf(files.run)) {
        const value = Math.fround(Number(score));
        if (before[0] === query) expect(value).toBeLessThan(before[1]);
        else expect(rank).toBe("1");
        before = [query, value];
      }
    },
  );

  it("writes one line an answer, and an answer for the removed reference never", async () => {
    const gallery = Float32Array.of(0.5, 1, 0.25, 0.75);
    const task = {
      category: "top/bottom",
      galleryIds: ["a b", "b", "c%", "d"],
      task: {
        queries: Float32Array.of(1, 1),
        gallery,
        embedDim: 1,
        hits: [[0, 2], [1]],
        masked: [[1], [1]],
      },
    };
    expect(targetRanks(task.task)).toEqual([2, unranked]);
    const files = await writeTrec(folder, task, { depth: 2, tag: "my model" });
    expect(files.run).toBe(join(folder, "top%2Fbottom.run"));
    expect(readFileSync(files.run, "utf8")).toBe(
      "top/bottom-1 Q0 d 1 0.750000000 my%20model\n" +
        "top/bottom-1 Q0 a%20b 2 0.500000000 my%20model\n" +
        "top/bottom-2 Q0 d 1 0.750000000 my%20model\n" +
        "top/bottom-2 Q0 a%20b 2 0.500000000 my%20model\n",
    );
    expect(readFileSync(files.qrels, "utf8")).toBe(
      "top/bottom-1 0 a%20b 1\ntop/bottom-1 0 c%25 1\ntop/bottom-2 0 b 1\n",
    );
  });
});
