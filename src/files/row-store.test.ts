import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EnvironmentError } from "../errors.js";
import { RowStore } from "./row-store.js";

const rowBytes = 5;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rows-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const row = (key: string, first: number) => ({
  key,
  bytes: Uint8Array.from({ length: rowBytes }, (_, i) => first + i),
});
const three = [row("a", 10), row("b", 20), row("c", 30)];

const open = () => RowStore.open(folder, { rowBytes });

/** Content of the store's rows `keys`, undefined where it has none. */
async function contentOf(store: RowStore, ...keys: string[]): Promise<(number[] | undefined)[]> {
  return Promise.all(
    keys.map(async (key) => {
      const place = new Uint8Array(rowBytes);
      return (await store.readInto(key, place)) ? [...place] : undefined;
    }),
  );
}

async function writeThree(): Promise<{ rows: string; index: string }> {
  const store = await open();
  await store.append(three.slice(0, 1));
  await store.append(three.slice(1));
  await store.close();
  const path = (suffix: string) => join(folder, readdirSync(folder).find((n) => n.endsWith(suffix)) ?? "");
  return { rows: path(".rows"), index: path(".index") };
}

const [a, b, c] = three.map(({ bytes }) => [...bytes]);

describe("RowStore", () => {
  it("gives rows back by key, at once and after it was opened again", async () => {
    const store = await open();
    expect(store.has("b")).toBe(false);
    await store.append(three);
    expect(await contentOf(store, "c", "a", "b", "d")).toEqual([c, a, b, undefined]);
    await store.close();
    const again = await open();
    expect(again.has("b")).toBe(true);
    expect(await contentOf(again, "c", "a", "b", "d")).toEqual([c, a, b, undefined]);
    await again.close();
  });

  it("keeps the rows of two writers at the same time", async () => {
    const [one, other] = [await open(), await open()];
    await one.append([row("a", 10)]);
    await other.append([row("b", 20), row("a", 10)]);
    await one.append([row("c", 30)]);
    await Promise.all([one.close(), other.close()]);
    const again = await open();
    expect(await contentOf(again, "a", "b", "c")).toEqual([a, b, c]);
    await again.close();
  });

  it("does not give a damaged row, and gives the one that was made anew", async () => {
    const { rows } = await writeThree();
    const bytes = readFileSync(rows);
    bytes[rowBytes + 2] = 255;
    writeFileSync(rows, bytes);
    const store = await open();
    expect(await contentOf(store, "a", "b", "c")).toEqual([a, undefined, c]);
    expect(store.has("b")).toBe(false);
    await store.append([row("b", 20)]);
    expect(await contentOf(store, "b")).toEqual([b]);
    await store.close();
    const again = await open();
    expect(await contentOf(again, "a", "b", "c")).toEqual([a, b, c]);
    await again.close();
  });

  it("lists what a stop left whole: rows up to half a line, bytes up to half a row", async () => {
    const { rows, index } = await writeThree();
    truncateSync(index, readFileSync(index).length - 4);
    const store = await open();
    expect(["a", "b", "c"].map((key) => store.has(key))).toEqual([true, true, false]);
    await store.close();
    truncateSync(rows, rowBytes + 3);
    const again = await open();
    expect(await contentOf(again, "a", "b", "c")).toEqual([a, undefined, undefined]);
    await again.close();
  });

  it("passes over everything from a damaged line on", async () => {
    const { index } = await writeThree();
    const [first, , third] = readFileSync(index, "utf8").split("\n");
    writeFileSync(index, `${first}\n{"key":"b","crc32":\n${third}\n`);
    const store = await open();
    expect(await contentOf(store, "a", "b", "c")).toEqual([a, undefined, undefined]);
    await store.close();
  });

  it("says which folder cannot be used", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    const opening = RowStore.open(join(file, "below"), { rowBytes });
    await expect(opening).rejects.toThrow(EnvironmentError);
    await expect(opening).rejects.toThrow(/file\/below: cannot be read or written; got ENOTDIR/);
  });
});
