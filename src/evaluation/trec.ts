/**
 * Rankings in the format of the Text Retrieval Conference, so that trec_eval, pytrec_eval or ranx can verify the
 * recalls. Recall@K here is their success_K: is any right answer among the first K?
 */
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { CategoryTask } from "./category-task.js";
import { scorerOf } from "./recall.js";

export interface TrecOptions {
  /** Answers written for each query; at least 50, or R@50 cannot be recomputed. */
  readonly depth: number;
  /** Last column of a run file: the model's name. */
  readonly tag: string;
}

/** The two files of one category. */
export interface TrecFiles {
  /** `qid Q0 docid rank score tag`, best first. */
  readonly run: string;
  /** `qid 0 docid 1`, one line for each right answer. */
  readonly qrels: string;
}

/**
 * Writes `{category}.run` and `{category}.qrels` into a folder that is there.
 *
 * Tools order a run by its scores alone, read as float32, and break ties in ways of their own. So right answers come
 * after wrong ones of the same score, as `targetRanks` counts, and a score that does not fall below the one before it
 * is lowered by the least that float32 can show. Scores are cosines up to that. White space and % in ids are
 * percent-encoded. A query whose only answer was removed as its reference keeps its line in the qrels: a miss.
 */
export async function writeTrec(
  folder: string,
  { category, galleryIds, task }: Pick<CategoryTask, "category" | "galleryIds" | "task">,
  { depth, tag }: TrecOptions,
): Promise<TrecFiles> {
  const stem = join(folder, encodeURIComponent(category));
  const files = { run: `${stem}.run`, qrels: `${stem}.qrels` };
  const documents = galleryIds.map(plain);
  const name = plain(category);
  await writeLines(files.qrels, qrelLines(task.hits, { documents, name }));
  await writeLines(files.run, runLines(task, { documents, name, depth, tag: plain(tag) }));
  return files;
}

interface Naming {
  readonly documents: readonly string[];
  readonly name: string;
}

function* qrelLines(hits: readonly (readonly number[])[], { documents, name }: Naming): Iterable<string> {
  for (const [query, rows] of hits.entries()) {
    for (const row of new Set(rows)) yield `${name}-${query + 1} 0 ${documents[row]} 1\n`;
  }
}

function* runLines(
  task: CategoryTask["task"],
  { documents, name, depth, tag }: Naming & TrecOptions,
): Iterable<string> {
  const { hits, masked } = task;
  const scores = new Float64Array(documents.length);
  const scoreOf = scorerOf(task);
  for (const [query, rows] of hits.entries()) {
    for (let row = 0; row < scores.length; row += 1) scores[row] = scoreOf(query, row);
    for (const row of masked[query] ?? []) scores[row] = Number.NEGATIVE_INFINITY;
    const right = new Set(rows);
    let last: number | undefined;
    for (const [index, row] of bestRows(scores, right, depth).entries()) {
      const score = Math.fround(scores[row] ?? 0);
      last = last === undefined ? score : Math.min(score, below(last));
      yield `${name}-${query + 1} Q0 ${documents[row]} ${index + 1} ${last.toPrecision(9)} ${tag}\n`;
    }
  }
}

/** The first `depth` rows, best score first; of equal scores, those in `last` come last, then by row. */
function bestRows(scores: Float64Array, last: ReadonlySet<number>, depth: number): number[] {
  const bound = scores.toSorted()[Math.max(0, scores.length - depth)] ?? 0;
  const rows: number[] = [];
  for (const [row, score] of scores.entries()) {
    if (score >= bound && score !== Number.NEGATIVE_INFINITY) rows.push(row);
  }
  const scoreOf = (row: number) => scores[row] ?? 0;
  return rows
    .sort((a, b) => scoreOf(b) - scoreOf(a) || Number(last.has(a)) - Number(last.has(b)) || a - b)
    .slice(0, depth);
}

/** A float32 below `value`, by one or two units in the last place, or by 1e-9 near zero. */
function below(value: number): number {
  return Math.fround(value - Math.max(Math.abs(value) * 2 ** -23, 1e-9));
}

function plain(text: string): string {
  return text.replace(/[\s%]/gu, encodeURIComponent);
}

/** A run of all queries is hundreds of megabytes: it is never held as one text, and other work continues meanwhile. */
async function writeLines(file: string, lines: Iterable<string>): Promise<void> {
  await pipeline(Readable.from(chunks(lines)), createWriteStream(file));
}

function* chunks(lines: Iterable<string>): Iterable<string> {
  let chunk: string[] = [];
  for (const line of lines) {
    if (chunk.push(line) < 1000) continue;
    yield chunk.join("");
    chunk = [];
  }
  if (chunk.length > 0) yield chunk.join("");
}
