/** CIRR and CIRCO under their protocols, every rank computed by hand. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ScoreTable, TableEmbedder } from "../../tests/fixtures/table-embedder.js";
import { openDataset } from "../data/datasets/open-dataset.js";
import type { RetrievalDataset, SplitName } from "../data/triplet.js";
import { evaluate } from "./evaluate.js";
import { type Protocol, protocolFor } from "./protocols.js";
import { answerSplit, submissionOf, submissionText } from "./submission.js";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "protocols-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, content = ""): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

async function run(
  dataset: RetrievalDataset,
  scores: ScoreTable,
  asked: Partial<Protocol> = {},
  split: SplitName = dataset.evaluation?.split ?? "val",
) {
  const axes = [...dataset.split(split).images.values()].flat();
  return evaluate(dataset, new TableEmbedder(axes, scores), {
    split,
    protocol: protocolFor(dataset, asked),
    model: "table",
    seed: 5,
    commit: "abc",
  });
}

/** The files that answer the test split, as JSON readers see them. */
async function submissionOfTest(
  dataset: RetrievalDataset,
  scores: ScoreTable,
  asked: Partial<Protocol> = {},
): Promise<readonly Readonly<Record<string, readonly unknown[] | string>>[]> {
  const axes = [...dataset.split("test").images.values()].flat();
  const protocol = protocolFor(dataset, asked);
  const embedder = new TableEmbedder(axes, scores);
  const { answers } = await answerSplit(dataset, embedder, { split: "test", protocol });
  return submissionOf(dataset).map((file, i) =>
    JSON.parse([...submissionText(file, answers[i] ?? new Map())].join("")),
  );
}

describe("CIRR as published", () => {
  const members = ["m0", "m1", "m2", "m3", "m4", "m5"];
  const others = Array.from({ length: 54 }, (_, i) => `o${i}`);
  const entry = (pairid: number, reference: string, target: string | undefined, caption: string) => ({
    pairid,
    reference,
    ...(target === undefined ? {} : { target_hard: target }),
    caption,
    img_set: { id: 1, members, reference_rank: 0, target_rank: 1 },
  });
  /** Scores of the first `count` other images. */
  const level = (score: number, count: number) =>
    Object.fromEntries(others.slice(0, count).map((id) => [id, score]));

  beforeEach(() => {
    const list = Object.fromEntries([...members, ...others].map((name) => [name, `./dev/${name}.png`]));
    for (const split of ["val", "test1"]) write(`image_splits/split.rc2.${split}.json`, JSON.stringify(list));
    for (const name of [...members, ...others]) write(`img_raw/dev/${name}.png`);
    write(
      "captions/cap.rc2.val.json",
      JSON.stringify([
        entry(7, "m0", "m1", "a"),
        entry(9, "m1", "m2", "b"),
        entry(8, "m2", "m3", "c"),
        entry(5, "m3", "m4", "d"),
      ]),
    );
    write(
      "captions/cap.rc2.test1.json",
      JSON.stringify([entry(12, "m0", undefined, "e"), entry(11, "m1", undefined, "f")]),
    );
  });

  const scores: ScoreTable = {
    // The reference m0 is out. Rank 1 in both.
    "m0 a": { m0: 0.9, m1: 0.8, m2: 0.7 },
    // Four others and m3 ahead: rank 6, in the subset 2.
    "m1 b": { ...level(0.9, 4), m3: 0.8, m2: 0.7 },
    // All 54 others ahead: rank 55, in the subset 1, as the reference m2 is out of it too.
    "m2 c": { ...level(0.9, 54), m2: 0.8, m3: 0.7 },
    // Level with two of the subset and four others: rank 7, in the subset 3.
    "m3 d": { ...level(0.5, 4), m0: 0.5, m1: 0.5, m4: 0.5 },
  };

  it("ranks against the whole split and within the set of six, the reference out of both", async () => {
    const result = await run(openDataset(root), scores);
    expect(result).toMatchObject({
      dataset: "cirr",
      split: "val",
      protocol: "original",
      reference: "removed",
      perCategory: { all: { queries: 4, gallery: 60, unanswerable: 0 } },
      mean: { r1: 25, r5: 25, r10: 75, r50: 75, subset1: 50, subset2: 75, subset3: 100 },
      // The mean of R@5 and the subset's R@1.
      compared: { of: ["r5", "subset1"], value: 37.5 },
    });
    expect(result.mean.map5).toBeUndefined();
  });

  it("counts the reference against the gallery, and not against the set, where it is kept", async () => {
    const { mean } = await run(openDataset(root), scores, { reference: "kept" });
    expect(mean).toMatchObject({ r1: 0, subset1: 50 });
  });

  it("writes what the server takes: 50 names and 3 of the set, by pairid, under version and metric", async () => {
    const dataset = openDataset(root);
    const asked = {
      "m0 e": { m0: 1, o7: 0.9, m5: 0.8, m1: 0.7, m2: 0.6, o1: 0.5 },
      "m1 f": { m1: 1, m4: 0.9, m3: 0.8, m2: 0.7 },
    };
    const [recall = {}, subset] = await submissionOfTest(dataset, asked);
    expect(Object.keys(recall)).toEqual(expect.arrayContaining(["version", "metric", "12", "11"]));
    expect(recall).toMatchObject({ version: "rc2", metric: "recall" });
    expect(recall["12"]).toHaveLength(50);
    expect(recall["12"]?.slice(0, 5)).toEqual(["o7", "m5", "m1", "m2", "o1"]);
    expect(recall["12"]).not.toContain("m0");
    expect(subset).toEqual({
      version: "rc2",
      metric: "recall_subset",
      "12": ["m5", "m1", "m2"],
      "11": ["m4", "m3", "m2"],
    });
  });

  it("measures nothing without targets, and says what else can be done", async () => {
    await expect(run(openDataset(root), scores, {}, "test")).rejects.toThrow(
      /test split: there is no query with a target; got 2 without; .*--submission/,
    );
  });
});

describe("CIRCO as published", () => {
  const ids = Array.from({ length: 60 }, (_, i) => i + 100);
  const entry = (id: number, reference: number, caption: string, relevant?: readonly number[]) => ({
    id,
    reference_img_id: reference,
    relative_caption: caption,
    shared_concept: "a dog",
    ...(relevant ? { target_img_id: relevant[0], gt_img_ids: relevant } : {}),
  });

  beforeEach(() => {
    const images = ids.map((id) => ({ id, file_name: `${String(id).padStart(12, "0")}.jpg` }));
    write("COCO2017_unlabeled/annotations/image_info_unlabeled2017.json", JSON.stringify({ images }));
    for (const { file_name } of images) write(`COCO2017_unlabeled/unlabeled2017/${file_name}`);
    write(
      "annotations/val.json",
      JSON.stringify([entry(0, 100, "a", [101, 102, 103]), entry(1, 110, "b", [111])]),
    );
    write("annotations/test.json", JSON.stringify([entry(0, 100, "c"), entry(1, 101, "d")]));
  });

  const scores: ScoreTable = {
    // The reference 100 is ranked and first. Relevant: 102 at 2, 101, the target, at 4, 103 at 12 (ten of 0.3 and it).
    "100 a": {
      100: 0.9,
      102: 0.8,
      120: 0.7,
      101: 0.6,
      ...Object.fromEntries(ids.slice(30, 37).map((id) => [id, 0.3])),
      103: 0.2,
    },
    // The one relevant image is second.
    "110 b": { 110: 0.9, 111: 0.8 },
  };

  it("has mAP over all relevant images and recall of the target, the reference ranked", async () => {
    const result = await run(openDataset(root), scores);
    const first = { at5: (1 / 2 + 2 / 4) / 3, at25: (1 / 2 + 2 / 4 + 3 / 12) / 3 };
    expect(result).toMatchObject({
      dataset: "circo",
      split: "val",
      protocol: "original",
      reference: "kept",
      perCategory: { all: { queries: 2, gallery: 60, unanswerable: 0 } },
      mean: { r1: 0, r5: 100, r10: 100, r25: 100, r50: 100 },
      compared: { of: ["map5"] },
    });
    expect(result.mean.map5).toBeCloseTo(50 * (first.at5 + 1 / 2), 10);
    expect(result.mean.map10).toBeCloseTo(50 * (first.at5 + 1 / 2), 10);
    expect(result.mean.map25).toBeCloseTo(50 * (first.at25 + 1 / 2), 10);
    expect(result.mean.map50).toBeCloseTo(50 * (first.at25 + 1 / 2), 10);
    expect(result.compared.value).toBe(result.mean.map5);
  });

  it("divides by the relevant images that are there when some are missing", async () => {
    rmSync(join(root, "COCO2017_unlabeled/unlabeled2017/000000000103.jpg"));
    const { mean, dropped } = await run(openDataset(root), scores);
    expect(mean.map5).toBeCloseTo(50 * ((1 / 2 + 2 / 4) / 2 + 1 / 2), 10);
    expect(dropped).toMatchObject({ images: { dropped: 1, of: 60 }, triplets: { dropped: 0, of: 2 } });
  });

  it("writes what the server takes: the numbers of 50 images by query", async () => {
    const [answers, ...rest] = await submissionOfTest(openDataset(root), {
      "100 c": { 140: 0.9, 100: 0.8, 120: 0.7 },
      "101 d": { 159: 0.9 },
    });
    expect(rest).toEqual([]);
    expect(Object.keys(answers ?? {})).toEqual(["0", "1"]);
    expect(answers?.["0"]).toHaveLength(50);
    expect(answers?.["0"]?.slice(0, 4)).toEqual([140, 100, 120, 101]);
    expect(answers?.["1"]?.[0]).toBe(159);
  });

  it("refuses answers to a part of the queries, which the server refuses", async () => {
    rmSync(join(root, "COCO2017_unlabeled/unlabeled2017/000000000101.jpg"));
    await expect(submissionOfTest(openDataset(root), {})).rejects.toThrow(
      /the server takes only answers to all 2 queries of test; got 1 whose pictures are missing or broken; put these at/,
    );
  });

  it("refuses galleries and captions that a submission cannot have", async () => {
    const dataset = openDataset(root);
    const table = { "100 c": {}, "101 d": {} };
    await expect(submissionOfTest(dataset, table, { name: "val-split" })).rejects.toThrow(
      /--protocol: val-split has no gallery for queries without targets/,
    );
    await expect(submissionOfTest(dataset, table, { captions: "swapped" })).rejects.toThrow(
      /--captions: a submission answers each query once; got swapped, which asks it 2 times/,
    );
  });
});
