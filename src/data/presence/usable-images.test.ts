import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ImageThread } from "../../images/image-thread.js";
import { FixedSplit } from "../fixed-split.js";
import type { RetrievalDataset } from "../triplet.js";
import { availableSplit, describeDrops } from "./missing-images.js";
import { trainingImages, withoutBroken } from "./usable-images.js";

let folder: string;
let images: ImageThread;
const ids = Array.from({ length: 150 }, (_, i) => `i${i}`);
const broken = ["i3", "i70", "i149"];
const missing = "i8";
const triplet = (reference: string, target: string) => ({
  reference,
  target,
  captions: ["x"],
  category: "all",
});
const triplets = [triplet("i0", "i1"), triplet("i3", "i4"), triplet("i5", "i8"), triplet("i70", "i8")];
const split = new FixedSplit({ name: "train", triplets, images: new Map([["all", ids]]) });

const pathOf = (id: string) => (id === missing ? undefined : join(folder, `${id}.jpg`));
const dataset = (): RetrievalDataset => ({
  name: "test",
  root: folder,
  categories: ["all"],
  imagesExpectedAt: join(folder, "{id}.jpg"),
  split: () => split,
  imagePath: pathOf,
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "usable-"));
  const noise = { type: "gaussian", mean: 128, sigma: 40 } as const;
  const whole = await sharp({ create: { width: 40, height: 40, channels: 3, background: "#888", noise } })
    .jpeg()
    .toBuffer();
  for (const id of ids) if (id !== missing) writeFileSync(join(folder, `${id}.jpg`), whole);
  writeFileSync(join(folder, "i3.jpg"), "<!doctype html><html>gone</html>");
  writeFileSync(join(folder, "i70.jpg"), whole.subarray(0, whole.length / 2));
  writeFileSync(join(folder, "i149.jpg"), "");
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  images = new ImageThread(pathOf, { sizePx: 8 });
});
afterEach(() => images.close());

describe("withoutBroken", () => {
  it("finds every broken image, wherever it stands in the list, and takes its path away", async () => {
    const progress: string[] = [];
    const usable = await withoutBroken(dataset(), images, {
      ids: [...ids, "i0"],
      onProgress: (done, total) => progress.push(`${done}/${total}`),
    });
    expect([...(usable.broken ?? [])].map(([id, reason]) => [id, reason.replace(folder, "")])).toEqual([
      ["i3", expect.stringContaining("/i3.jpg: must be a JPEG, PNG or WebP image; got HTML")],
      ["i70", expect.stringContaining("/i70.jpg: the image is damaged")],
      ["i149", expect.stringContaining("/i149.jpg: the file is empty")],
    ]);
    expect(ids.filter((id) => usable.imagePath(id) === undefined)).toEqual(["i3", missing, "i70", "i149"]);
    expect(progress).toEqual(["64/149", "128/149", "149/149"]);
    expect((await images.statistics()).decoded).toBe(149 - broken.length);
  });

  it("has splits lose what needs a broken image as if it were missing, and counts both", async () => {
    const {
      split: left,
      dropped,
      unusable,
    } = availableSplit(await withoutBroken(dataset(), images, { ids }), "train");
    expect(left.triplets.map(({ reference }) => reference)).toEqual(["i0"]);
    expect(dropped).toEqual({
      images: { dropped: 4, of: 150, broken: 3 },
      triplets: { dropped: 3, of: 4 },
      galleryEntries: { dropped: 4, of: 150 },
    });
    expect(describeDrops(dropped)).toBe(
      "missing or broken images: dropped 4 of 150 images (3 broken), 3 of 4 triplets, 4 of 150 gallery entries",
    );
    expect(unusable.map(({ id, state }) => `${id} ${state}`).sort()).toEqual([
      "i149 broken",
      "i3 broken",
      "i70 broken",
      "i8 missing",
    ]);
  });

  it("looks at nothing that is not asked for", async () => {
    const usable = await withoutBroken(dataset(), images, { ids: trainingImages(split) });
    expect([...(usable.broken?.keys() ?? [])]).toEqual(["i3", "i70"]);
    expect((await images.statistics()).decoded).toBe(4);
  });

  it("says so when every image is broken", async () => {
    const few = new FixedSplit({ name: "train", triplets: [triplet("i3", "i70")], images: new Map() });
    const usable = await withoutBroken({ ...dataset(), split: () => few }, images, { ids: broken });
    expect(() => availableSplit(usable, "train")).toThrow(
      /no image of the train split was found that can be decoded, 2 are broken; got 0 of 2; put the files at/,
    );
  });

  it("stops when it is asked to", async () => {
    const controller = new AbortController();
    const progress: number[] = [];
    const checking = withoutBroken(dataset(), images, {
      ids,
      signal: controller.signal,
      onProgress(done) {
        progress.push(done);
        controller.abort(new Error("stopped"));
      },
    });
    await expect(checking).rejects.toThrow("stopped");
    expect(progress).toEqual([64]);
  });
});

describe("trainingImages", () => {
  it("are those of the triplets, or all of a split whose pairs are drawn", () => {
    expect([...trainingImages(split)].sort()).toEqual(["i0", "i1", "i3", "i4", "i5", "i70", "i8"]);
    const drawn = new FixedSplit({ name: "train", triplets: [], images: new Map([["all", ids]]) });
    expect(trainingImages(drawn).size).toBe(150);
  });
});
