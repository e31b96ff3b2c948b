import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DatasetError } from "../../errors.js";
import { availableSplit } from "../presence/missing-images.js";
import { openCirco } from "./circo.js";
import { openDataset } from "./open-dataset.js";

let root: string;
const info = "COCO2017_unlabeled/annotations/image_info_unlabeled2017.json";
const pictures = "COCO2017_unlabeled/unlabeled2017";

function write(path: string, content: unknown = ""): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
}

const fileName = (id: number) => `${String(id).padStart(12, "0")}.jpg`;
const ids = [271520, 355099, 528417, 534704, 9];
const infoOf = (images: readonly unknown[]) => ({ info: { year: 2017 }, licenses: [], images });
const image = (id: number) => ({ id, file_name: fileName(id), width: 640, height: 480, license: 1 });

/** As the published entries are, fields that are not read included. */
const valEntry = {
  reference_img_id: 271520,
  target_img_id: 355099,
  relative_caption: "shows two people and has a more colorful background",
  shared_concept: "a girl with a traditional Chinese umbrella",
  gt_img_ids: [355099, 528417, 534704],
  id: 0,
  semantic_aspects: ["cardinality"],
};
const testEntry = { reference_img_id: 9, relative_caption: "is in a room", shared_concept: "a bed", id: 0 };

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "circo-"));
  write("annotations/val.json", [valEntry]);
  write("annotations/test.json", [testEntry, { ...testEntry, id: 1 }]);
  write(info, infoOf(ids.map(image)));
});
afterEach(() => rmSync(root, { recursive: true }));

describe("openCirco", () => {
  it("gives each entry's target with all that are relevant, and COCO's unlabeled pictures as gallery", () => {
    const dataset = openDataset(root);
    expect(dataset).toMatchObject({ name: "circo", categories: ["all"], splits: ["val", "test"] });
    const val = dataset.split("val");
    expect(val.triplets).toEqual([
      {
        id: "0",
        reference: "271520",
        target: "355099",
        captions: ["shows two people and has a more colorful background"],
        category: "all",
        relevant: ["355099", "528417", "534704"],
      },
    ]);
    expect(val.images.get("all")).toEqual(ids.map(String));
  });

  it("gives the queries of test without a target", () => {
    const test = openCirco(root).split("test");
    expect(test.triplets).toEqual([]);
    expect(test.untargeted.map(({ id, reference }) => [id, reference])).toEqual([
      ["0", "9"],
      ["1", "9"],
    ]);
    expect(test.images.get("all")).toHaveLength(5);
  });

  it("has no split to train on, and says what to do", () => {
    expect(() => openCirco(root).split("train")).toThrow(
      /CIRCO has the splits val and test; got train; train on another data set, such as CIRR/,
    );
  });

  it("finds pictures by the file names of the image list, in other formats too, and none outside", () => {
    write(`${pictures}/${fileName(271520)}`);
    write(`${pictures}/${fileName(9).replace("jpg", "webp")}`);
    write(`${pictures}/355099.jpg`);
    write("secret.jpg");
    const dataset = openCirco(root);
    expect(dataset.imagePath("271520")).toBe(join(root, pictures, fileName(271520)));
    expect(dataset.imagePath("9")).toBe(join(root, pictures, "000000000009.webp"));
    for (const id of ["355099", fileName(271520), "../secret", "__proto__", ""]) {
      expect(dataset.imagePath(id)).toBeUndefined();
    }
  });

  it("strikes missing pictures off the relevant ones", () => {
    for (const id of [271520, 355099, 534704]) write(`${pictures}/${fileName(id)}`);
    const { split } = availableSplit(openCirco(root), "val");
    expect(split.triplets).toMatchObject([{ target: "355099", relevant: ["355099", "534704"] }]);
  });

  it.each([
    ["target_img_id", undefined, `"target_img_id" must be an image's number; got nothing`],
    ["gt_img_ids", undefined, '"gt_img_ids" must be a list of images\' numbers; got nothing'],
    ["gt_img_ids", [528417], '"gt_img_ids" must hold "target_img_id"; got [528417]'],
    ["gt_img_ids", [355099, 7], `"gt_img_ids.1" must be the id of an image in ${info}; got 7`],
    ["reference_img_id", "../x", '"reference_img_id" must be an image\'s number; got "../x"'],
    ["reference_img_id", 7, `"reference_img_id" must be the id of an image in ${info}; got 7`],
    ["relative_caption", null, '"relative_caption" must be a string; got null'],
    ["id", -1, '"id" must not be negative; got -1'],
    ["id", 0, '"id" must be unique; got 0, as in entry 0'],
  ])("names file and entry where %s is %s", (field, value, message) => {
    write("annotations/val.json", [valEntry, { ...valEntry, id: 1, [field]: value }]);
    const read = () => openCirco(root).split("val");
    expect(read).toThrow(DatasetError);
    expect(read).toThrow(`val.json: entry 1: ${message}`);
  });

  it.each([
    [
      "a path",
      { id: 9, file_name: "../9.jpg" },
      '"images.1.file_name" must be a file name without a path; got "../9.jpg"',
    ],
    ["no id", { file_name: "9.jpg" }, '"images.1.id" must be a whole number; got nothing'],
    ["null", null, '"images.1" must be an object; got null'],
  ])("names the image list and the entry that has %s", (_, entry, message) => {
    write(info, infoOf([image(9), entry]));
    expect(() => openCirco(root).split("test")).toThrow(`image_info_unlabeled2017.json: ${message}`);
  });

  it("says which file is missing and where to get it", () => {
    rmSync(join(root, info));
    expect(() => openCirco(root).split("val")).toThrow(
      /image_info_unlabeled2017\.json: file is missing; see docs\/data\.md, CIRCO/,
    );
    expect(() => openCirco(join(root, "nowhere"))).toThrow(/has neither val\.json nor test\.json/);
  });
});
