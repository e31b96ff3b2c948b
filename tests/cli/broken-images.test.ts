/** Training, evaluation and search on a folder where some images are deleted, cut off, or web pages. */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runProgram } from "../../src/cli/run-program.js";
import { openFashionIq } from "../../src/data/datasets/fashion-iq.js";
import { imagesOf } from "../../src/data/presence/missing-images.js";
import { recordingContext } from "./recording-context.js";

let root: string;
let data: string;
let runDir: string;
let cache: string;
/** By split: an image that is deleted, one that is cut off, one that is a web page; all three are used by triplets. */
const spoiled = new Map<string, { deleted: string; cut: string; page: string }>();

const fields = [
  "backbone=resnet18",
  "backboneWidth=0.125",
  "embedDim=16",
  "wordDim=8",
  "heads=2",
  "imagePx=32",
  "resizePx=40",
  "batchSize=8",
  "epochs=1",
  "maxWords=12",
  "holdOut=0",
];

async function run(...args: string[]) {
  const context = recordingContext();
  const code = await runProgram(args, context);
  expect(code, context.errors()).toBe(0);
  return { output: context.output(), errors: context.errors() };
}

const train = (out: string, imageCache: string) =>
  run("train", "--data", data, "--out", out, "--set", ...fields, "--image-cache", imageCache);

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "sdfn-broken-"));
  [data, runDir, cache] = [join(root, "data"), join(root, "run"), join(root, "cache")];
  await run("data", "synthetic", "--out", data, "--items", "20", "--triplets", "90", "--size", "48");
  const dataset = openFashionIq(data);
  for (const name of ["train", "val"] as const) {
    const ids = [...new Set(dataset.split(name).triplets.map(({ target }) => target))];
    const [deleted = "", cut = "", page = ""] = ids.slice(2);
    spoiled.set(name, { deleted, cut, page });
    const [toDelete = "", toCut = "", toReplace = ""] = [deleted, cut, page].map(
      (id) => dataset.imagePath(id) ?? "",
    );
    unlinkSync(toDelete);
    truncateSync(toCut, 300);
    writeFileSync(toReplace, "<!doctype html><html><body>404</body></html>");
  }
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** What the spoiled images take with them, counted from the annotations. */
function expectedDrops(name: "train" | "val") {
  const split = openFashionIq(data).split(name);
  const gone = new Set(Object.values(spoiled.get(name) ?? {}));
  const needed = split.triplets.filter(({ reference, target }) => gone.has(reference) || gone.has(target));
  return {
    images: { dropped: 3, of: imagesOf(split).size, broken: 2 },
    triplets: { dropped: needed.length, of: split.triplets.length },
  };
}

describe("a data set with missing and broken images", () => {
  it("is trained on without them; the log counts them and the run folder lists them with reasons", async () => {
    const { errors } = await train(runDir, cache);
    const { images, triplets } = expectedDrops("train");
    expect(triplets.dropped).toBeGreaterThan(2);
    expect(errors).toContain(
      `missing or broken images: dropped 3 of ${images.of} images (2 broken), ` +
        `${triplets.dropped} of ${triplets.of} triplets, 3 of ${images.of} gallery entries; see dropped-images.jsonl`,
    );
    const lines = readFileSync(join(runDir, "dropped-images.jsonl"), "utf8").trimEnd().split("\n");
    const { deleted, cut, page } = spoiled.get("train") ?? {};
    const listed = new Map(lines.map((line) => JSON.parse(line)).map((entry) => [entry.id, entry]));
    expect(listed.size).toBe(3);
    expect(listed.get(deleted)).toMatchObject({
      state: "missing",
      reason: expect.stringContaining("no file at"),
    });
    expect(listed.get(cut)).toMatchObject({ state: "broken", reason: expect.stringContaining("damaged") });
    expect(listed.get(page)).toMatchObject({
      state: "broken",
      reason: expect.stringContaining("got HTML"),
    });
  });

  it("is evaluated without them, and the counts stand beside the result", async () => {
    const args = ["evaluate", "--run", runDir, "--data", data, "--image-cache", cache];
    const { dropped, perCategory } = JSON.parse((await run(...args, "--json")).output);
    const { images, triplets } = expectedDrops("val");
    expect(dropped).toMatchObject({ images, triplets, galleryEntries: { dropped: 3 } });
    const queries = Object.values<{ queries: number }>(perCategory).map((category) => category.queries);
    expect(queries.reduce((sum, count) => sum + count)).toBe(triplets.of - triplets.dropped);
    expect((await run(...args)).output).toContain(`dropped 3 of ${images.of} images (2 broken)`);
  });

  it("is searched without them", async () => {
    const reference = openFashionIq(data).split("val").triplets[0]?.reference ?? "";
    const args = [
      "search",
      "--run",
      runDir,
      "--data",
      data,
      "--image",
      reference,
      "--text",
      "is red",
      "-k",
      "1000",
    ];
    const { items, gallery, dropped } = JSON.parse((await run(...args, "--json")).output);
    const { images } = expectedDrops("val");
    expect(dropped).toEqual(images);
    expect(gallery).toBe(images.of - 3);
    const found: string[] = items.map(({ id }: { id: string }) => id);
    for (const id of Object.values(spoiled.get("val") ?? {})) expect(found).not.toContain(id);
    expect((await run(...args)).errors).toContain(`(3 of ${images.of} left out, 2 broken)`);
  });

  it("gives the same parameters from the disk cache, from a spoiled one, and without one", async () => {
    const entries = readdirSync(cache, { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".rgb"),
    );
    expect(entries.length).toBeGreaterThan(20);
    const parameters = readFileSync(join(runDir, "parameters.safetensors"));
    for (const name of ["warm", "spoiled", "off"]) {
      if (name === "spoiled")
        for (const entry of entries.slice(0, 10)) writeFileSync(join(cache, entry), "dust");
      const out = join(root, name);
      await train(out, name === "off" ? "off" : cache);
      expect(readFileSync(join(out, "parameters.safetensors")).equals(parameters), name).toBe(true);
    }
    expect(existsSync(join(root, "warm", "dropped-images.jsonl"))).toBe(true);
  });

  it("says when images cannot be kept on disk, and continues", async () => {
    const file = join(root, "no-folder");
    writeFileSync(file, "");
    const { errors } = await train(join(root, "read-only"), file);
    expect(errors).toMatch(/image cache: \d+ images are not kept on disk; got .*no-folder/);
  });
});
