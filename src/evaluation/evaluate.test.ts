import { mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { imageBatches } from "../data/batches/inference-batches.js";
import { openFashionIq } from "../data/datasets/fashion-iq.js";
import { FixedSplit } from "../data/fixed-split.js";
import type { RetrievalDataset } from "../data/triplet.js";
import type { EmbeddableQuery } from "../embedding/model-embedder.js";
import { DatasetError, ImageError, ShapeError } from "../errors.js";
import { ImageCache } from "../images/image-cache.js";
import type { ImageSource } from "../images/image-source.js";
import { tokenise } from "../text/vocabulary.js";
import type { Embedder } from "./category-task.js";
import { evaluate, scoreSplit } from "./evaluate.js";
import { defaultProtocol, type Protocol } from "./protocols.js";

const sizePx = 3;
const words = ["red", "green", "blue"];

/** Mean colour of an image; a query adds every colour that its text names, the first one twice. */
class MeanColour implements Embedder {
  readonly embedDim = 3;
  readonly #images: ImageSource;

  constructor(images: ImageSource) {
    this.#images = images;
  }

  async embedImages(ids: readonly string[]): Promise<Float32Array> {
    return Float32Array.from((await this.#means(ids)).flatMap(unit));
  }

  async meanPicture(ids: readonly string[]): Promise<Float32Array> {
    const means = await this.#means(ids);
    return Float32Array.from(
      [0, 1, 2].map((c) => means.reduce((sum, mean) => sum + (mean[c] ?? 0), 0) / ids.length),
    );
  }

  async embedQueries(queries: readonly EmbeddableQuery[]): Promise<Float32Array> {
    const means: number[][] = [];
    for (const { reference } of queries) {
      means.push(...(typeof reference === "string" ? await this.#means([reference]) : [[...reference]]));
    }
    return Float32Array.from(
      means.flatMap((mean, i) => {
        const named = tokenise(queries[i]?.text ?? "").filter((word) => words.includes(word));
        const [first] = named;
        return unit(
          mean.map((value, c) => value + [first, ...named].filter((word) => word === words[c]).length),
        );
      }),
    );
  }

  async #means(ids: readonly string[]): Promise<number[][]> {
    const means: number[][] = [];
    for await (const {
      images: { images },
    } of imageBatches(this.#images, ids, { batchSize: 2 })) {
      for (let start = 0; start < images.data.length; start += sizePx * sizePx * 3) {
        means.push([0, 1, 2].map((c) => Number(images.data[start + c] ?? 0) / 255));
      }
    }
    return means;
  }
}

function unit(values: readonly number[]): number[] {
  const length = Math.hypot(...values);
  return values.map((value) => value / length);
}

/** Images by name; the gallery of `original` has three that no query names, one of them yellow again. */
const colours = {
  red: "#f00",
  green: "#0f0",
  blue: "#00f",
  yellow: "#ff0",
  violet: "#f0f",
  lemon: "#ff0",
  orange: "#f80",
  rose: "#f08",
};
const shirtColours = { tea: "#0f0", sea: "#00f", sky: "#0ff" };
let root: string;
let dataset: RetrievalDataset;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "evaluate-"));
  for (const folder of ["captions", "image_splits", "images"]) mkdirSync(join(root, folder));
  for (const [id, background] of Object.entries({ ...colours, ...shirtColours })) {
    await sharp({ create: { width: 4, height: 4, channels: 3, background } }).toFile(
      join(root, "images", `${id}.png`),
    );
  }
  write("captions/cap.dress.val.json", [
    { candidate: "red", target: "yellow", captions: ["more green", "some green"] },
    { candidate: "red", target: "violet", captions: ["more blue", ""] },
    { candidate: "green", target: "yellow", captions: ["red", "blue"] },
    { candidate: "green", target: "green", captions: ["x", "y"] },
  ]);
  write("captions/cap.shirt.val.json", [{ candidate: "tea", target: "sky", captions: ["blue", "blue"] }]);
  write("image_splits/split.dress.val.json", Object.keys(colours));
  write("image_splits/split.shirt.val.json", Object.keys(shirtColours));
  dataset = openFashionIq(root);
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, content: unknown): void {
  writeFileSync(join(root, path), JSON.stringify(content));
}

async function run(protocol: Partial<Protocol> = {}, wordings?: number) {
  const embedder = new MeanColour(new ImageCache((id) => dataset.imagePath(id), { sizePx }));
  return evaluate(dataset, embedder, {
    split: "val",
    protocol: { ...defaultProtocol, ...protocol },
    wordings,
    model: "mean-colour",
    seed: 5,
    commit: "abc",
  });
}

describe("evaluate", () => {
  it("reports recalls by category with protocol, gallery, drops and provenance", async () => {
    expect(await run()).toMatchObject({
      protocol: "val-split",
      reference: "removed",
      captions: "and",
      dataset: "fashioniq",
      split: "val",
      model: "mean-colour",
      seed: 5,
      commit: "abc",
      perCategory: {
        // Gallery red, yellow, violet, green; query embeddings before scaling, cosines by hand:
        // 1. (1, 3, 0), red out: green .95, yellow .89: rank 2.
        // 2. (1, 0, 2), red out: violet .95, yellow .32: rank 1.
        // 3. (2, 1, 1), green out: yellow .87, violet .87, a tie: rank 2.
        // 4. green is asked for and out: never.
        dress: { r1: 25, r10: 75, r50: 75, queries: 4, gallery: 4, unanswerable: 1 },
        shirt: { r1: 100, r10: 100, r50: 100, queries: 1, gallery: 2, unanswerable: 0 },
      },
      mean: { r1: 62.5, r10: 87.5, r50: 87.5, r10r50: 87.5 },
      dropped: {
        images: { dropped: 0, of: 11, broken: 0 },
        triplets: { dropped: 0, of: 5 },
        galleryEntries: { dropped: 0, of: 6 },
      },
    });
  });

  it("asks the picture alone and the words alone, and has recall on what neither answers apart", async () => {
    // Picture alone, cosines: 1. red is as near to yellow as to violet, a tie: rank 2.  2. the same.  3. green is
    // nearest to yellow: rank 1.  4. never.
    // Words alone, with the gallery's mean picture (.75, .5, .25), before scaling: 1. (.75, 3.5, .25): green 3.5,
    // yellow 3.01: rank 2.  2. (.75, .5, 2.25): violet 2.12, yellow .88: rank 1.  3. (2.75, .5, 1.25): violet 2.83,
    // red 2.75, yellow 2.30: rank 3.  4. never.
    // At 1 the queries 1 and 4 are left, at 10 the fourth alone.
    const { shortcuts } = await run();
    expect(shortcuts).toEqual({
      perCategory: {
        dress: {
          picture: { r1: 25, r10: 75, r50: 75 },
          words: { r1: 25, r10: 75, r50: 75 },
          either: { r1: 50, r10: 75, r50: 75 },
          rest: { r1: 0, r10: 0, r50: 0 },
        },
        // The target is alone in its ranking.
        shirt: {
          picture: { r1: 100, r10: 100, r50: 100 },
          words: { r1: 100, r10: 100, r50: 100 },
          either: { r1: 100, r10: 100, r50: 100 },
          rest: { r1: null, r10: null, r50: null },
        },
      },
      mean: {
        picture: { r1: 62.5, r10: 87.5, r50: 87.5 },
        words: { r1: 62.5, r10: 87.5, r50: 87.5 },
        either: { r1: 75, r10: 87.5, r50: 87.5 },
        rest: { r1: 0, r10: 0, r50: 0 },
      },
    });
  });

  it("asks a reference that is not in the gallery by itself", async () => {
    // Without the reference red in the list of images, `original` has no row of it.
    write("image_splits/split.dress.val.json", ["yellow", "violet", "green"]);
    const { shortcuts } = await run({ name: "original" });
    expect(shortcuts?.perCategory.dress?.picture).toEqual({ r1: 25, r10: 75, r50: 75 });
  });

  it("asks each query in its other wordings, those aside that have none", async () => {
    write("captions/cap.dress.val.json", [
      // By hand: 2 as above; then (1, 2, 0), red out: yellow .95, green .89: rank 1.
      {
        candidate: "red",
        target: "yellow",
        captions: ["more green", "some green"],
        paraphrases: [["green", "more"]],
      },
      // 1 as above; then (1, 2, 1): yellow .87, green .82, violet .58: rank 3.
      { candidate: "red", target: "violet", captions: ["more blue", ""], paraphrases: [["green", "blue"]] },
      { candidate: "green", target: "yellow", captions: ["red", "blue"] },
    ]);
    const { paraphrases } = await run();
    const dress = {
      queries: 2,
      of: 3,
      byWording: [
        { r1: 50, r10: 100, r50: 100 },
        { r1: 50, r10: 100, r50: 100 },
      ],
      spread: {
        r1: { mean: 50, deviation: 0 },
        r10: { mean: 100, deviation: 0 },
        r50: { mean: 100, deviation: 0 },
      },
      answered: {
        r1: { all: 0, some: 100, none: 0 },
        r10: { all: 100, some: 0, none: 0 },
        r50: { all: 100, some: 0, none: 0 },
      },
      rankSpread: 1.5,
    };
    expect(paraphrases).toEqual({ wordings: 2, perCategory: { dress }, mean: dress });
    expect(await run({}, 1)).not.toHaveProperty("paraphrases.wordings");
    // Asked one by one, the second query's own wording has one text and its other two: it is passed over.
    expect((await run({ captions: "each" })).paraphrases?.perCategory.dress).toMatchObject({
      queries: 2,
      of: 5,
    });
  });

  it("says so when the data set words each query once", async () => {
    expect((await run()).paraphrases).toBeNull();
  });

  it("ranks against the whole split file under `original`", async () => {
    const { perCategory } = await run({ name: "original" });
    expect(perCategory.dress).toMatchObject({ r1: 25, gallery: 8 });
    expect(perCategory.shirt).toMatchObject({ r1: 0, gallery: 3 });
  });

  it("keeps the reference in the ranking when asked to", async () => {
    const { perCategory } = await run({ reference: "kept" });
    expect(perCategory.dress).toMatchObject({ r1: 50, r10: 100, unanswerable: 0 });
  });

  it("asks swapped captions as a second query", async () => {
    // As before, each asked twice; 3. swapped is (1, 1, 2): violet .87, yellow .58.
    expect((await run({ captions: "swapped" })).perCategory.dress).toMatchObject({ queries: 8, r1: 25 });
  });

  it("asks each caption alone", async () => {
    // 1. (1, 2, 0) twice: yellow .95, green .89.  2. as before, once.  3. (2, 1, 0): yellow .95;
    // (0, 1, 2): violet .63, yellow .32.  4. never, twice.
    const { dress } = (await run({ captions: "each" })).perCategory;
    expect(dress?.queries).toBe(7);
    expect(dress?.r1).toBeCloseTo(400 / 7, 12);
  });

  it("drops what needs a missing image, keeps the rest of the gallery, and counts", async () => {
    unlinkSync(join(root, "images", "violet.png"));
    const { perCategory, dropped } = await run();
    expect(perCategory.dress).toMatchObject({ queries: 3, gallery: 3 });
    expect(dropped).toEqual({
      images: { dropped: 1, of: 11, broken: 0 },
      triplets: { dropped: 1, of: 5 },
      galleryEntries: { dropped: 1, of: 6 },
    });
  });

  it("leaves a category without queries out of the mean", async () => {
    unlinkSync(join(root, "images", "tea.png"));
    const { perCategory, mean } = await run();
    expect(Object.keys(perCategory)).toEqual(["dress"]);
    expect(mean.r10).toBe(75);
  });

  it("names a damaged image", async () => {
    writeFileSync(join(root, "images", "yellow.png"), "<html>");
    await expect(run()).rejects.toThrow(ImageError);
  });

  it("refuses a split without targets and a target outside the gallery", async () => {
    write("image_splits/split.dress.val.json", ["red", "green"]);
    await expect(run({ name: "original" })).rejects.toThrow(
      "dress: the target is not in the gallery of 2 images; got yellow; add it",
    );
    for (const file of ["cap.dress", "cap.shirt"]) write(`captions/${file}.val.json`, []);
    await expect(run()).rejects.toThrow(/val split: there is no query with a target; got 0 without/);
  });
});

describe("scoreSplit", () => {
  it("counts any of a triplet's hits", async () => {
    const triplet = { reference: "red", captions: ["green"], target: "blue", category: "all" };
    const images = new Map([["all", Object.keys(colours)]]);
    const embedder = new MeanColour(new ImageCache((id) => dataset.imagePath(id), { sizePx }));
    const protocol = { ...defaultProtocol, name: "original" } as const;
    const score = async (hits: readonly string[]) => {
      const split = new FixedSplit({ name: "test", triplets: [{ ...triplet, hits }], images });
      return (await scoreSplit(split, embedder, { protocol })).mean.r1;
    };
    expect(await score(["blue"])).toBe(0);
    expect(await score(["blue", "green"])).toBe(0);
    expect(await score(["blue", "yellow", "lemon"])).toBe(100);
  });

  it("refuses an embedder that gives too few embeddings", async () => {
    const short: Embedder = {
      embedDim: 2,
      meanPicture: async () => new Float32Array(2),
      embedImages: async () => new Float32Array(2),
      embedQueries: async () => new Float32Array(2),
    };
    const scoring = scoreSplit(dataset.split("val"), short, { protocol: defaultProtocol });
    await expect(scoring).rejects.toThrow(ShapeError);
    await expect(scoring).rejects.toThrow("embedImages: needs 4 embeddings of 2 numbers; got length 2");
    await expect(scoring).rejects.not.toThrow(DatasetError);
  });
});
