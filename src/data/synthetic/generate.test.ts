import { mkdir, mkdtemp, readdir, readFile, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateCatalogue } from "./generate.js";

const smallOptions = { seed: 3, itemsPerCategory: 20, triplets: 60, sizePx: 32 };

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sdfn-synthetic-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function json(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, "utf8"));
}

/** Path to content of every file below a folder. */
async function contents(directory: string): Promise<Map<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const pairs = files.sort().map(async (file): Promise<[string, string]> => {
    return [file.slice(directory.length), await readFile(file, "base64")];
  });
  return new Map(await Promise.all(pairs));
}

describe("generateCatalogue", () => {
  it("writes FashionIQ's layout, a table and a manifest", async () => {
    const out = join(root, "layout", "nested");
    const steps: number[] = [];
    const summary = await generateCatalogue(out, smallOptions, { onProgress: (done) => steps.push(done) });
    expect(summary).toMatchObject({ directory: out, isUnchanged: false, imageCount: 135 });
    expect(steps).toEqual(Array.from({ length: 135 }, (_, i) => i + 1));
    expect(await readdir(join(out, "..")), "nothing else is left beside it").toEqual(["nested"]);
    expect((await readdir(out)).sort()).toEqual([
      "captions",
      "catalogue.csv",
      "image_splits",
      "images",
      "synthetic.json",
    ]);

    const images = new Set(await readdir(join(out, "images")));
    const captions = (await json(join(out, "captions", "cap.shirt.val.json"))) as Record<string, unknown>[];
    const ids = (await json(join(out, "image_splits", "split.shirt.val.json"))) as string[];
    expect(ids).toHaveLength(21);
    expect(captions).toHaveLength(15);
    for (const entry of captions) {
      expect(Object.keys(entry)).toEqual(["target", "candidate", "captions", "paraphrases"]);
      expect(entry.captions).toEqual([expect.any(String), expect.any(String)]);
      expect(entry.paraphrases).toEqual(
        Array.from({ length: 3 }, () => [expect.any(String), expect.any(String)]),
      );
      for (const id of [entry.target, entry.candidate]) {
        expect(ids).toContain(id);
        expect(images.has(`${id}.jpg`)).toBe(true);
      }
    }
    const train = (await json(join(out, "captions", "cap.shirt.train.json"))) as Record<string, unknown>[];
    expect(Object.keys(train[0] ?? {})).toEqual(["target", "candidate", "captions"]);
    const test = (await json(join(out, "captions", "cap.dress.test.json"))) as Record<string, unknown>[];
    expect(Object.keys(test[0] ?? {})).toEqual(["candidate", "captions"]);

    const rows = parse(await readFile(join(out, "catalogue.csv"), "utf8"), { columns: true }) as Record<
      string,
      string
    >[];
    expect(rows).toHaveLength(135);
    const shirt = rows.find((row) => row.id === ids[0]);
    expect(shirt).toMatchObject({
      category: "shirt",
      split: "val",
      image: `images/${ids[0]}.jpg`,
      belt: "no",
    });
    expect(shirt?.title).toContain(" shirt with ");
    expect(Number(shirt?.price)).toBeGreaterThan(10);
  });

  it("gives the same bytes for the same options and other bytes for another seed", async () => {
    const [a, b, c] = [join(root, "same-a"), join(root, "same-b"), join(root, "other")];
    await generateCatalogue(a, smallOptions);
    await generateCatalogue(b, smallOptions);
    await generateCatalogue(c, { ...smallOptions, seed: 4 });
    expect(await contents(a)).toEqual(await contents(b));
    expect([...(await contents(c)).keys()]).not.toEqual([...(await contents(a)).keys()]);
  });

  it("leaves a complete catalogue of the same options alone and asks before replacing another", async () => {
    const out = join(root, "again");
    await generateCatalogue(out, smallOptions);
    const before = await contents(out);
    expect((await generateCatalogue(out, smallOptions)).isUnchanged).toBe(true);
    await expect(generateCatalogue(out, { ...smallOptions, seed: 8 })).rejects.toThrow("pass --force");
    expect(await contents(out)).toEqual(before);
    const [lost] = await readdir(join(out, "images"));
    await unlink(join(out, "images", lost ?? ""));
    await expect(generateCatalogue(out, smallOptions)).rejects.toThrow("pictures missing");
    expect((await generateCatalogue(out, smallOptions, { force: true })).isUnchanged).toBe(false);
    expect(await contents(out)).toEqual(before);
  });

  it("never touches a folder or file of anything else, not even when forced", async () => {
    const out = join(root, "mine");
    await mkdir(out);
    await writeFile(join(out, "thesis.txt"), "years of work");
    await expect(generateCatalogue(out, smallOptions, { force: true })).rejects.toMatchObject({
      code: "DATASET_INVALID",
    });
    expect(await readdir(out)).toEqual(["thesis.txt"]);
    await expect(generateCatalogue(join(out, "thesis.txt"), smallOptions)).rejects.toThrow(
      "not a synthetic catalogue",
    );
    await expect(generateCatalogue(join(out, "thesis.txt", "x"), smallOptions)).rejects.toThrow(
      "cannot be written",
    );
  });

  it("leaves nothing behind when it is interrupted, and clears up after a run that was killed", async () => {
    const out = join(root, "stopped", "catalogue");
    const abort = new AbortController();
    const stopped = generateCatalogue(out, smallOptions, {
      signal: abort.signal,
      onProgress: (done) => done === 20 && abort.abort(),
    });
    await expect(stopped).rejects.toThrow(/abort/);
    expect(await readdir(join(root, "stopped"))).toEqual([]);
    await mkdir(`${out}.999999999-0123abcd.partial/images`, { recursive: true });
    await generateCatalogue(out, smallOptions);
    expect(await readdir(join(root, "stopped"))).toEqual(["catalogue"]);
  });

  it("lists every option that is out of range", async () => {
    const wrong = generateCatalogue(join(root, "wrong"), { seed: -1, itemsPerCategory: 5, sizePx: 80.5 });
    await expect(wrong).rejects.toMatchObject({ code: "USAGE" });
    await expect(wrong).rejects.toThrow(/seed: .*got -1\n.*itemsPerCategory: .*got 5\n.*sizePx: .*got 80\.5/);
  });
});
