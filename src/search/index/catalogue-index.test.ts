import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { localStores, testedStores } from "../../../tests/fixtures/tested-stores.js";
import { StoreError, UsageError } from "../../errors.js";
import type { StoreSettings } from "../store/store-kind.js";
import type { CatalogueEntry } from "./catalogue-entry.js";
import { CatalogueIndex, type IndexedItem } from "./catalogue-index.js";

const model = { modelId: "m".repeat(32), model: "sdfn", embedDim: 3 };
let root: string;
let folder: string;
/** Which the indexes of a test have. */
let store: StoreSettings;
/** Indexes that are closed after a test, whatever is left of them. */
let opened: CatalogueIndex[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "index-"));
  folder = join(root, "index");
  opened = [];
});
afterEach(async () => {
  for (const index of opened) await index.close().catch(() => undefined);
  rmSync(root, { recursive: true, force: true });
});

const kept = (index: CatalogueIndex) => {
  opened.push(index);
  return index;
};
const create = async (of = model) =>
  kept(await CatalogueIndex.openOrCreate(folder, of, async () => undefined, { store }));
const reading = async () => kept(await CatalogueIndex.open(folder, { access: "read" }));

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

function item(
  id: string,
  { text = id, category = "dress", image }: { text?: string; category?: string; image?: string } = {},
) {
  const original = Buffer.from(text);
  const entry: CatalogueEntry = {
    id,
    category,
    attributes: {},
    picture: sha256(original),
    image,
  };
  return { entry, embedding: new Float32Array([1, 0, 0]), thumbnail: Buffer.from(`small ${text}`), original };
}

/** Files below a folder of the index. */
const filesIn = (name: string) =>
  existsSync(join(folder, name))
    ? readdirSync(join(folder, name), { recursive: true, withFileTypes: true }).filter((found) =>
        found.isFile(),
      )
    : [];

describe.each(testedStores)("CatalogueIndex with a store of kind $kind", (settings) => {
  beforeEach(() => {
    store = settings;
  });

  it("keeps the originals that it is given, and finds an item's best picture", async () => {
    const index = await create();
    const [uploaded, listed, small] = [item("a"), item("b", { image: "b.jpg" }), item("c")];
    await index.put([uploaded, listed, { ...small, original: undefined } satisfies IndexedItem]);
    const file = async (entry: CatalogueEntry) => (await index.pictureFile(entry)) ?? "";
    expect(readFileSync(await file(uploaded.entry), "utf8")).toBe("a");
    expect(readFileSync(await file(listed.entry), "utf8")).toBe("b");
    expect(readFileSync(await file(small.entry), "utf8")).toBe("small c");
    writeFileSync(join(root, "b.jpg"), "b");
    await index.setImageRoot(root);
    expect(await file(listed.entry)).toBe(join(root, "b.jpg"));
    expect(await index.pictureFile(item("d").entry)).toBeUndefined();
    const reader = await reading();
    expect(readFileSync((await reader.pictureFile(uploaded.entry)) ?? "", "utf8")).toBe("a");
  });

  it("shows no file outside it but the one that was indexed, unless its folder is named", async () => {
    const index = await create();
    const strangers = item("s", { image: "secret.jpg" });
    const leading = item("l", { image: "../up.jpg" });
    const linked = item("k", { image: "link.jpg" });
    await index.put([strangers, leading, linked]);
    const [shop, other] = [join(root, "shop"), join(root, "other")];
    for (const made of [shop, other]) mkdirSync(made);
    writeFileSync(join(shop, "secret.jpg"), "the operator's own");
    writeFileSync(join(root, "up.jpg"), "above");
    writeFileSync(join(other, "aim.jpg"), "linked to");
    symlinkSync(join(other, "aim.jpg"), join(shop, "link.jpg"));
    await index.setImageRoot(shop);
    for (const { entry } of [strangers, leading, linked]) {
      expect(await index.pictureFile(entry)).toMatch(/index.pictures/);
    }
    await index.close();
    const named = kept(await CatalogueIndex.open(folder, { access: "read", images: shop }));
    expect(await named.pictureFile(strangers.entry)).toBe(join(shop, "secret.jpg"));
    for (const { entry } of [leading, linked]) {
      expect(await named.pictureFile(entry)).toMatch(/index.pictures/);
    }
  });

  it("refuses an original that is another file than the item names, and keeps nothing of it", async () => {
    const index = await create();
    const wrong = { ...item("a"), original: Buffer.from("another") };
    await expect(index.put([item("b"), wrong])).rejects.toThrow(UsageError);
    expect(await index.store.count()).toBe(0);
    expect([...filesIn("pictures"), ...filesIn("thumbnails")]).toEqual([]);
  });

  it("removes pictures that no item has when it takes stock, and no others", async () => {
    const index = await create();
    await index.put([
      item("a"),
      item("b", { text: "one picture" }),
      item("c", { text: "one picture" }),
      item("d"),
    ]);
    await index.put([item("a", { text: "a new one" })]);
    await index.delete(["b", "d"]);
    writeFileSync(join(folder, "pictures", sha256(Buffer.from("d")).slice(0, 2), "left.partial"), "half");
    await index.takeStock();
    for (const text of ["a new one", "one picture"]) {
      const { entry } = item("x", { text });
      expect(readFileSync((await index.pictureFile(entry)) ?? "", "utf8")).toBe(text);
      expect(index.hasThumbnail(entry)).toBe(true);
    }
    expect([filesIn("pictures").length, filesIn("thumbnails").length]).toEqual([2, 2]);
  });

  it("takes stock between writes, which lose nothing by it", async () => {
    const index = await create();
    const ids = Array.from({ length: 30 }, (_, i) => `item ${i}`);
    await Promise.all(ids.flatMap((id) => [index.put([item(id)]), index.takeStock()]));
    expect(index.manifest.contents.items).toBe(30);
    for (const id of ids) expect(await index.pictureFile(item(id).entry)).toMatch(/pictures/);
  });

  it("shows a reader what was counted since it opened", async () => {
    const index = await create();
    const reader = await reading();
    await index.put([item("a"), item("b", { category: "shirt" })]);
    await index.takeStock();
    expect(reader.manifest.contents.items).toBe(0);
    await reader.refresh();
    expect(reader.manifest).toEqual(index.manifest);
    expect(reader.manifest.contents.categories.map(({ value }) => value)).toEqual(["dress", "shirt"]);
    const before = reader.manifest;
    await reader.refresh();
    expect(reader.manifest).toBe(before); // not read again
    await index.refresh();
    expect(index.manifest).toEqual(before);
  });

  it("writes nothing when it was opened for reading", async () => {
    await (await create()).put([item("a")]);
    const reader = await reading();
    const writes = [
      () => reader.put([item("b")]),
      () => reader.delete(["a"]),
      () => reader.setImageRoot(root),
      () => reader.takeStock(),
      () => reader.finish(),
    ];
    for (const write of writes) await expect(write()).rejects.toThrow(/opened for reading/);
    expect(filesIn("pictures")).toHaveLength(1);
    expect(await reader.store.count()).toBe(1);
  });
});

const everyRead = (index: CatalogueIndex): Readonly<Record<string, () => Promise<unknown>>> => ({
  get: () => index.get("a"),
  list: () => index.list(),
  count: () => index.store.count({ kind: "category", anyOf: ["dress"] }),
  query: () => index.store.query({ vector: new Float32Array([1, 0, 0]), limit: 3 }),
  summaries: async () => {
    for await (const _ of index.summaries());
  },
  items: async () => {
    for await (const _ of index.store.items());
  },
  refresh: () => index.refresh(),
});

const everyWrite = (index: CatalogueIndex): Readonly<Record<string, () => Promise<unknown>>> => ({
  put: () => index.put([item("b")]),
  delete: () => index.delete(["a"]),
  setImageRoot: () => index.setImageRoot("/elsewhere"),
  takeStock: () => index.takeStock(),
  finish: () => index.finish(),
  upsert: () => index.store.upsert([]).then(() => index.store.delete(["a"])),
  optimise: () => index.store.optimise(),
});

describe.each(localStores)("an index with a store of kind $kind whose folder goes away", (settings) => {
  beforeEach(() => {
    store = settings;
  });

  for (const way of ["removed", "moved"] as const) {
    it(`${way}: every call says so, and the folder is not made anew`, async () => {
      const writer = await create();
      await writer.put([item("a")]);
      const reader = await reading();
      if (way === "removed") rmSync(folder, { recursive: true });
      else renameSync(folder, join(root, "elsewhere"));
      for (const index of [reader, writer]) {
        for (const [name, call] of Object.entries(everyRead(index))) {
          await expect(call(), name).rejects.toThrow(StoreError);
        }
        expect(await index.pictureFile(item("a").entry)).toBeUndefined();
        expect(await index.thumbnail(item("a").entry)).toBeUndefined();
      }
      for (const [name, call] of Object.entries(everyWrite(writer))) {
        await expect(call(), name).rejects.toThrow(StoreError);
      }
      expect(existsSync(folder)).toBe(false);
    });
  }

  it("does not write into what was put in its place", async () => {
    const first = await create();
    await first.put([item("a")]);
    cpSync(folder, join(root, "copy"), { recursive: true });
    rmSync(folder, { recursive: true });
    renameSync(join(root, "copy"), folder);
    await expect(first.put([item("b")])).rejects.toThrow(/removed or replaced; got another file/);
    const reader = await reading();
    expect(await reader.store.count()).toBe(1);
    rmSync(folder, { recursive: true });
    await create({ ...model, modelId: "n".repeat(32) });
    await expect(reader.refresh()).rejects.toThrow(/replaced by another model's/);
  });
});

const nobody = 65534;

const isRoot = process.getuid?.() === 0;

describe.skipIf(!isRoot).each(localStores)(
  "an index with $kind whose folder may not be written",
  (settings) => {
    beforeEach(() => {
      store = settings;
    });
    afterEach(() => process.seteuid?.(0));

    it("refuses writes and continues with reads", async () => {
      const index = await create();
      await index.put([item("a")]);
      for (const name of ["", ...readdirSync(root, { recursive: true, encoding: "utf8" })]) {
        chmodSync(join(root, name), 0o755);
      }
      process.seteuid?.(nobody);
      const { optimise: _, ...writes } = everyWrite(index); // which has nothing to do here
      for (const [name, call] of Object.entries(writes)) {
        await expect(call(), name).rejects.toThrow(StoreError);
      }
      for (const call of Object.values(everyRead(index))) await call();
      process.seteuid?.(0);
      await index.put([item("c")]);
      expect((await index.list()).entries.map(({ id }) => id)).toEqual(["a", "c"]);
    });
  },
);

describe("an index says which store it has", () => {
  const written = () => JSON.parse(readFileSync(join(folder, "index.json"), "utf8"));
  const rewrite = (value: object) => writeFileSync(join(folder, "index.json"), JSON.stringify(value));
  beforeEach(() => {
    store = { kind: "exact" };
  });

  it("by a number that programs of before refuse, unless it is the store that they had", async () => {
    await (await create()).close();
    expect(written()).toMatchObject({ format: 2, store: { kind: "exact" } });
    rmSync(folder, { recursive: true });
    store = { kind: "lance" };
    const index = await create();
    await index.put([item("a")]);
    await index.takeStock();
    expect(written().format).toBe(1);
    expect(Object.keys(written())).not.toContain("store");
    expect((await reading()).manifest).toEqual(index.manifest);
    expect(index.manifest.store).toEqual({ kind: "lance" });
  });

  it("and another one asked for is refused", async () => {
    const index = await create();
    await index.put([item("a")]);
    await index.close();
    store = { kind: "lance" };
    await expect(create()).rejects.toThrow(
      /another store than the one asked for; got {"kind":"lance"} for an index with {"kind":"exact"}/,
    );
    const again = kept(await CatalogueIndex.openOrCreate(folder, model, async () => undefined));
    expect(await again.get("a")).toBeDefined();
  });

  it("and a kind or a format of later versions is refused, with what to do", async () => {
    await (await create()).close();
    const { store: _, ...rest } = written();
    rewrite({ ...rest, store: { kind: "postgres", address: "postgres://db/shop" } });
    for (const access of ["read", "write"] as const) {
      await expect(CatalogueIndex.open(folder, { access })).rejects.toThrow(
        /does not know the kind of store .*; got "postgres", known are .*lance.*; use the version/,
      );
    }
    await expect(create()).rejects.toThrow(/does not know the kind of store/);
    rewrite({ ...rest, format: 3 });
    await expect(reading()).rejects.toThrow(
      /the index has format 3, this program reads 1 and 2; use the version/,
    );
    rewrite(rest);
    await expect(reading()).rejects.toThrow(/index.json: is damaged; got .*store/s);
  });
});
