/** Small copies of CIRR's and CIRCO's published files, through the commands. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runProgram } from "../../src/cli/run-program.js";
import { evaluationFileSchema } from "../../src/evaluation/result-schema.js";
import { recordingContext, withoutWarnings } from "./recording-context.js";

let root: string;
let cirr: string;
let circo: string;
let runDir: string;
let config: string;
const tiny = {
  backbone: "resnet18",
  backboneWidth: 0.125,
  embedDim: 16,
  wordDim: 8,
  heads: 2,
  imagePx: 32,
  resizePx: 32,
  batchSize: 4,
  epochs: 1,
  maxWords: 12,
  holdOut: 0,
};
const colours = ["#f00", "#0f0", "#00f", "#ff0", "#0ff", "#f0f", "#fff", "#840"];

async function runText(...args: string[]) {
  const context = recordingContext();
  const code = await runProgram(args, context);
  return { code, output: context.output(), errors: withoutWarnings(context.errors()) };
}

async function runJson(...args: string[]) {
  const { code, output, errors } = await runText(...args, "--json");
  expect(errors).toBe("");
  expect(code).toBe(0);
  return JSON.parse(output);
}

const readJson = (file: string) => JSON.parse(readFileSync(file, "utf8"));

function write(path: string, content: unknown): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), JSON.stringify(content));
}

async function draw(path: string, background: string): Promise<void> {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  await sharp({ create: { width: 8, height: 8, channels: 3, background } }).toFile(join(root, path));
}

/** Eight images a split, each the reference of a query for the next one, in sets of six. */
async function copyCirr(): Promise<void> {
  const folders = { train: "train/34", val: "dev", test1: "test1" };
  for (const [part, folder] of Object.entries(folders)) {
    const names = colours.map((_, i) => `${part === "val" ? "dev" : part}-${i}-0-img0`);
    const entries = names.map((reference, i) => {
      const next = (step: number) => names[(i + step) % names.length];
      return {
        pairid: 12060 + i,
        reference,
        ...(part === "test1" ? {} : { target_hard: next(1), target_soft: { [next(1) ?? ""]: 1 } }),
        caption: " has another colour ",
        img_set: { id: i, members: [reference, ...[1, 2, 3, 4, 5].map(next)], reference_rank: 0 },
      };
    });
    write(`cirr/captions/cap.rc2.${part}.json`, entries);
    const list = names.map((name) => [name, `./${folder}/${name}.png`]);
    write(`cirr/image_splits/split.rc2.${part}.json`, Object.fromEntries(list));
    for (const [i, name] of names.entries())
      await draw(`cirr/img_raw/${folder}/${name}.png`, colours[i] ?? "#000");
  }
}

/** Eight pictures of COCO's; two queries with several answers, two without any. */
async function copyCirco(): Promise<void> {
  const images = colours.map((_, i) => ({
    id: 1000 + i,
    file_name: `${String(1000 + i).padStart(12, "0")}.jpg`,
  }));
  for (const [i, { file_name }] of images.entries()) {
    await draw(`circo/COCO2017_unlabeled/unlabeled2017/${file_name}`, colours[i] ?? "#000");
  }
  write("circo/COCO2017_unlabeled/annotations/image_info_unlabeled2017.json", { images, licenses: [] });
  const query = (id: number) => ({
    id,
    reference_img_id: 1000 + id,
    relative_caption: "has another colour",
    shared_concept: "a colour",
  });
  write("circo/annotations/val.json", [
    { ...query(0), target_img_id: 1001, gt_img_ids: [1001, 1002, 1003] },
    { ...query(1), target_img_id: 1002, gt_img_ids: [1002] },
  ]);
  write("circo/annotations/test.json", [query(0), query(1)]);
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "cirr-circo-"));
  cirr = join(root, "cirr");
  circo = join(root, "circo");
  runDir = join(root, "run");
  config = join(root, "tiny.json");
  write("tiny.json", tiny);
  await copyCirr();
  await copyCirco();
  const set = ["--set", "holdOut=0.5", "holdOutBy=triplet"];
  await runJson("train", "--data", cirr, "--out", runDir, "--config", config, ...set);
});
afterAll(() => rmSync(root, { recursive: true }));

describe("CIRR", () => {
  it("is checked", async () => {
    expect(await runJson("data", "check", cirr)).toMatchObject({
      dataset: "cirr",
      splits: [
        { split: "train", epochTriplets: 8 },
        { split: "val", perCategory: { all: { queries: 8, gallery: { original: 8 } } } },
        { split: "test", perCategory: { all: { queries: 0, untargeted: 8 } } },
      ],
      images: { named: 24, missing: 0, broken: 0 },
    });
  });

  it("is evaluated with recall at 1, 5, 10 and 50 and in subsets at 1, 2 and 3", async () => {
    const result = await runJson("evaluate", "--run", runDir, "--data", cirr);
    expect(result).toMatchObject({
      dataset: "cirr",
      split: "val",
      protocol: "original",
      reference: "removed",
      perCategory: { all: { queries: 8, gallery: 8, r10: 100, r50: 100 } },
      compared: { of: ["r5", "subset1"] },
    });
    const { r1, r5, subset1, subset2, subset3 } = result.mean;
    expect(r5).toBeGreaterThanOrEqual(r1);
    expect(subset2).toBeGreaterThanOrEqual(subset1);
    expect(subset3).toBeGreaterThanOrEqual(subset2);
    const { output } = await runText("evaluate", "--run", runDir, "--data", cirr, "--wordings", "1");
    expect(output).toMatch(/^ +R@1 +R@5 +R@10 +R@50 +Rs@1 +Rs@2 +Rs@3 +queries +gallery$/m);
    expect(output).toContain("compared by the mean of R@5, Rs@1: ");
  });

  it("is answered for its server, and not measured, where targets are not published", async () => {
    const asked = ["evaluate", "--run", runDir, "--data", cirr, "--split", "test"];
    const refused = await runText(...asked);
    expect(refused.code).not.toBe(0);
    expect(refused.errors).toMatch(/there is no query with a target; got 8 without; .*--submission/);

    const file = join(root, "answers", "test.json");
    const written = await runJson(...asked, "--submission", file);
    const subsetFile = join(root, "answers", "test-subset.json");
    expect(written).toMatchObject({
      model: "sdfn",
      dataset: "cirr",
      split: "test",
      queries: 8,
      gallery: 8,
      submission: [file, subsetFile],
    });
    const answers = readJson(file);
    expect(answers).toMatchObject({ version: "rc2", metric: "recall" });
    expect(answers["12060"]).toHaveLength(7);
    expect(answers["12060"]).not.toContain("test1-0-0-img0");
    const ofSubsets = readJson(subsetFile);
    expect(ofSubsets).toMatchObject({ version: "rc2", metric: "recall_subset" });
    for (const name of ofSubsets["12060"]) expect(name).toMatch(/^test1-[1-5]-0-img0$/);
    expect(ofSubsets["12060"]).toHaveLength(3);
    expect(new Set([...Object.keys(answers), ...Object.keys(ofSubsets)]).size).toBe(10);
  });

  it("is searched in", async () => {
    const query = ["--image", "test1-0-0-img0", "--text", "has another colour", "--split", "test", "-k", "3"];
    expect(await runJson("search", "--run", runDir, "--data", cirr, ...query)).toMatchObject({ gallery: 8 });
  });

  it("is not compared on a split without targets, which is said before anything is trained", async () => {
    const out = join(root, "compare-test");
    const grid = ["--data", cirr, "--split", "test", "--models", "sum", "--seeds", "1", "--out", out];
    const refused = await runText("compare", ...grid);
    expect(refused.errors).toMatch(/test split: there is no query with a target; got 8 without/);
    expect(existsSync(out)).toBe(false);
  });

  it("is reported with its metrics", async () => {
    const page = join(root, "report.html");
    await runJson("report", "--run", runDir, "--data", cirr, "--out", page);
    const text = readFileSync(page, "utf8");
    for (const part of [
      "Rs@3",
      "R@5",
      "Subset Recall@1",
      "the query's subset of similar images".replace("'", "&#39;"),
    ]) {
      expect(text).toContain(part);
    }
  });

  it("is compared by its metrics, and evaluations are read again", async () => {
    const out = join(root, "compare");
    const ofAll = join(root, "of-all.json");
    write("of-all.json", { ...tiny, heads: undefined });
    const grid = ["--data", cirr, "--models", "sum,image-only", "--seeds", "1", "--config", ofAll];
    const compared = await runJson("compare", ...grid, "--jobs", "2", "--out", out);
    expect(compared.metrics).toEqual(["r1", "r5", "r10", "r50", "subset1", "subset2", "subset3"]);
    expect(compared.rows[1].difference.metrics).toHaveProperty("subset1.overQueries");
    expect(compared.files.chart).toBe(join(out, "recall-at-5.svg"));
    expect(existsSync(compared.files.chart)).toBe(true);
    const markdown = readFileSync(compared.files.markdown, "utf8");
    expect(markdown).toContain(
      "| row | seeds | R@1 | R@5 | R@10 | R@50 | Rs@1 | Rs@2 | Rs@3 | mean of R@5, Rs@1 |",
    );
    expect(markdown).toContain("| row | less | R@5 | mean of R@5, Rs@1 |");
    const csv = readFileSync(compared.files.csv, "utf8");
    expect(csv).toMatch(/^row,seed,category,r1,r5,r10,r50,subset1,.*,parameters,seconds_per_step,/);
    const page = readFileSync(compared.files.report, "utf8");
    expect(page).toContain("Highest Recall@5");
    expect(page).toContain("Recall@5 in percent against seconds a training step");
    const file = evaluationFileSchema.parse(readJson(join(out, "cells", "sum-seed1", "evaluation.json")));
    expect(file.ranks.all?.[0]).toHaveProperty("subsetRank");
    const again = await runText("compare", ...grid, "--out", out);
    expect(again.output).toContain("2 of 2 cells were finished before");
    expect(again.output).toMatch(/R@5 more/);
  });
});

describe("CIRCO", () => {
  it("is checked", async () => {
    expect(await runJson("data", "check", circo)).toMatchObject({
      dataset: "circo",
      splits: [
        { split: "val", perCategory: { all: { queries: 2, gallery: { original: 8 } } } },
        { split: "test", perCategory: { all: { untargeted: 2 } } },
      ],
      images: { named: 8, missing: 0, broken: 0 },
    });
  });

  it("is evaluated with mAP by a run that was trained on other data", async () => {
    const result = await runJson("evaluate", "--run", runDir, "--data", circo);
    expect(result).toMatchObject({
      dataset: "circo",
      split: "val",
      protocol: "original",
      reference: "kept",
      mean: { r10: 100, r25: 100, r50: 100 },
      compared: { of: ["map5"], value: result.mean.map5 },
    });
    expect(result.mean.map10).toBeGreaterThan(0);
    expect(result.mean.map50).toBe(result.mean.map10);
    const { output } = await runText("evaluate", "--run", runDir, "--data", circo);
    expect(output).toMatch(
      /^ +mAP@5 +mAP@10 +mAP@25 +mAP@50 +R@1 +R@5 +R@10 +R@25 +R@50 +queries +gallery$/m,
    );
    expect(output).toContain("compared by mAP@5: ");
    expect(output).toContain("reference kept");
  });

  it("is answered for its server with numbers", async () => {
    const file = join(root, "circo-test.json");
    const written = await runText(
      "evaluate",
      "--run",
      runDir,
      "--data",
      circo,
      "--split",
      "test",
      "--submission",
      file,
    );
    expect(written).toMatchObject({ code: 0 });
    expect(written.output).toBe(
      "2 queries of circo test answered from a gallery of 8, protocol original, reference kept; all 8 images are there\n" +
        `${file}\n`,
    );
    const answers = readJson(file);
    expect(Object.keys(answers)).toEqual(["0", "1"]);
    expect(answers["0"].toSorted()).toEqual(colours.map((_, i) => 1000 + i));
  });

  it("is no data to train on", async () => {
    const refused = await runText("train", "--data", circo, "--out", join(root, "none"), "--config", config);
    expect(refused.code).not.toBe(0);
    expect(refused.errors).toMatch(/CIRCO has the splits val and test; got train/);
  });
});

describe("--submission", () => {
  it("is refused for a data set without a server, and beside --trec", async () => {
    const shoes = join(root, "fashioniq");
    write("fashioniq/captions/cap.dress.test.json", [{ candidate: "D1", captions: ["a", "b"] }]);
    write("fashioniq/image_splits/split.dress.test.json", ["D1"]);
    const asked = [
      "evaluate",
      "--run",
      runDir,
      "--data",
      shoes,
      "--split",
      "test",
      "--submission",
      join(root, "x.json"),
    ];
    expect((await runText(...asked)).errors).toContain(
      "--submission: fashioniq has no server that measures answers",
    );
    expect((await runText(...asked, "--trec", root)).errors).toMatch(
      /--submission.*--trec|--trec.*--submission/,
    );
  });
});
