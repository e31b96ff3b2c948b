import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { inParallel } from "./in-parallel.js";
import { fileSize, storeFile } from "./store.js";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "sdfn-store-"));
});
afterEach(() => rm(root, { recursive: true }));

describe("storeFile", () => {
  it("makes folders, replaces what was there, and leaves nothing beside it", async () => {
    const path = join(root, "a", "b.jpg");
    await storeFile(path, "old");
    await storeFile(path, Buffer.from("new"));
    expect(await readFile(path, "utf8")).toBe("new");
    expect(await readdir(join(root, "a"))).toEqual(["b.jpg"]);
    expect(await fileSize(path)).toBe(3);
  });

  it("says what the system refused, and cleans up", async () => {
    await writeFile(join(root, "file"), "");
    await expect(storeFile(join(root, "file", "x.jpg"), "x")).rejects.toMatchObject({ code: "FETCH_FAILED" });
    await mkdir(join(root, "folder.jpg", "inside"), { recursive: true });
    await expect(storeFile(join(root, "folder.jpg"), "x")).rejects.toThrow("cannot be written or read");
    expect((await readdir(root)).sort()).toEqual(["file", "folder.jpg"]);
  });
});

describe("fileSize", () => {
  it("knows no file from an empty one, and takes no folder for a file", async () => {
    expect(await fileSize(join(root, "none"))).toBeUndefined();
    await writeFile(join(root, "empty"), "");
    expect(await fileSize(join(root, "empty"))).toBe(0);
    await expect(fileSize(root)).rejects.toThrow("must be a file");
  });
});

describe("inParallel", () => {
  it("does everything once, some at a time", async () => {
    const done: number[] = [];
    let [current, most] = [0, 0];
    await inParallel([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      current += 1;
      most = Math.max(most, current);
      await new Promise((resolve) => setTimeout(resolve, 5));
      current -= 1;
      done.push(item);
    });
    expect(done.sort()).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(most).toBe(3);
  });

  it("begins nothing after a failure, and waits for what is under way", async () => {
    const ended: number[] = [];
    const work = inParallel([1, 2, 3, 4], 2, async (item) => {
      if (item === 1) throw new Error("first");
      await new Promise((resolve) => setTimeout(resolve, 10));
      ended.push(item);
    });
    await expect(work).rejects.toThrow("first");
    expect(ended).toEqual([2]);
  });

  it("ends at once where there is nothing to do", async () => {
    await expect(inParallel([], 4, async () => expect.unreachable())).resolves.toBeUndefined();
  });
});
