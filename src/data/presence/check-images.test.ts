import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkImages } from "./check-images.js";

let root: string;
const dataset = {
  imagesExpectedAt: "images/{id}.jpg",
  imagePath: (id: string) => (id.startsWith("absent") ? undefined : join(root, `${id}.jpg`)),
};

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "check-images-"));
  mkdirSync(root, { recursive: true });
  const noise = { create: { width: 300, height: 400, channels: 3, background: "#a52" } } as const;
  await sharp({ ...noise, create: { ...noise.create, noise: { type: "gaussian", mean: 99, sigma: 30 } } })
    .jpeg()
    .toFile(join(root, "whole.jpg"));
  const bytes = readFileSync(join(root, "whole.jpg"));
  writeFileSync(join(root, "cut.jpg"), bytes.subarray(0, bytes.length / 2));
  writeFileSync(join(root, "page.jpg"), "<!doctype html><p>Not found");
  writeFileSync(join(root, "empty.jpg"), "");
});
afterEach(() => rmSync(root, { recursive: true }));

const ids = ["page", "whole", "absent 1", "cut", "whole", "empty", "absent 2"];

describe("checkImages", () => {
  it("tells missing from broken images, with reasons, in the order given", async () => {
    const seen: number[] = [];
    const problems = await checkImages(dataset, ids, {
      shouldDecode: true,
      parallelCount: 3,
      onProgress: (done) => seen.push(done),
    });
    expect(problems).toEqual([
      { id: "page", state: "broken", reason: expect.stringMatching(/page\.jpg: must be a JPEG.*got HTML/) },
      { id: "absent 1", state: "missing", reason: "no file at images/{id}.jpg" },
      { id: "cut", state: "broken", reason: expect.stringMatching(/cut\.jpg: the image is damaged/) },
      { id: "empty", state: "broken", reason: expect.stringMatching(/empty\.jpg: the file is empty/) },
      { id: "absent 2", state: "missing", reason: "no file at images/{id}.jpg" },
    ]);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it("opens no file when it is only to look for them", async () => {
    const problems = await checkImages(dataset, ids, { shouldDecode: false });
    expect(problems.map(({ id }) => id)).toEqual(["absent 1", "absent 2"]);
    expect(await checkImages(dataset, [], { shouldDecode: true })).toEqual([]);
  });

  it("stops when it is asked to", async () => {
    const controller = new AbortController();
    const checking = checkImages(dataset, ids, {
      shouldDecode: true,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error("enough")),
    });
    await expect(checking).rejects.toThrow("enough");
  });
});
