import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { manyItems } from "../../../tests/fixtures/retrieval-items.js";
import { localStores, testedStores } from "../../../tests/fixtures/tested-stores.js";
import { StoreError } from "../../errors.js";
import { storeFolder } from "./local-store.js";
import { claimWriter, defaultStore, openStore, storeKindNames } from "./store-kinds.js";
import type { VectorStore } from "./vector-store.js";

const embedDim = 5;
const items = manyItems(20, { embedDim });
const ids = (count: number) =>
  items
    .slice(0, count)
    .map(({ id }) => id)
    .sort();
let folder: string;
let opened: VectorStore[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "store-kinds-"));
  opened = [];
});
afterEach(async () => {
  for (const store of opened) await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function idsIn(store: VectorStore): Promise<string[]> {
  const found: string[] = [];
  for await (const part of store.ids()) found.push(...part);
  return found.sort();
}

it("are all tested", () => {
  expect(testedStores.map(({ kind }) => kind)).toEqual(storeKindNames);
  expect(storeKindNames).toContain(defaultStore.kind);
});

describe.each(testedStores)("a store of kind $kind", (settings) => {
  const open = async (access: "read" | "write" | "create") => {
    const store = await openStore(settings, { folder, embedDim, access });
    opened.push(store);
    return store;
  };

  it("has one writer, and a next one when it was given free", async () => {
    const giveFree = await claimWriter(settings, folder);
    await expect(claimWriter(settings, folder)).rejects.toThrow(/another process writes to this index/);
    await giveFree();
    await (await claimWriter(settings, folder))();
  });

  it("has what was written when it is opened again", async () => {
    const writer = await open("create");
    await writer.upsert(items.slice(0, 10));
    await writer.delete([items[9]?.id ?? ""]);
    await writer.close();
    opened.pop();
    const again = await open("write");
    expect(await idsIn(again)).toEqual(ids(9));
    await again.upsert(items);
    expect(await idsIn(again)).toEqual(ids(20));
    expect((await again.get([items[3]?.id ?? ""])).get(items[3]?.id ?? "")).toEqual(items[3]);
  });

  it("is read by another handle as soon as a write is acknowledged, and written by none", async () => {
    const writer = await open("create");
    const reader = await open("read");
    await writer.upsert(items.slice(0, 10));
    expect(await reader.count()).toBe(10);
    await writer.delete([items[0]?.id ?? ""]);
    expect(await reader.count()).toBe(9);
    await expect(reader.upsert(items)).rejects.toThrow(/opened for reading/);
    await expect(reader.delete(ids(20))).rejects.toThrow(/opened for reading/);
    expect(await reader.count()).toBe(9);
  });

  it("is empty where it is made, whatever was left there", async () => {
    await (await open("create")).upsert(items);
    expect(await (await open("create")).count()).toBe(0);
  });

  it("is not made unless asked to", async () => {
    for (const access of ["read", "write"] as const) {
      await expect(open(access)).rejects.toThrow(/there is no store .*make the index/);
    }
  });

  it("has no damaged files when it was just written", async () => {
    const store = await open("create");
    await store.upsert(items);
    expect(await store.damagedFiles()).toEqual([]);
    await store.optimise({ isRebuilt: true });
    expect(await store.damagedFiles()).toEqual([]);
  });

  it.skipIf(process.getuid?.() !== 0 || !localStores.includes(settings))(
    "does not have what it refused, now or when it is opened again",
    async () => {
      const writer = await open("create");
      await writer.upsert(items.slice(0, 3));
      for (const name of ["", ...readdirSync(folder, { recursive: true, encoding: "utf8" })]) {
        chmodSync(join(folder, name), 0o755);
      }
      process.seteuid?.(65534);
      try {
        await expect(writer.upsert(items.slice(3, 6))).rejects.toThrow(StoreError);
        await expect(writer.delete(ids(3))).rejects.toThrow(StoreError);
      } finally {
        process.seteuid?.(0);
      }
      expect(await idsIn(writer)).toEqual(ids(3));
      await opened.pop()?.close();
      expect(await idsIn(await open("write"))).toEqual(ids(3));
    },
  );

  it("writes overlapping calls in their order", async () => {
    const store = await open("create");
    const [first] = ids(1);
    await Promise.all([store.upsert(items), store.delete(ids(20)), store.upsert(items.slice(0, 1))]);
    expect(await idsIn(store)).toEqual([first]);
  });
});

describe("openStore", () => {
  it("says which kinds there are for one that it does not know", async () => {
    for (const kind of ["postgres", "constructor", ""]) {
      const opening = openStore({ kind }, { folder, embedDim, access: "read" });
      await expect(opening).rejects.toThrow(StoreError);
      await expect(opening).rejects.toThrow(
        `${folder}: this program does not know the kind of store that the index has; got ${JSON.stringify(kind)}, ` +
          `known are ${storeKindNames.join(", ")}; use the version of sdfn that made the index`,
      );
      await expect(claimWriter({ kind }, folder)).rejects.toThrow(/does not know the kind/);
    }
  });

  it("refuses settings that the kind does not have", async () => {
    const opening = openStore({ kind: "lance", region: "eu" }, { folder, embedDim, access: "create" });
    await expect(opening).rejects.toThrow(/what the index says of its store is wrong; got .*region/);
    expect(existsSync(storeFolder(folder))).toBe(false);
  });
});

describe("the exact store's file", () => {
  const exact = { kind: "exact" };
  const file = () => join(storeFolder(folder), "items.jsonl");
  const create = async () => {
    const store = await openStore(exact, { folder, embedDim, access: "create" });
    opened.push(store);
    await store.upsert(items);
    return store;
  };

  it("is noticed when any byte of it changes: at once by a check, and where it is opened", async () => {
    const store = await create();
    const sound = readFileSync(file());
    for (const at of [0, 12, sound.indexOf("\n"), sound.indexOf("\n") + 20, sound.length - 1]) {
      const bytes = Buffer.from(sound);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      writeFileSync(file(), bytes);
      expect(await store.damagedFiles(), `byte ${at}`).toEqual(["items.jsonl"]);
      await expect(openStore(exact, { folder, embedDim, access: "read" })).rejects.toThrow(
        /items\.jsonl: is not as it was written; got another checksum; restore it/,
      );
    }
    for (const cut of [0, 1, sound.length - 1]) {
      writeFileSync(file(), sound.subarray(0, cut));
      await expect(openStore(exact, { folder, embedDim, access: "write" })).rejects.toThrow(/as it was/);
    }
    writeFileSync(file(), sound);
    opened.push(await openStore(exact, { folder, embedDim, access: "read" }));
  });

  it("has vectors of the index's width", async () => {
    await create();
    await expect(openStore(exact, { folder, embedDim: 4, access: "read" })).rejects.toThrow(
      /got vectors of 5 numbers/,
    );
  });

  it("is not made anew by a write when it was removed, and not overwritten when it was replaced", async () => {
    const store = await create();
    rmSync(file());
    await expect(store.upsert(items)).rejects.toThrow(/removed or replaced; got no file/);
    writeFileSync(file(), "another's");
    await expect(store.delete(ids(3))).rejects.toThrow(/removed or replaced; got another file/);
    expect(readFileSync(file(), "utf8")).toBe("another's");
  });
});
