import { createHash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DiskCache, describeDiskTrouble } from "./disk-cache.js";

const length = 100;
/** Of an entry's file: header and content. */
const fileBytes = 44 + length;
const day = 24 * 3600;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disk-cache-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const keyOf = (name: number) => createHash("sha256").update(String(name)).digest("hex");
const contentOf = (name: number) => new Uint8Array(length).fill(name);
const fileOf = (name: number) => join(folder, keyOf(name).slice(0, 2), `${keyOf(name).slice(2)}.rgb`);
const files = () =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());

async function fill(cache: DiskCache, names: readonly number[]): Promise<void> {
  for (const name of names) await cache.write(keyOf(name), contentOf(name));
}

/** Names whose entries are there and whole. */
async function present(cache: DiskCache, names: readonly number[]): Promise<number[]> {
  const found = await Promise.all(names.map((name) => cache.read(keyOf(name), length)));
  return names.filter((_, i) => found[i] !== undefined);
}

/** As if an entry was last used so long ago. */
function age(name: number, seconds: number): void {
  const then = Date.now() / 1000 - seconds;
  utimesSync(fileOf(name), then, then);
}

describe("DiskCache", () => {
  it("gives back what was written, to another process too, and nothing for another key or length", async () => {
    await fill(new DiskCache({ folder }), [7]);
    const cache = new DiskCache({ folder });
    expect([...((await cache.read(keyOf(7), length)) ?? [])]).toEqual(Array(length).fill(7));
    expect(await cache.read(keyOf(8), length)).toBeUndefined();
    expect([await cache.has(keyOf(7), length), await cache.has(keyOf(8), length)]).toEqual([true, false]);
    expect(await cache.has(keyOf(7), length + 1)).toBe(false);
    expect(cache.statistics.damaged).toBe(0);
  });

  it.each([
    ["a changed pixel", (bytes: Buffer) => bytes.fill(9, 60, 61)],
    ["a changed checksum", (bytes: Buffer) => bytes.fill(bytes[41] === 0 ? 1 : 0, 41, 42)],
    ["a missing end", (bytes: Buffer) => bytes.subarray(0, -1)],
    ["zeros, as after a power cut", (bytes: Buffer) => bytes.fill(0)],
    ["nothing", () => Buffer.alloc(0)],
    ["another key's entry", () => readFileSync(fileOf(2))],
  ])("finds %s, removes the entry and takes a new one", async (_, damage) => {
    const cache = new DiskCache({ folder });
    await fill(cache, [1, 2]);
    writeFileSync(fileOf(1), damage(readFileSync(fileOf(1))));
    expect(await present(cache, [1, 2])).toEqual([2]);
    expect(cache.statistics.damaged).toBe(1);
    expect(files()).toHaveLength(1);
    await fill(cache, [1]);
    expect(await present(cache, [1, 2])).toEqual([1, 2]);
  });

  it("stops at its bound while everything in it is in use", async () => {
    const cache = new DiskCache({ folder, maxBytes: 5 * fileBytes });
    await fill(cache, [1, 2, 3, 4, 5, 6, 7]);
    expect(await present(cache, [1, 2, 3, 4, 5, 6, 7])).toEqual([1, 2, 3, 4, 5]);
    expect(cache.statistics).toMatchObject({ written: 5, refused: 2, failure: undefined });
    expect(describeDiskTrouble(cache.statistics)).toBe(
      "image cache: 2 images are not kept on disk; it is full; allow it more with --image-cache-gb",
    );
    const later = new DiskCache({ folder, maxBytes: 5 * fileBytes });
    await fill(later, [8]);
    expect(files()).toHaveLength(5);
  });

  it("lets what was not used for a day make room, the oldest first, and reading counts as use", async () => {
    const options = { folder, maxBytes: 5 * fileBytes };
    await fill(new DiskCache(options), [1, 2, 3, 4, 5]);
    for (const [name, days] of [
      [1, 3],
      [2, 4],
      [3, 2],
      [4, 5],
    ] as const)
      age(name, days * day);
    const cache = new DiskCache(options);
    expect(await present(cache, [4])).toEqual([4]);
    await fill(cache, [6]);
    expect(await present(cache, [1, 2, 3, 4, 5, 6])).toEqual([1, 3, 4, 5, 6]);
  });

  it("leaves nothing half written and removes what stopped processes left, after an hour", async () => {
    const shelf = join(folder, "ab");
    mkdirSync(shelf);
    for (const name of ["old", "new"]) writeFileSync(join(shelf, `${name}.rgb.1.partial`), "half");
    const then = Date.now() / 1000 - 2 * 3600;
    utimesSync(join(shelf, "old.rgb.1.partial"), then, then);
    await fill(new DiskCache({ folder }), [1]);
    expect(files().map(({ name }) => name)).toContain("new.rgb.1.partial");
    expect(files()).toHaveLength(2);
  });

  it("survives several writers of the same entries", async () => {
    const names = Array.from({ length: 20 }, (_, i) => i);
    const caches = [1, 2, 3].map(() => new DiskCache({ folder }));
    await Promise.all(caches.map((cache) => fill(cache, names)));
    expect(await present(new DiskCache({ folder }), names)).toEqual(names);
    expect(files()).toHaveLength(names.length);
    expect(caches.map(({ statistics }) => statistics.failure)).toEqual([undefined, undefined, undefined]);
  });

  it("continues without the disk when that takes nothing, and says why", async () => {
    const file = join(folder, "no-folder");
    writeFileSync(file, "");
    const cache = new DiskCache({ folder: file });
    await fill(cache, [1, 2]);
    expect(await present(cache, [1])).toEqual([]);
    expect(cache.statistics).toMatchObject({ written: 0, refused: 2 });
    expect(cache.statistics.failure).toMatch(/ENOTDIR|EEXIST/);
    expect(describeDiskTrouble(cache.statistics)).toMatch(
      /^image cache: 2 images are not kept on disk; got E.*; choose another folder with --image-cache, or "off"$/,
    );
  });
});
