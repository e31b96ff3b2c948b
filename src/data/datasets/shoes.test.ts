import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DatasetError } from "../../errors.js";
import { defaultProtocol, galleriesOf } from "../../evaluation/protocols.js";
import { joinCaptions, tokenise } from "../../text/vocabulary.js";
import { openShoes } from "./shoes.js";

let root: string;

const triplet = (target: string, reference: string, caption: unknown = "is red") => ({
  ImageName: `img_womens_${target}.jpg`,
  ReferenceImageName: `img_womens_${reference}.jpg`,
  RelativeCaption: caption,
});

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "shoes-"));
  write("relative_captions_shoes.json", [
    triplet("clogs_1", "clogs_2", " is shinier"),
    triplet("boots_7", "boots_8", "has a strap"),
    triplet("clogs_2", "clogs_2"),
    triplet("boots_8", "boots_8"),
  ]);
  write("train_im_names.txt", "img_womens_clogs_1.jpg\nimg_womens_clogs_2.jpg\nimg_womens_clogs_3.jpg\n");
  write(
    "eval_im_names.txt",
    "img_womens_boots_7.jpg\r\nimg_womens_boots_8.jpg\r\n\r\nimg_womens_boots_9.jpg",
  );
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, content: unknown): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
}

describe("openShoes", () => {
  it("gives each part its triplets, those with target = reference too, and its whole name list", () => {
    const dataset = openShoes(root);
    expect(dataset).toMatchObject({ name: "shoes", categories: ["all"], splits: ["train", "val"] });
    const [train, val] = [dataset.split("train"), dataset.split("val")];
    expect(train.triplets).toEqual([
      {
        reference: "img_womens_clogs_2",
        target: "img_womens_clogs_1",
        captions: [" is shinier"],
        category: "all",
      },
      {
        reference: "img_womens_clogs_2",
        target: "img_womens_clogs_2",
        captions: ["is red"],
        category: "all",
      },
    ]);
    expect(val.triplets.map(({ target }) => target)).toEqual(["img_womens_boots_7", "img_womens_boots_8"]);
    expect([...val.images]).toEqual([
      ["all", ["img_womens_boots_7", "img_womens_boots_8", "img_womens_boots_9"]],
    ]);
  });

  it("finds images in any folder below, in any format, and survives a loop of links", () => {
    write("attributedata/womens_clogs/0/img_womens_clogs_1.jpg", "");
    write("womens_boots/deep/er/3/img_womens_boots_7.PNG", "");
    write("womens_boots/descr_womens_boots_7.txt", "");
    symlinkSync(root, join(root, "womens_boots", "again"));
    const dataset = openShoes(root);
    expect(dataset.imagePath("img_womens_clogs_1")).toBe(
      join(root, "attributedata/womens_clogs/0/img_womens_clogs_1.jpg"),
    );
    expect(dataset.imagePath("img_womens_boots_7")).toBe(
      join(root, "womens_boots/deep/er/3/img_womens_boots_7.PNG"),
    );
    for (const id of ["img_womens_clogs_2", "descr_womens_boots_7", "../x", ""]) {
      expect(dataset.imagePath(id)).toBeUndefined();
    }
  });

  it.each([
    ["no reference", { ImageName: "img_womens_clogs_1.jpg", RelativeCaption: "x" }, /entry 1: "Reference/],
    ["a number for a caption", triplet("clogs_1", "clogs_2", 5), /"RelativeCaption" must be a string; got 5/],
    ["a path", triplet("../clogs_1", "clogs_2"), /"ImageName" must be a file name without slashes/],
    ["an unknown image", triplet("clogs_99", "clogs_2"), /"ImageName" must be listed in train_im_names\.txt/],
    ["images of two parts", triplet("clogs_1", "boots_7"), /"ReferenceImageName" must be listed in the file/],
    ["a list for an object", [], /entry 1: must be an object; got \[\]/],
  ])("names file and entry when an entry has %s", (_, entry, message) => {
    write("relative_captions_shoes.json", [triplet("clogs_1", "clogs_2"), entry]);
    const read = () => openShoes(root).split("train");
    expect(read).toThrow(DatasetError);
    expect(read).toThrow(/relative_captions_shoes\.json: entry 1: /);
    expect(read).toThrow(message);
    expect(read).toThrow(/; see docs\/data\.md/);
  });

  it("names the line of a wrong name, and a file or part that is not there", () => {
    write("eval_im_names.txt", "img_womens_boots_7.jpg\n../../etc/passwd\n");
    expect(() => openShoes(root).split("val")).toThrow(
      /eval_im_names\.txt: line 2: must be a file name .*; got "\.\.\/\.\.\/etc\/passwd"; see docs/,
    );
    rmSync(join(root, "eval_im_names.txt"));
    expect(() => openShoes(root).split("val")).toThrow(/eval_im_names\.txt: file is missing; see docs/);
    expect(() => openShoes(root).split("test")).toThrow(/has the splits train and val .*; got test/);
    expect(() => openShoes(join(root, "nowhere"))).toThrow(/relative_captions_shoes\.json: file is missing/);
  });
});

const published = join(import.meta.dirname, "../../../../shared/data/shoes");
if (!existsSync(published)) console.warn(`skipped: Shoes' annotations are not at ${published}`);

describe.skipIf(!existsSync(published))("Shoes as published", () => {
  it("loads in full, with every listed image in the gallery", () => {
    const dataset = openShoes(published);
    const [train, val] = [dataset.split("train"), dataset.split("val")];
    expect([train.triplets.length, val.triplets.length]).toEqual([8990, 1761]);
    expect([train.images.get("all")?.length, val.images.get("all")?.length]).toEqual([10000, 4658]);
    const gallery = galleriesOf(val, { ...defaultProtocol, name: "original" }).get("all");
    expect(gallery).toHaveLength(4658);
    const same = [train, val].map(
      ({ triplets }) => triplets.filter(({ reference, target }) => reference === target).length,
    );
    expect(same).toEqual([26, 1]);
  });

  it("has captions that tokenise to clean words, nothing lost but white space, never none", () => {
    const dataset = openShoes(published);
    const captions = [dataset.split("train"), dataset.split("val")].flatMap(({ triplets }) =>
      triplets.flatMap((query) => query.captions),
    );
    expect(captions).toHaveLength(10751);
    for (const caption of captions) {
      const plain = caption
        .replace(/[\u2018\u2019\u00B4`]/g, "'")
        .replace(/\s/g, "")
        .toLowerCase();
      expect(tokenise(caption).join("")).toBe(plain);
      expect(tokenise(joinCaptions([caption])).length).toBeGreaterThan(0);
    }
  });
});
