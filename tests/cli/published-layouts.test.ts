import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runProgram } from "../../src/cli/run-program.js";
import { recordingContext, withoutWarnings } from "./recording-context.js";

let root: string;
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

async function runJson(...args: string[]) {
  const context = recordingContext();
  const code = await runProgram([...args, "--json"], context);
  expect(withoutWarnings(context.errors())).toBe("");
  expect(code).toBe(0);
  return JSON.parse(context.output());
}

function write(path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

async function draw(path: string, background: string): Promise<void> {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  await sharp({ create: { width: 8, height: 8, channels: 3, background } }).toFile(join(root, path));
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "layouts-"));
  write("tiny.json", JSON.stringify(tiny));
  const names = { train: [] as string[], eval: [] as string[] };
  const labels = { train: "", test: "" };
  for (const [i, colour] of colours.entries()) {
    for (const part of ["train", "eval"] as const) {
      const name = `img_womens_${part === "train" ? "clogs" : "boots"}_${i}`;
      names[part].push(`${name}.jpg`);
      await draw(`shoes/womens/${i % 3}/${name}.jpg`, colour);
    }
    for (const part of ["train", "test"] as const) {
      const path = `women/dresses/${part}${i}/${part}${i}_0.jpeg`;
      labels[part] += `${path}\t0.9\tcolour${i % 4} silk dress\n`;
      await draw(`fashion200k/${path}`, colour);
    }
  }
  const triplets = [...names.train, ...names.eval].map((name) => ({
    ImageName: name,
    ReferenceImageName: name.replace(/_\d/, (number) => `_${(Number(number.slice(1)) + 1) % colours.length}`),
    RelativeCaption: " has another colour ",
  }));
  write("shoes/relative_captions_shoes.json", JSON.stringify(triplets));
  write("shoes/train_im_names.txt", names.train.join("\n"));
  write("shoes/eval_im_names.txt", names.eval.join("\n"));
  write("fashion200k/labels/dress_train_detect_all.txt", labels.train);
  write("fashion200k/labels/dress_test_detect_all.txt", labels.test);
  const paths = labels.test
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\t")[0]);
  write("fashion200k/test_queries.txt", `${paths[0]} ${paths[1]}\n${paths[2]} ${paths[3]}\n`);
});
afterAll(() => rmSync(root, { recursive: true }));

describe("a small copy of each published layout", () => {
  it.each([
    ["shoes", { split: "val", queries: 8, words: ["has", "another", "colour"] }],
    ["fashion200k", { split: "test", queries: 2, words: ["replace", "with", "silk", "colour3"] }],
  ])("%s is checked, trained on, evaluated and searched", async (name, { split, queries, words }) => {
    const [data, runDir] = [join(root, name), join(root, `run-${name}`)];
    expect(await runJson("data", "check", data)).toMatchObject({
      dataset: name,
      images: { named: 16, missing: 0, broken: 0 },
    });

    const trained = await runJson(
      "train",
      "--data",
      data,
      "--out",
      runDir,
      "--config",
      join(root, "tiny.json"),
    );
    expect(trained).toMatchObject({ status: "complete", steps: 2 });
    const vocabulary = readFileSync(join(runDir, "vocabulary.json"), "utf8");
    for (const word of words) expect(vocabulary).toContain(`"${word}"`);

    const trec = join(root, `trec-${name}`);
    const result = await runJson("evaluate", "--run", runDir, "--data", data, "--trec", trec);
    expect(result).toMatchObject({
      dataset: name,
      split,
      protocol: "original",
      reference: "removed",
      captions: "and",
      perCategory: { all: { queries, gallery: 8 } },
      compared: { of: ["r1", "r10", "r50"] },
      trec: [{ run: join(trec, "all.run"), qrels: join(trec, "all.qrels") }],
    });
    // Seven answers a query: the reference is removed.
    expect(readFileSync(join(trec, "all.run"), "utf8").trimEnd().split("\n")).toHaveLength(7 * queries);

    const [, , image = ""] = readFileSync(join(trec, "all.qrels"), "utf8").split(" ");
    const found = await runJson(
      "search",
      "--run",
      runDir,
      "--data",
      data,
      "--image",
      image,
      "--text",
      "has another colour",
      "-k",
      "3",
    );
    expect(found).toMatchObject({ gallery: 8 });
  });

  it("takes protocol, captions and reference as options", async () => {
    const [data, runDir] = [join(root, "shoes"), join(root, "run-shoes")];
    const asked = [
      "--protocol",
      "val-split",
      "--captions",
      "swapped",
      "--reference",
      "kept",
      "--split",
      "val",
    ];
    expect(
      await runJson("evaluate", "--run", runDir, "--data", data, "--dataset", "shoes", ...asked),
    ).toMatchObject({
      protocol: "val-split",
      captions: "swapped",
      reference: "kept",
      perCategory: { all: { queries: 16 } },
    });
  });
});
