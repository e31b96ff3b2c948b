import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Random } from "../../engine/tensor/random.js";
import { DatasetError } from "../../errors.js";
import { openFashion200k } from "./fashion200k.js";
import { CaptionPairs, replacementText } from "./fashion200k-pairs.js";

let root: string;

const path = (view: string) => `women/dresses/${view[0]}/${view}.jpeg`;
const label = (view: string, caption: string) => `${path(view)}\t0.87\t${caption}\n`;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "fashion200k-"));
  write(
    "labels/dress_train_detect_all.txt",
    label("a1", "black short dress") + label("a2", "red short dress"),
  );
  write(
    "labels/top_train_detect_all.txt",
    label("b1", " a v.neck? r&b * top ") + label("b2", "grey top hat"),
  );
  write(
    "labels/dress_test_detect_all.txt",
    label("c1", "blue dress") + label("c2", "white dress") + label("c3", "white dress"),
  );
  write("labels/top_test_detect_all.txt", label("d1", "white dress") + label("d2", "blue dress"));
  write(
    "test_queries.txt",
    `${path("c1")} ${path("c2")}\n${path("c1")} ${path("d1")}\n${path("c1")} ${path("d2")}\n`,
  );
  write("labels/readme.txt", "other files are not read");
});
afterEach(() => rmSync(root, { recursive: true }));

function write(file: string, content: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), content);
}

describe("openFashion200k", () => {
  it("ranks all test images together and counts every image of the target's caption as found", () => {
    const dataset = openFashion200k(root);
    expect(dataset).toMatchObject({ name: "fashion200k", categories: ["all"], splits: ["train", "test"] });
    const test = dataset.split("test");
    expect([...test.images]).toEqual([["all", ["c1", "c2", "c3", "d1", "d2"].map(path)]]);
    expect(test.triplets).toEqual([
      {
        reference: path("c1"),
        target: path("c2"),
        captions: ["replace blue with white"],
        category: "all",
        hits: ["c2", "c3", "d1"].map(path),
      },
      {
        reference: path("c1"),
        target: path("d1"),
        captions: ["replace blue with white"],
        category: "all",
        hits: ["c2", "c3", "d1"].map(path),
      },
      {
        reference: path("c1"),
        target: path("d2"),
        captions: ["replace dress with dress"],
        category: "all",
        hits: ["c1", "d2"].map(path),
      },
    ]);
  });

  it("shares one list of hits among queries with one answer, also after images are struck off", () => {
    const test = openFashion200k(root).split("test");
    expect(test.triplets[0]?.hits).toBe(test.triplets[1]?.hits);
    const left = test.restrict((id) => id !== path("c3"));
    expect(left.triplets[0]?.hits).toEqual(["c2", "d1"].map(path));
    expect(left.triplets[0]?.hits).toBe(left.triplets[1]?.hits);
  });

  it("spells punctuation marks as words", () => {
    const texts = [...(openFashion200k(root).split("train").trainingTexts?.() ?? [])];
    expect(texts).toContain("replace a vdotmarkneckquestionmark randmarkb starmark top with");
    expect(texts).toHaveLength(4);
  });

  it("finds images at their paths, with another ending too, and none outside the folder", () => {
    write(path("a1"), "");
    write(path("a2").replace(".jpeg", ".png"), "");
    const dataset = openFashion200k(join(root));
    expect(dataset.imagePath(path("a1"))).toBe(join(root, path("a1")));
    expect(dataset.imagePath(path("a2"))).toBe(join(root, path("a2").replace(".jpeg", ".png")));
    expect(dataset.imagePath(path("b1"))).toBeUndefined();
    const inner = openFashion200k(copyOfLabels());
    for (const id of [`../${path("a1")}`, join(root, path("a1")), `women/../../${path("a1")}`, ""]) {
      expect(inner.imagePath(id)).toBeUndefined();
    }
  });

  /** A data set inside the first one's folder: the first one's images are outside of it. */
  function copyOfLabels(): string {
    mkdirSync(join(root, "inner"));
    symlinkSync(join(root, "labels"), join(root, "inner", "labels"));
    return join(root, "inner");
  }

  it.each([
    ["two fields", `${path("a1")}\tblack dress`, /line 3: must be path, detection score and caption/],
    ["a word for a score", `${path("a1")}\thigh\tblack dress`, /the detection score must be a number/],
    ["a way out", "women/../../secret.jpeg\t0\tx", /must begin with an image's path inside the folder/],
    ["an absolute path", "/etc/passwd.jpeg\t0\tx", /must begin with an image's path/],
    ["a backslash", "women\\..\\..\\a.jpeg\t0\tx", /must begin with an image's path/],
    ["no image", "labels/readme.txt\t0\tx", /must begin with an image's path/],
  ])("names file and line when a label has %s", (_, line, message) => {
    write("labels/dress_train_detect_all.txt", `${label("a1", "x")}${label("a2", "y")}${line}\n`);
    const read = () => openFashion200k(root).split("train");
    expect(read).toThrow(DatasetError);
    expect(read).toThrow(/labels.dress_train_detect_all\.txt: line 3: /);
    expect(read).toThrow(message);
    expect(read).toThrow(/; see docs\/data\.md/);
  });

  it("refuses queries that are no pair of test images, and files and splits that are not there", () => {
    write("test_queries.txt", `${path("c1")}\n${path("c1")} ${path("a1")}\n`);
    const read = () => openFashion200k(root).split("test");
    expect(read).toThrow(
      /test_queries\.txt:\n {2}- line 1: must be two image paths; got .*\n {2}- line 2: .*a1/,
    );
    rmSync(join(root, "test_queries.txt"));
    expect(read).toThrow(/test_queries\.txt: file is missing; see docs/);
    expect(() => openFashion200k(root).split("val")).toThrow(/has the splits train and test; got val/);
    rmSync(join(root, "labels/dress_test_detect_all.txt"));
    rmSync(join(root, "labels/top_test_detect_all.txt"));
    expect(openFashion200k(root).splits).toEqual(["train"]);
    expect(read).toThrow(/\{category\}_test_detect_all\.txt: there is no such file/);
    expect(() => openFashion200k(join(root, "women"))).toThrow(/labels: has no .*; got 0 other files/);
  });
});

describe("CaptionPairs", () => {
  const captions = new Map([
    ["1", "black short dress"],
    ["2", "red short dress"],
    ["3", "red short dress"],
    ["4", "black long dress"],
    ["5", "grey trousers"],
    ["6", "a hat"],
  ]);

  it("draws as many pairs as there are images, between captions that differ in one word", () => {
    const pairs = new CaptionPairs(captions, "all");
    // "short dress" has 1, 2, 3; "black dress" has 1, 4; nothing has 5 or 6.
    expect(pairs.modifiable).toEqual(["1", "2", "3", "4"]);
    expect(pairs.epochTripletCount).toBe(6);
    const allowed = new Set(["1>2", "1>3", "2>1", "3>1", "1>4", "4>1"]);
    const seen = new Set<string>();
    for (let seed = 0; seed < 60; seed += 1) {
      const epoch = pairs.drawEpoch(new Random(seed));
      expect(epoch).toHaveLength(6);
      for (const { reference, target, captions: texts } of epoch) {
        seen.add(`${reference}>${target}`);
        expect(texts).toEqual([replacementText(captions.get(reference) ?? "", captions.get(target) ?? "")]);
      }
      // Each modifiable image is a reference once, and two more times one of them stands in for 5 and 6.
      for (const id of ["1", "2", "3", "4"]) {
        expect(epoch.filter(({ reference }) => reference === id).length).toBeGreaterThan(0);
      }
    }
    expect(seen).toEqual(allowed);
    expect(pairs.drawEpoch(new Random(3))).toEqual(pairs.drawEpoch(new Random(3)));
    expect(pairs.drawEpoch(new Random(3))).not.toEqual(pairs.drawEpoch(new Random(4)));
  });

  it("finds families anew among the images that are left", () => {
    const left = new CaptionPairs(captions, "all").restrict((id) => id !== "4" && id !== "2");
    expect(left.modifiable).toEqual(["1", "3"]);
    expect([...left.images]).toEqual([["all", ["1", "3", "5", "6"]]]);
    const none = left.restrict((id) => id !== "3");
    expect(none.epochTripletCount).toBe(0);
    expect(none.drawEpoch(new Random(1))).toEqual([]);
  });

  it("takes a word's letters out wherever they stand, as the published code does", () => {
    // By whole words the parents would be "vast top", "a top", "a vast" and "vst top", "b top", "b vst".
    const pairs = new CaptionPairs(
      new Map([
        ["1", "a vast top"],
        ["2", "b vst top"],
      ]),
      "all",
    );
    expect(pairs.modifiable).toEqual(["1", "2"]);
  });
});

describe("replacementText", () => {
  it.each([
    ["black short dress", "red short dress", "replace black with red"],
    ["black dress", "black long dress", "replace dress with long"],
    ["black dress", "black dress", "replace dress with dress"],
    ["red red hat", "hat", "replace red with hat"],
  ])("says how %s becomes %s", (from, to, text) => {
    expect(replacementText(from, to)).toBe(text);
  });
});

const published = join(import.meta.dirname, "../../../../shared/data/fashion200k/labels_derived");
if (!existsSync(published)) console.warn(`skipped: Fashion200k's labels are not at ${published}`);

describe.skipIf(!existsSync(published))("Fashion200k's labels as published", () => {
  it("load, and give an epoch of pairs whose texts name words that they swap", () => {
    mkdirSync(join(root, "real"));
    symlinkSync(published, join(root, "real", "labels"));
    expect(readdirSync(published)).toHaveLength(10);
    const train = openFashion200k(join(root, "real")).split("train");
    expect(train.images.get("all")).toHaveLength(4267);
    const epoch = train.drawEpoch(new Random(1));
    expect(epoch).toHaveLength(4267);
    for (const { captions, reference, target } of epoch) {
      expect(captions[0]).toMatch(/^replace \S+ with \S+$/);
      expect(reference).not.toBe(target);
    }
  });
});
