/** Answers for the server of a data set that keeps the targets of a split to itself. */
import { parse } from "node:path";
import { availableSplit, type DropReport } from "../data/presence/missing-images.js";
import type { DatasetSplit, Query, RetrievalDataset, SplitName, SubmissionFile } from "../data/triplet.js";
import { requireEmbeddings } from "../embedding/dot-products.js";
import { highest } from "../embedding/top-k.js";
import { DatasetError, UsageError } from "../errors.js";
import { type CategoryTask, type Embedder, embeddedRanking, rowFinder } from "./category-task.js";
import { galleriesOf, type Protocol, queryTexts } from "./protocols.js";
import { type RankingTask, scorerOf } from "./recall.js";

/** Best answers first, by the queries' ids, for each file of the submission. */
export type SubmissionAnswers = readonly ReadonlyMap<string, readonly string[]>[];

/** What the server of the data set takes. @throws UsageError when it has none. */
export function submissionOf({ name, submission }: RetrievalDataset): readonly SubmissionFile[] {
  if (submission) return submission;
  throw new UsageError(
    `--submission: ${name} has no server that measures answers; got it all the same; leave it out`,
  );
}

/** Every image that is looked at to answer all queries of a split. */
export function submissionImages(split: DatasetSplit, protocol: Protocol): ReadonlySet<string> {
  const ids = new Set([...galleriesOf(split, protocol).values()].flat());
  for (const { reference } of queriesOf(split)) ids.add(reference);
  return ids;
}

/**
 * The best answers to all queries of a split, with targets and without. Where scores are equal, the image that the data
 * set lists first goes first.
 * @throws DatasetError when a query cannot be asked, as servers take only files with all of them; UsageError for a
 *   protocol that asks a query more than once or has no gallery; DivergenceError when an embedding is not finite.
 */
export async function answerSplit(
  dataset: RetrievalDataset,
  embedder: Embedder,
  { split: name, protocol }: { readonly split: SplitName; readonly protocol: Protocol },
): Promise<{ readonly answers: SubmissionAnswers; readonly dropped: DropReport; readonly gallery: number }> {
  const files = submissionOf(dataset);
  const { split, whole, dropped } = availableSplit(dataset, name);
  if (dropped.triplets.dropped > 0) {
    throw new DatasetError(
      `${dataset.root}: the server takes only answers to all ${dropped.triplets.of} queries of ${name}; got ` +
        `${dropped.triplets.dropped} whose pictures are missing or broken; put these at ${dataset.imagesExpectedAt} ` +
        "(`sdfn data check` lists them)",
    );
  }
  const galleries = galleriesOf(whole, protocol);
  const answers = files.map(() => new Map<string, readonly string[]>());
  let gallery = 0;
  for (const [category, published] of galleries) {
    const galleryIds = published.filter((id) => dataset.imagePath(id) !== undefined);
    const asked = queriesOf(split)
      .filter((query) => query.category === category)
      .map((query) => ({ ...query, text: onlyText(query, protocol) }));
    gallery += galleryIds.length;
    const task = await embeddedRanking(asked, galleryIds, { embedder, protocol });
    requireEmbeddings("queries", task.queries, task.embedDim);
    requireEmbeddings("gallery", task.gallery, task.embedDim);
    for (const [place, file] of files.entries()) {
      for (const [id, best] of bestAnswers({ asked, galleryIds, task }, file)) answers[place]?.set(id, best);
    }
  }
  if (answers.some(({ size }) => size < dropped.triplets.of)) {
    throw new UsageError(
      `--protocol: ${protocol.name} has no gallery for queries without targets; got ${name}; leave it out`,
    );
  }
  return { answers, dropped, gallery };
}

/** The files of a submission with their paths: that which the user gives, and others beside it. */
export function submissionFiles(
  path: string,
  files: readonly SubmissionFile[],
): readonly { readonly path: string; readonly content: SubmissionFile }[] {
  const { ext } = parse(path);
  const stem = ext === "" ? path : path.slice(0, -ext.length);
  return files.map((content) => ({ path: `${stem}${content.suffix}${ext}`, content }));
}

/** A file's content: JSON with one query a line. */
export function* submissionText(
  { head, hasNumbers }: SubmissionFile,
  answers: ReadonlyMap<string, readonly string[]>,
): Iterable<string> {
  const member = (name: string, value: unknown) => `${JSON.stringify(name)}:${JSON.stringify(value)}`;
  let before = "{\n";
  for (const [name, value] of Object.entries(head)) {
    yield before + member(name, value);
    before = ",\n";
  }
  for (const [id, ids] of answers) {
    yield before + member(id, hasNumbers ? ids.map(Number) : ids);
    before = ",\n";
  }
  yield "\n}\n";
}

function queriesOf({ triplets, untargeted }: DatasetSplit): readonly Query[] {
  return [...triplets, ...untargeted];
}

function onlyText({ captions }: Query, { captions: join }: Protocol): string {
  const [text = "", ...others] = queryTexts(captions, join);
  if (others.length === 0) return text;
  throw new UsageError(
    `--captions: a submission answers each query once; got ${join}, which asks it ${others.length + 1} times; leave it out`,
  );
}

function* bestAnswers(
  {
    asked,
    galleryIds,
    task,
  }: Pick<CategoryTask, "galleryIds"> & {
    readonly asked: readonly Query[];
    readonly task: Omit<RankingTask, "hits">;
  },
  { depth, among }: SubmissionFile,
): Iterable<readonly [id: string, best: readonly string[]]> {
  const score = scorerOf(task);
  const rowsOf = rowFinder(galleryIds);
  const all = [...galleryIds.keys()];
  for (const [place, { id, subset = [] }] of asked.entries()) {
    const rows = among === "subset" ? rowsOf(subset) : all;
    const masked = new Set(task.masked?.[place]);
    const scores = Float64Array.from(rows, (row) => score(place, row));
    const best = highest(scores, { k: depth, isLeftOut: (i) => masked.has(rows[i] ?? -1) });
    if (id !== undefined) yield [id, best.map(({ row }) => galleryIds[rows[row] ?? 0] ?? "")];
  }
}
