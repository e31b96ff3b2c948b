import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ScoreTable, TableEmbedder } from "../../tests/fixtures/table-embedder.js";
import { openDataset } from "../data/datasets/open-dataset.js";
import type { RetrievalDataset } from "../data/triplet.js";
import { evaluate } from "./evaluate.js";
import { type Protocol, protocolFor } from "./protocols.js";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "protocols-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, content = ""): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

async function run(dataset: RetrievalDataset, scores: ScoreTable, asked: Partial<Protocol> = {}) {
  const { split = "val" } = dataset.evaluation ?? {};
  const axes = [...dataset.split(split).images.values()].flat();
  return evaluate(dataset, new TableEmbedder(axes, scores), {
    split,
    protocol: protocolFor(dataset, asked),
    model: "table",
    seed: 5,
    commit: "abc",
  });
}

describe("Shoes as published", () => {
  const triplets = [
    ["s1", "s2", "a"],
    ["s2", "s2", "b"],
    ["s3", "s4", "c"],
    ["s5", "s6", "d"],
  ];
  const others = Array.from({ length: 10 }, (_, i) => [`s${i + 20}`, 0.5]);
  const scores: ScoreTable = {
    "s1 a": { s1: 0.9, s3: 0.8, s2: 0.7, s60: 0.7, s4: 0.1 }, // s1 out; s3 above, s60 level: rank 3
    "s2 b": { s2: 0.9 }, // out, and the target: never
    "s3 c": { s4: 0.9, s5: 0.8 }, // rank 1
    "s5 d": { s6: 0.5, ...Object.fromEntries(others) }, // ten level: rank 11
  };

  beforeEach(() => {
    const names = Array.from({ length: 60 }, (_, i) => `s${i + 1}`);
    write(
      "relative_captions_shoes.json",
      JSON.stringify(
        triplets.map(([reference, target, text]) => ({
          ImageName: `${target}.jpg`,
          ReferenceImageName: `${reference}.jpg`,
          RelativeCaption: text,
        })),
      ),
    );
    write("train_im_names.txt", "t1.jpg\n");
    write("eval_im_names.txt", names.map((name) => `${name}.jpg\n`).join(""));
    for (const name of names) write(`womens_shoes/${name.length}/${name}.jpg`);
  });

  it("ranks against the whole eval list, reference removed, and averages R@1, R@10 and R@50", async () => {
    const result = await run(openDataset(root), scores);
    expect(result).toMatchObject({
      dataset: "shoes",
      split: "val",
      protocol: "original",
      reference: "removed",
      perCategory: { all: { r1: 25, r10: 50, r50: 75, queries: 4, gallery: 60, unanswerable: 1 } },
      compared: { of: ["r1", "r10", "r50"], value: 50 },
      dropped: { galleryEntries: { dropped: 0, of: 60 } },
      seed: 5,
      commit: "abc",
    });
  });

  it("can answer a target that is its own reference when that is kept", async () => {
    const { perCategory } = await run(openDataset(root), scores, { reference: "kept" });
    expect(perCategory.all).toMatchObject({ r1: 50, r10: 75, r50: 100, unanswerable: 0 });
  });

  it("ranks against the queries' own images under val-split", async () => {
    const { perCategory } = await run(openDataset(root), scores, { name: "val-split" });
    // Without s60 the first query has rank 2, without the ten the last one has rank 1.
    expect(perCategory.all).toMatchObject({ r1: 50, r10: 75, r50: 75, gallery: 6 });
  });
});

describe("Fashion200k as published", () => {
  const path = (id: string) => `women/${id}.jpeg`;
  const byPath = (row: Record<string, number>) =>
    Object.fromEntries(Object.entries(row).map(([id, score]) => [path(id), score]));

  beforeEach(() => {
    const labels = { a: "blue dress", b: "white dress", c: "white dress", d: "blue dress", e: "red hat" };
    write(
      "labels/dress_test_detect_all.txt",
      Object.entries(labels)
        .map(([id, caption]) => `${path(id)}\t1\t${caption}\n`)
        .join(""),
    );
    for (const id of Object.keys(labels)) write(path(id));
    write("test_queries.txt", `${path("a")} ${path("b")}\n${path("b")} ${path("a")}\n`);
  });

  it("counts every image with the target's caption, and takes out the query image only", async () => {
    const result = await run(openDataset(root), {
      // a out. The target b is last, but c has its caption and is first.
      [`${path("a")} replace blue with white`]: byPath({ a: 0.9, c: 0.8, d: 0.7, e: 0.6, b: 0.1 }),
      // b out. c looks like the query, and is not masked: the targets' best, d, has rank 2; e is level: rank 3.
      [`${path("b")} replace white with blue`]: byPath({ b: 0.9, c: 0.8, d: 0.7, e: 0.7, a: 0.1 }),
    });
    expect(result).toMatchObject({
      dataset: "fashion200k",
      split: "test",
      protocol: "original",
      perCategory: { all: { r1: 50, r10: 100, r50: 100, queries: 2, gallery: 5, unanswerable: 0 } },
      compared: { of: ["r1", "r10", "r50"], value: 250 / 3 },
    });
  });

  it("still counts images of the target's caption when some are missing", async () => {
    rmSync(join(root, path("d")));
    const result = await run(openDataset(root), {
      [`${path("a")} replace blue with white`]: byPath({ e: 0.9, c: 0.8 }),
      [`${path("b")} replace white with blue`]: byPath({ a: 0.9 }),
    });
    expect(result.perCategory.all).toMatchObject({ r1: 50, r10: 100, gallery: 4 });
    expect(result.dropped).toMatchObject({
      images: { dropped: 1, of: 5 },
      triplets: { dropped: 0, of: 2 },
      galleryEntries: { dropped: 1, of: 5 },
    });
  });

  it("asks a query whose target is missing as long as another image has its caption", async () => {
    rmSync(join(root, path("b")));
    const result = await run(openDataset(root), {
      [`${path("a")} replace blue with white`]: byPath({ c: 0.9 }),
    });
    // The second query is dropped: its reference is gone.
    expect(result.perCategory.all).toMatchObject({ r1: 100, queries: 1, gallery: 4 });
    rmSync(join(root, path("c")));
    await expect(run(openDataset(root), {})).rejects.toThrow(/there is no query with a target/);
  });
});

describe("protocolFor", () => {
  it("is the paper's for a data set that says nothing, and anyone's wish first", () => {
    expect(protocolFor({})).toEqual({ name: "val-split", reference: "removed", captions: "and" });
    expect(protocolFor({}, { name: "original", reference: "kept", captions: "each" })).toEqual({
      name: "original",
      reference: "kept",
      captions: "each",
    });
  });
});
