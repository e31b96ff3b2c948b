import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Random } from "../../engine/tensor/random.js";
import { DatasetError } from "../../errors.js";
import { isTripletsFolder, openTriplets } from "./triplets-folder.js";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "triplets-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, content: string | readonly unknown[]): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  const text =
    typeof content === "string" ? content : content.map((line) => `${JSON.stringify(line)}\n`).join("");
  writeFileSync(file, text);
}

const line = { reference: "A", target: "B", text: "is red" };

describe("openTriplets", () => {
  it("reads one file a split: a text or several, categories, hits", () => {
    write("triplets.train.jsonl", [
      line,
      { reference: "B", target: "A", text: ["is blue", "longer"], category: "dress", hits: ["C", "A"] },
    ]);
    write("triplets.val.jsonl", '\uFEFF\n{"reference":"A","target":"C","text":"","split":"val"}\n\n');
    const dataset = openTriplets(root);
    expect(dataset.name).toBe("triplets");
    expect(dataset.categories).toEqual(["all", "dress"]);
    const train = dataset.split("train");
    expect(train.triplets).toEqual([
      { reference: "A", target: "B", captions: ["is red"], category: "all" },
      { reference: "B", target: "A", captions: ["is blue", "longer"], category: "dress", hits: ["A", "C"] },
    ]);
    expect([...train.images]).toEqual([
      ["all", ["A", "B"]],
      ["dress", ["B", "A", "C"]],
    ]);
    expect(train.drawEpoch(new Random(1))).toHaveLength(2);
    expect(dataset.split("val").triplets).toEqual([
      { reference: "A", target: "C", captions: [""], category: "all" },
    ]);
    expect(() => dataset.split("test")).toThrow(/triplets\.test\.jsonl: file is missing; see docs\/data\.md/);
  });

  it("reads other wordings, each a text or several", () => {
    write("triplets.val.jsonl", [line, { ...line, paraphrases: ["in red", ["all red", "ruby"]] }]);
    const [plain, worded] = openTriplets(root).split("val").triplets;
    expect(plain?.paraphrases).toBeUndefined();
    expect(worded?.paraphrases).toEqual([["in red"], ["all red", "ruby"]]);
  });

  it("reads all splits from one file, train where a line does not say", () => {
    write("triplets.jsonl", [line, { ...line, target: "C", split: "test" }]);
    const dataset = openTriplets(root);
    expect(dataset.split("train").triplets.map(({ target }) => target)).toEqual(["B"]);
    expect(dataset.split("test").triplets.map(({ target }) => target)).toEqual(["C"]);
    expect(dataset.split("val").triplets).toEqual([]);
  });

  it("takes images from items.jsonl: every image of a split is in its gallery, with or without triplets", () => {
    write("triplets.train.jsonl", [line]);
    write("items.jsonl", [
      { id: "A", image: "photos/1.jpg", split: "train" },
      { id: "B", split: "train" },
      { id: "C", split: "train" },
      { id: "D", split: "val" },
    ]);
    write("dataset.json", '{"format": 1, "imageRoot": "shop"}');
    write("shop/photos/1.jpg", "");
    write("shop/images/B.png", "");
    write("shop/images/D", "");
    const dataset = openTriplets(root);
    expect(dataset.split("train").images.get("all")).toEqual(["A", "B", "C"]);
    expect(dataset.imagePath("A")).toBe(join(root, "shop/photos/1.jpg"));
    expect(dataset.imagePath("B")).toBe(join(root, "shop/images/B.png"));
    expect(dataset.imagePath("C")).toBeUndefined();
  });

  it("finds ids in images/, and paths below the root, and nothing outside", () => {
    write("data/triplets.train.jsonl", [{ reference: "sub/a.jpg", target: "B", text: "x" }]);
    write("data/images/B.webp", "");
    write("data/sub/a.jpg", "");
    write("data/images/deep/er/c.png", "");
    write("secret.jpg", "");
    const dataset = openTriplets(join(root, "data"));
    expect(dataset.imagePath("B")).toBe(join(root, "data/images/B.webp"));
    expect(dataset.imagePath("sub/a.jpg")).toBe(join(root, "data/sub/a.jpg"));
    expect(dataset.imagePath("deep/er/c.png")).toBe(join(root, "data/images/deep/er/c.png"));
    for (const id of [
      "../secret.jpg",
      "images",
      "/etc/passwd",
      "",
      "sub/../sub/a.jpg",
      "images/../../secret.jpg",
    ]) {
      expect(dataset.imagePath(id)).toBeUndefined();
    }
  });

  it("counts the target alone, or every item of the split that is like it", () => {
    write("triplets.val.jsonl", [{ ...line, category: "hat" }]);
    write("items.jsonl", [
      { id: "A", split: "val", category: "hat", alike: 1 },
      { id: "B", split: "val", category: "hat", alike: 2 },
      { id: "C", split: "val", category: "hat", alike: 2 },
      { id: "D", split: "train", category: "hat", alike: 2 },
    ]);
    write("dataset.json", '{"format": 1, "kind": "catalogue"}');
    const exact = openTriplets(root);
    expect(exact.name).toBe("catalogue");
    expect(exact.split("val").triplets[0]?.hits).toBeUndefined();
    const byAttributes = openTriplets(root, { answers: "attributes" });
    expect(byAttributes.name).toBe("catalogue, attribute match");
    expect(byAttributes.split("val").triplets[0]?.hits).toEqual(["B", "C"]);
    write("dataset.json", '{"format": 1, "kind": "catalogue", "answers": "attributes"}');
    expect(openTriplets(root).split("val").triplets[0]?.hits).toEqual(["B", "C"]);
    expect(openTriplets(root, { answers: "target" }).split("val").triplets[0]?.hits).toBeUndefined();
  });

  it.each([
    [{ target: "B", text: "x" }, '"reference" must be an image'],
    [{ ...line, target: "../B" }, '"target" must be an image: an id, or a path with slashes that stays'],
    [{ ...line, target: "/etc/passwd" }, '"target" must be an image'],
    [{ ...line, target: "a\\b" }, '"target" must be an image'],
    [{ ...line, text: 5 }, '"text" must be a text or a list of texts; got 5'],
    [{ ...line, text: [] }, '"text" must be a text or a list of texts; got []'],
    [{ ...line, paraphrases: "in red" }, '"paraphrases" must be a list of such texts; got "in red"'],
    [{ ...line, paraphrases: [5] }, '"paraphrases.0" must be a text or a list of texts; got 5'],
    [{ ...line, hits: "B" }, '"hits" must be a list of images; got "B"'],
    [{ ...line, split: "dev" }, '"split" must be one of train, val, test; got "dev"'],
    [[], "must be an object; got []"],
  ])("names file and line of a wrong entry: %j", (entry, message) => {
    write("triplets.train.jsonl", [line, entry]);
    const read = () => openTriplets(root).split("train");
    expect(read).toThrow(DatasetError);
    expect(read).toThrow(`triplets.train.jsonl:\n  - line 2: ${message}`);
  });

  it("refuses splits that contradict the file, ids that repeat, and a manifest of another format", () => {
    write("triplets.val.jsonl", [line, { ...line, split: "train" }]);
    expect(() => openTriplets(root).split("val")).toThrow('triplet 2: "split" must be val in this file');
    write("items.jsonl", [
      { id: "A", split: "val" },
      { id: "A", split: "test" },
    ]);
    expect(() => openTriplets(root)).toThrow('items.jsonl: "id" must be unique; got A twice');
    write("dataset.json", '{"format": 2}');
    expect(() => openTriplets(root)).toThrow('dataset.json: "format" must be 1; got 2');
    write("dataset.json", "{oops");
    expect(() => openTriplets(root)).toThrow("dataset.json: is not JSON");
  });

  it("lists the first problems and counts the others", () => {
    write(
      "triplets.train.jsonl",
      Array.from({ length: 25 }, () => ({ ...line, text: 1 })),
    );
    const message = (() => {
      try {
        return openTriplets(root).name;
      } catch (error) {
        return String(error);
      }
    })();
    expect(message.match(/ {2}- line/g)).toHaveLength(20);
    expect(message).toContain("and 5 more");
  });
});

describe("isTripletsFolder", () => {
  it("is true where a file of triplets lies", () => {
    expect(isTripletsFolder(root)).toBe(false);
    expect(isTripletsFolder(join(root, "none"))).toBe(false);
    expect(() => openTriplets(root)).toThrow(
      /has no triplets\.jsonl and no triplets\.\{train,val,test\}\.jsonl/,
    );
    write("triplets.val.jsonl", []);
    expect(isTripletsFolder(root)).toBe(true);
  });
});
