import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Random } from "../../engine/tensor/random.js";
import { DatasetError } from "../../errors.js";
import { joinCaptions, tokenise } from "../../text/vocabulary.js";
import { openFashionIq } from "./fashion-iq.js";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "fashion-iq-"));
  write("captions/cap.dress.train.json", [
    { target: "D2", candidate: "D1", captions: ["is red", "has a belt"] },
    { target: "D3", candidate: "D2", captions: [" is longer ", ""] },
  ]);
  write("captions/cap.dress.test.json", [{ candidate: "D1", captions: ["is blue", "is new"] }]);
  write("captions/cap.shirt.train.json", [{ target: "S2", candidate: "S1", captions: ["a", "b"] }]);
  write("image_splits/split.dress.train.json", ["D1", "D2", "D3", "D4"]);
  write("image_splits/split.dress.test.json", ["D1", "D5"]);
  write("image_splits/split.shirt.train.json", ["S1", "S2"]);
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, content: unknown): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
}

describe("openFashionIq", () => {
  it("translates candidates to references and keeps captions, order and categories", () => {
    const dataset = openFashionIq(root);
    expect(dataset.categories).toEqual(["dress", "shirt"]);
    const train = dataset.split("train");
    expect(train.triplets).toEqual([
      { reference: "D1", target: "D2", captions: ["is red", "has a belt"], category: "dress" },
      { reference: "D2", target: "D3", captions: [" is longer ", ""], category: "dress" },
      { reference: "S1", target: "S2", captions: ["a", "b"], category: "shirt" },
    ]);
    expect([...train.images]).toEqual([
      ["dress", ["D1", "D2", "D3", "D4"]],
      ["shirt", ["S1", "S2"]],
    ]);
  });

  it("reads other wordings where an entry has them", () => {
    const entry = { target: "D2", candidate: "D1", captions: ["is red", "has a belt"] };
    const paraphrases = [
      ["in red", "belted"],
      ["red", "with a belt"],
    ];
    write("captions/cap.dress.train.json", [{ ...entry, paraphrases }, entry]);
    const [first, second] = openFashionIq(root).split("train").triplets;
    expect(first?.paraphrases).toEqual(paraphrases);
    expect(second?.paraphrases).toBeUndefined();
    write("captions/cap.dress.train.json", [{ ...entry, paraphrases: [["in red"]] }]);
    expect(() => openFashionIq(root).split("train")).toThrow(
      'cap.dress.train.json: entry 0: "paraphrases.0" must be two strings; got ["in red"]',
    );
  });

  it("gives test entries as queries without a target", () => {
    write("captions/cap.shirt.test.json", [{ candidate: "S1", captions: ["c", "d"] }]);
    write("image_splits/split.shirt.test.json", ["S1"]);
    const test = openFashionIq(root).split("test");
    expect(test.triplets).toEqual([]);
    expect(test.untargeted).toEqual([
      { reference: "D1", captions: ["is blue", "is new"], category: "dress" },
      { reference: "S1", captions: ["c", "d"], category: "shirt" },
    ]);
  });

  it("draws an epoch with every triplet once, the same for the same stream", () => {
    const train = openFashionIq(root).split("train");
    const epoch = train.drawEpoch(new Random(3));
    expect(new Set(epoch)).toEqual(new Set(train.triplets));
    expect(train.drawEpoch(new Random(3))).toEqual(epoch);
    expect(train.epochTripletCount).toBe(3);
  });

  it("needs the files of the asked split only", () => {
    const dataset = openFashionIq(root);
    expect(dataset.split("train").triplets).toHaveLength(3);
    expect(() => dataset.split("val")).toThrow(/split\.dress\.val\.json: file is missing; .*docs\/data\.md/);
  });

  it("reads a file that starts with a byte order mark", () => {
    write("image_splits/split.shirt.train.json", '\uFEFF["S1", "S2"]');
    expect(openFashionIq(root).split("train").images.get("shirt")).toEqual(["S1", "S2"]);
  });

  it.each([
    [
      "one caption",
      { target: "D2", candidate: "D1", captions: ["x"] },
      '"captions" must be two strings; got ["x"]',
    ],
    ["no captions", { target: "D2", candidate: "D1" }, '"captions" must be two strings; got nothing'],
    [
      "a number",
      { target: "D2", candidate: "D1", captions: ["x", 5] },
      '"captions.1" must be a string; got 5',
    ],
    ["no target", { candidate: "D1", captions: ["x", "y"] }, '"target" must be an image id; got nothing'],
    [
      "a path",
      { target: "../../etc/passwd", candidate: "D1", captions: ["x", "y"] },
      '"target" must be an image id',
    ],
    [
      "a backslash",
      { target: "..\\x", candidate: "D1", captions: ["x", "y"] },
      '"target" must be an image id',
    ],
    ["a folder", { target: "a/b", candidate: "D1", captions: ["x", "y"] }, '"target" must be an image id'],
    [
      "a hidden file",
      { target: ".D2", candidate: "D1", captions: ["x", "y"] },
      '"target" must be an image id',
    ],
    ["null", null, "must be an object; got null"],
  ])("names file and entry when an entry has %s", (_, entry, message) => {
    const good = { target: "D2", candidate: "D1", captions: ["is red", "has a belt"] };
    write("captions/cap.dress.train.json", [good, good, entry]);
    const read = () => openFashionIq(root).split("train");
    expect(read).toThrow(DatasetError);
    expect(read).toThrow(`cap.dress.train.json: entry 2: ${message}`);
  });

  it("lists several wrong entries at once, and how many more there are", () => {
    write(
      "captions/cap.dress.train.json",
      Array.from({ length: 7 }, () => ({ candidate: "D1", captions: ["x", "y"] })),
    );
    const read = () => openFashionIq(root).split("train");
    expect(read).toThrow(/\n {2}- entry 0: .*\n {2}- entry 1: [\s\S]*and 2 more; see docs\/data\.md/);
  });

  it("refuses what is not JSON, not a list, or not there", () => {
    write("image_splits/split.dress.train.json", "[oops");
    expect(() => openFashionIq(root).split("train")).toThrow(/split\.dress\.train\.json: not valid JSON/);
    write("image_splits/split.dress.train.json", { D1: true });
    expect(() => openFashionIq(root).split("train")).toThrow(DatasetError);
    expect(() => openFashionIq(join(root, "nowhere"))).toThrow(
      /nowhere.captions: folder cannot be read.*docs\/data/,
    );
    mkdirSync(join(root, "empty", "captions"), { recursive: true });
    expect(() => openFashionIq(join(root, "empty"))).toThrow(/no cap\.\{category\}\.\{split\}\.json; got 0/);
  });

  it("finds images in one folder or in folders per category, and none outside", () => {
    write("images/D1.JPG", "");
    write("images/dress/D2.png", "");
    write("images/toptee/D2.jpg", "");
    write("images/shirt/S1.webp", "");
    write("images/.D3.jpg", "");
    write("images/D4.txt", "");
    write("resized_image/toptee/T1.jpeg", "");
    write("resized_image/D1.jpg", "");
    write("secret.jpg", "");
    const dataset = openFashionIq(root);
    expect(dataset.imagePath("D1")).toBe(join(root, "images", "D1.JPG"));
    expect(dataset.imagePath("D2")).toBe(join(root, "images", "dress", "D2.png"));
    expect(dataset.imagePath("S1")).toBe(join(root, "images", "shirt", "S1.webp"));
    expect(dataset.imagePath("T1")).toBe(join(root, "resized_image", "toptee", "T1.jpeg"));
    for (const id of ["D3", ".D3", "D4", "../secret", "dress/D2", "dress", "__proto__", ""]) {
      expect(dataset.imagePath(id)).toBeUndefined();
    }
  });
});

const published = join(import.meta.dirname, "../../../../shared/data/fashioniq");
if (!existsSync(published)) console.warn(`skipped: FashionIQ's annotations are not at ${published}`);

describe.skipIf(!existsSync(published))("FashionIQ as published", () => {
  it.each([
    ["train", [5985, 5988, 6027], [11452, 19036, 16121]],
    ["val", [2017, 2038, 1961], [3817, 6346, 5373]],
  ] as const)("loads %s in full", (name, queries, images) => {
    const dataset = openFashionIq(published);
    expect(dataset.categories).toEqual(["dress", "shirt", "toptee"]);
    const split = dataset.split(name);
    const ofCategory = (category: string) =>
      split.triplets.filter((triplet) => triplet.category === category);
    expect(dataset.categories.map((category) => ofCategory(category).length)).toEqual(queries);
    expect(dataset.categories.map((category) => split.images.get(category)?.length)).toEqual(images);
    const listed = new Map([...split.images].map(([category, ids]) => [category, new Set(ids)]));
    const strangers = split.triplets.filter(({ reference, target, category }) => {
      const ids = listed.get(category);
      return !ids?.has(reference) || !ids.has(target);
    });
    expect(strangers).toEqual([]);
  });

  it("has empty, untrimmed and non-ASCII captions and a lone full stop, all of which tokenise", () => {
    const dataset = openFashionIq(published);
    const queries = (["train", "val", "test"] as const).flatMap((name) => {
      const { triplets, untargeted } = dataset.split(name);
      return [...triplets, ...untargeted];
    });
    const captions = queries.flatMap((query) => query.captions);
    expect(captions.filter((caption) => caption.trim() === "")).toHaveLength(16);
    expect(captions.filter((caption) => caption.trim() === ".")).toHaveLength(1);
    const untrimmed = captions.filter((caption) => caption !== caption.trim());
    expect(untrimmed.length).toBeGreaterThan(1600);
    for (const caption of untrimmed) expect(tokenise(caption)).toEqual(tokenise(caption.trim()));
    expect([tokenise(""), tokenise("  "), tokenise(" . ")]).toEqual([[], [], ["."]]);
    const nonAscii = captions.filter((caption) => /[^\p{ASCII}]/u.test(caption));
    expect(nonAscii).toHaveLength(2);
    for (const caption of nonAscii) expect(tokenise(caption).length).toBeGreaterThan(1);
    for (const query of queries) expect(tokenise(joinCaptions(query.captions))).not.toEqual([]);
  });

  it("loads test, which has no targets", () => {
    const test = openFashionIq(published).split("test");
    expect(test.triplets).toHaveLength(0);
    expect(test.untargeted).toHaveLength(2024 + 2038 + 2056);
  });
});
