import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DatasetError } from "../../errors.js";
import { availableSplit } from "../presence/missing-images.js";
import { openCirr } from "./cirr.js";
import { openFashionIq } from "./fashion-iq.js";
import { openDataset } from "./open-dataset.js";

let root: string;

function write(path: string, content: unknown = ""): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
}

/** As the published entries are, fields that are not read included. */
const members = [
  "dev-1-0-img0",
  "dev-1-0-img1",
  "dev-2-1-img0",
  "dev-3-0-img1",
  "dev-4-2-img0",
  "dev-5-0-img0",
];
const valEntry = {
  pairid: 12060,
  reference: "dev-1-0-img0",
  target_hard: "dev-2-1-img0",
  target_soft: { "dev-2-1-img0": 1, "dev-3-0-img1": -1 },
  caption: " show three bottles of soft drink",
  img_set: { id: 36, members, reference_rank: 2, target_rank: 3 },
};
const testMembers = members.map((name) => name.replace("dev", "test1"));
const testEntry = {
  pairid: 12063,
  reference: "test1-1-0-img0",
  caption: "remove all but one dog",
  img_set: { id: 1, members: testMembers, reference_rank: 3 },
};
const listOf = (names: readonly string[], folder: string) =>
  Object.fromEntries(names.map((name) => [name, `./${folder}/${name}.png`]));

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "cirr-"));
  write("captions/cap.rc2.val.json", [valEntry, { ...valEntry, pairid: 12062, target_hard: "dev-5-0-img0" }]);
  write("captions/cap.rc2.test1.json", [testEntry]);
  write("captions/cap.rc2.train.json", [
    {
      ...valEntry,
      pairid: 0,
      reference: "train-11041-2-img0",
      target_hard: "train-11041-0-img1",
      img_set: { id: 0, members: ["train-11041-2-img0", "train-11041-0-img1"] },
    },
  ]);
  write("image_splits/split.rc2.val.json", {
    ...listOf(members, "dev"),
    "dev-9-0-img0": "./dev/dev-9-0-img0.png",
  });
  write("image_splits/split.rc2.test1.json", listOf(testMembers, "test1"));
  write("image_splits/split.rc2.train.json", {
    "train-11041-2-img0": "./train/34/train-11041-2-img0.png",
    "train-11041-0-img1": "./train/4/train-11041-0-img1.png",
  });
});
afterEach(() => rmSync(root, { recursive: true }));

describe("openCirr", () => {
  it("gives each entry's target, caption and id, its set without the reference, and the whole split as gallery", () => {
    const dataset = openDataset(root);
    expect(dataset).toMatchObject({ name: "cirr", categories: ["all"], splits: ["train", "val", "test"] });
    const val = dataset.split("val");
    expect(val.triplets[0]).toEqual({
      id: "12060",
      reference: "dev-1-0-img0",
      target: "dev-2-1-img0",
      captions: [" show three bottles of soft drink"],
      category: "all",
      subset: ["dev-1-0-img1", "dev-2-1-img0", "dev-3-0-img1", "dev-4-2-img0", "dev-5-0-img0"],
    });
    expect(val.images.get("all")).toEqual([...members, "dev-9-0-img0"]);
    expect(dataset.split("train").triplets).toHaveLength(1);
  });

  it("gives test1 as the split test, whose queries have no target", () => {
    const test = openCirr(root).split("test");
    expect(test.triplets).toEqual([]);
    expect(test.untargeted).toEqual([
      {
        id: "12063",
        reference: "test1-1-0-img0",
        captions: ["remove all but one dog"],
        category: "all",
        subset: testMembers.slice(1),
      },
    ]);
  });

  it("is not taken for FashionIQ, whose files are named alike", () => {
    expect(openDataset(root).name).toBe("cirr");
    expect(() => openFashionIq(root)).toThrow(/has no cap\.\{category\}\.\{split\}\.json/);
  });

  it("finds pictures where the list says, below img_raw or the folder itself, in other formats too", () => {
    write("img_raw/train/34/train-11041-2-img0.png");
    write("train/4/train-11041-0-img1.jpg");
    write("img_raw/dev/dev-1-0-img0.webp");
    const dataset = openCirr(root);
    expect(dataset.imagePath("train-11041-2-img0")).toBe(
      join(root, "img_raw/train/34/train-11041-2-img0.png"),
    );
    expect(dataset.imagePath("train-11041-0-img1")).toBe(join(root, "train/4/train-11041-0-img1.jpg"));
    expect(dataset.imagePath("dev-1-0-img0")).toBe(join(root, "img_raw/dev/dev-1-0-img0.webp"));
    for (const id of ["dev-1-0-img1", "../secret", "__proto__", "constructor", ""]) {
      expect(dataset.imagePath(id)).toBeUndefined();
    }
  });

  it("strikes missing images off the sets, and drops queries that lack reference or target", () => {
    for (const name of members.slice(0, 3)) write(`img_raw/dev/${name}.png`);
    const { split, dropped } = availableSplit(openCirr(root), "val");
    expect(split.triplets).toMatchObject([{ id: "12060", subset: ["dev-1-0-img1", "dev-2-1-img0"] }]);
    expect(dropped).toMatchObject({ triplets: { dropped: 1, of: 2 }, galleryEntries: { dropped: 4, of: 7 } });
  });

  it.each([
    ["../../etc/passwd", '"dev-1-0-img0" must be a path inside the image folder; got "../../etc/passwd"'],
    ["/etc/passwd", '"dev-1-0-img0" must be a path inside the image folder; got "/etc/passwd"'],
    ["./dev/.hidden.png", '"dev-1-0-img0" must be a path inside the image folder'],
    ["dev\\..\\x.png", '"dev-1-0-img0" must be a path inside the image folder'],
    [5, '"dev-1-0-img0" must be a path inside the image folder; got 5'],
  ])("refuses %s as a path of the list, naming file and image", (path, message) => {
    write("image_splits/split.rc2.val.json", { ...listOf(members, "dev"), "dev-1-0-img0": path });
    expect(() => openCirr(root).split("val")).toThrow(`split.rc2.val.json: ${message}`);
  });

  it("refuses a name that could be a path, and a list that is none", () => {
    write("image_splits/split.rc2.val.json", { "../x": "./dev/x.png" });
    expect(() => openCirr(root).split("val")).toThrow(
      /split\.rc2\.val\.json: "\.\.\/x" must be an image's name/,
    );
    write("image_splits/split.rc2.val.json", ["dev-1-0-img0"]);
    expect(() => openCirr(root).split("val")).toThrow(
      /must be an object of image names and paths; got \["dev/,
    );
  });

  it.each([
    [
      "target_hard",
      undefined,
      '"target_hard" must be an image\'s name without slashes or a leading dot; got nothing',
    ],
    ["target_hard", "dev-9-0-img0", '"target_hard" must be one of "img_set.members"; got "dev-9-0-img0"'],
    [
      "reference",
      "dev-8-0-img0",
      '"reference" must be listed in image_splits/split.rc2.val.json; got "dev-8',
    ],
    ["reference", "../dev-1", '"reference" must be an image\'s name'],
    ["caption", 5, '"caption" must be a string; got 5'],
    ["pairid", "12", '"pairid" must be a whole number; got "12"'],
    ["img_set", undefined, '"img_set" must be an object with the list "members"; got nothing'],
    ["img_set", { members: 5 }, '"img_set.members" must be a list of image names; got 5'],
    [
      "img_set",
      { members: [...members, "dev-8-0-img0"] },
      '"img_set.members.6" must be listed in image_splits',
    ],
  ])("names file and entry where %s is %s", (field, value, message) => {
    write("captions/cap.rc2.val.json", [valEntry, { ...valEntry, pairid: 2, [field]: value }]);
    const read = () => openCirr(root).split("val");
    expect(read).toThrow(DatasetError);
    expect(read).toThrow(`entry 1: ${message}`);
    expect(read).toThrow(/cap\.rc2\.val\.json:/);
    expect(read).toThrow(/see docs\/data\.md, CIRR/);
  });

  it("refuses two queries of one id in val and test, which submissions would take for one", () => {
    write("captions/cap.rc2.test1.json", [testEntry, testEntry]);
    expect(() => openCirr(root).split("test")).toThrow(
      'cap.rc2.test1.json: entry 1: "pairid" must be unique; got 12063, as in entry 0',
    );
  });

  it("trains without an image that the list lacks, as without a missing one", () => {
    write("image_splits/split.rc2.train.json", { "train-11041-2-img0": "./train/34/train-11041-2-img0.png" });
    write("img_raw/train/34/train-11041-2-img0.png");
    const { split, unusable } = availableSplit(openCirr(root), "train");
    expect(split.triplets).toEqual([]);
    expect(unusable).toMatchObject([{ id: "train-11041-0-img1", state: "missing" }]);
  });

  it("says which file is missing", () => {
    rmSync(join(root, "image_splits/split.rc2.test1.json"));
    expect(() => openCirr(root).split("test")).toThrow(/split\.rc2\.test1\.json: file is missing; see docs/);
    expect(() => openCirr(join(root, "nowhere"))).toThrow(/nowhere.captions: has no cap\.rc2/);
  });
});
