/** `sdfn index` over the life of a catalogue, and what can go wrong with its folder. */
import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CatalogueIndex } from "../../src/search/index/catalogue-index.js";
import { isCompiled } from "../fixtures/compiled.js";
import { idOf, openShop, rowsOf, type Shop, sdfn, sdfnJson, sdfnProcess, trainAnother } from "./shop.js";

let shop: Shop;
let otherRun: string;
let out: string;
/** A copy of the shop's catalogue that a test may change, with its pictures. */
let data: string;
let catalogue: string;
let rows: string[];

beforeAll(async () => {
  shop = await openShop();
  otherRun = await trainAnother(shop);
});
afterAll(() => rmSync(shop.root, { recursive: true, force: true }));
beforeEach(() => {
  [out, data] = [join(shop.root, "index"), join(shop.root, "changing")];
  cpSync(shop.data, data, { recursive: true });
  catalogue = join(data, "catalogue.csv");
  rows = rowsOf(catalogue);
});
afterEach(() => {
  for (const folder of [out, data]) rmSync(folder, { recursive: true, force: true });
});

const index = (...more: string[]) =>
  sdfnJson("index", "--run", shop.run, "--catalogue", catalogue, "--out", out, ...more);
const write = (lines: readonly string[]) => writeFileSync(catalogue, `${lines.join("\n")}\n`);

async function reading<T>(use: (opened: CatalogueIndex) => Promise<T>): Promise<T> {
  const opened = await CatalogueIndex.open(out, { access: "read" });
  try {
    return await use(opened);
  } finally {
    await opened.close();
  }
}

describe("sdfn index", () => {
  it("indexes a catalogue, and does nothing twice", async () => {
    const count = rows.length - 1;
    expect(await index()).toMatchObject({
      rows: count,
      added: count,
      updated: 0,
      unchanged: 0,
      errors: 0,
      notes: 0,
      errorFile: null,
    });
    const again = { rows: count, added: 0, updated: 0, unchanged: count };
    expect(await index()).toMatchObject(again);
    // The index has its own copy of the model.
    expect(await sdfnJson("index", "--catalogue", catalogue, "--out", out)).toMatchObject(again);
    await reading(async (opened) => {
      const { contents, model, embedDim } = opened.manifest;
      expect({ model, embedDim }).toEqual({ model: "sdfn", embedDim: 16 });
      expect(contents.items).toBe(count);
      expect(contents.categories.map(({ value }) => value).sort()).toEqual(["dress", "shirt", "toptee"]);
      expect(contents.attributes.map(({ name }) => name)).toContain("colour");
      const found = await opened.get(idOf(rows[1]));
      expect(found?.entry).toMatchObject({ id: idOf(rows[1]), category: rows[1]?.split(",")[2] });
      expect(Math.hypot(...(found?.embedding ?? []))).toBeCloseTo(1, 5);
      const thumbnail = found && (await opened.thumbnail(found.entry));
      expect(
        Buffer.from(thumbnail ?? [])
          .subarray(8, 12)
          .toString(),
      ).toBe("WEBP");
    });
  });

  it("embeds changed rows and pictures, keeps what is missing, and removes it when asked", async () => {
    await index();
    const [header = "", first = "", second = "", third = "", ...others] = rows;
    cpSync(join(data, third.split(",")[1] ?? ""), join(data, second.split(",")[1] ?? ""));
    write([header, first.replace(/,train,|,val,/, ",changed,"), second, ...others]);
    expect(await index()).toMatchObject({ updated: 2, added: 0, unchanged: others.length, deleted: 0 });
    expect(await reading((opened) => opened.store.count())).toBe(rows.length - 1);
    expect(await index("--delete-missing")).toMatchObject({
      updated: 0,
      unchanged: others.length + 2,
      deleted: 1,
    });
    await reading(async (opened) => {
      expect(await opened.get(idOf(third))).toBeUndefined();
      // Its picture is also the second's: that thumbnail stays, the second's old one goes.
      const pictures = new Set<string>();
      for await (const part of opened.summaries()) {
        for (const { details } of part) pictures.add(JSON.parse(details).picture);
      }
      const kept = readdirSync(join(out, "thumbnails"), { recursive: true, encoding: "utf8" }).filter(
        (name) => name.endsWith(".webp"),
      );
      expect(kept.map((name) => name.replace(/\W|webp$/g, "")).sort()).toEqual([...pictures].sort());
    });
    expect(
      await sdfnJson("index", "delete", "--out", out, "--ids", idOf(first), "x' OR '1'='1", "../.."),
    ).toMatchObject({
      deleted: 1,
      items: rows.length - 3,
    });
  });

  it("lists wrong rows and pictures in a file and continues; their items stay as they were", async () => {
    await index();
    const [header = "", a = "", b = "", c = "", d = "", ...others] = rows;
    writeFileSync(join(data, b.split(",")[1] ?? ""), "<html>no picture</html>");
    const withPrice = a.replace(/,(\d+\.\d\d),/, ",cheap,");
    const lost = c.replace(/images\/\w+\.jpg/, "images/lost.jpg");
    const far = d.replace(/images\/\w+\.jpg/, "https://shop.example/d.jpg");
    write([header, withPrice, b, lost, far, "too,short", "../up,images/x.jpg,dress", ...others]);
    const report = await index("--delete-missing");
    expect(report).toMatchObject({ errors: 5, refusedValues: 1, unchanged: others.length });
    expect(report).toMatchObject({
      added: 0,
      updated: 1,
      deleted: 0,
      unknownIds: { count: 2, rows: [6, 7] },
    });
    const errors = readFileSync(report.errorFile, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(errors.map(({ row, id }) => [row, id]).sort(([x], [y]) => x - y)).toEqual([
      [2, idOf(a)],
      [3, idOf(b)],
      [4, idOf(c)],
      [5, idOf(d)],
      [6, undefined],
      [7, undefined],
    ]);
    expect(errors.find(({ row }) => row === 2)).toEqual({
      row: 2,
      id: idOf(a),
      kind: "value",
      column: "price",
      reason: expect.stringMatching(/^must be a plain number .*; got "cheap"$/),
    });
    expect(errors.find(({ row }) => row === 3)).toMatchObject({
      kind: "row",
      column: "image",
      reason: expect.stringMatching(/must be a JPEG/),
    });
    expect(await reading((opened) => opened.get(idOf(a)))).not.toHaveProperty("entry.price");
    write(rows.toSpliced(2, 1));
    expect(await index()).toMatchObject({ errors: 0, updated: 1, unchanged: rows.length - 3 });
    expect(existsSync(join(out, "errors.jsonl"))).toBe(false);
  });

  it("deletes nothing while a row's id is not known, and says which rows", async () => {
    await index();
    const [header = "", first = "", second = "", third = "", ...others] = rows;
    const args = ["index", "--catalogue", catalogue, "--out", out, "--delete-missing"];
    const items = () => reading((opened) => opened.store.count());
    for (const broken of [
      third.replace(/,/, ',"'), // the id of a row whose quotes are wrong
      `${third},too,many`,
      third.replace(/^/, "/"),
      third.replace(/^/, "\uFFFD"),
    ]) {
      write([header, first, broken, ...others]);
      const run = await sdfn(...args);
      expect(run).toMatchObject({
        code: 0,
        output: expect.stringContaining(
          "--delete-missing: nothing was deleted, because the id of row 3 is not known",
        ),
      });
      expect(await items()).toBe(rows.length - 1);
    }
    write([header, first, second, ...others]);
    expect((await sdfn(...args)).output).not.toContain("nothing was deleted");
    expect(await items()).toBe(rows.length - 2);
  });

  it("ends with 1 and deletes nothing where no row can be used", async () => {
    await index();
    write(["id,image,category", "new,images/none.jpg,dress"]);
    const run = await sdfn("index", "--catalogue", catalogue, "--out", out, "--delete-missing");
    expect(run).toMatchObject({ code: 1, output: expect.stringContaining("1 refused") });
    expect(run.output).toContain("--delete-missing: nothing was deleted");
    expect(run.errors).toMatch(/catalogue\.csv: no row could be used; .*errors\.jsonl says why/);
    expect(await reading((opened) => opened.store.count())).toBe(rows.length - 1);
    const refused = await sdfn("index", "--catalogue", catalogue, "--out", out, "--ignore-columns", "a,ID");
    expect(refused).toMatchObject({
      code: 2,
      errors: expect.stringMatching(/must leave id, image and category/),
    });
  });

  it("finds pictures by any spelling, follows links out only when told to, and notes long texts", async () => {
    const picture = join(data, rows[1]?.split(",")[1] ?? "");
    const elsewhere = join(shop.root, "elsewhere.jpg");
    cpSync(picture, elsewhere);
    cpSync(picture, join(data, "Blu\u0308te.jpg"));
    symlinkSync(elsewhere, join(data, "link.jpg"));
    const text = `"long\n${"x".repeat(300)}"`;
    write(["id,image,category,text,more", `A,Blüte.jpg,d,${text},${text}`, `B,link.jpg,d,${text},`]);
    const refused = await index();
    expect(refused).toMatchObject({ rows: 2, added: 1, errors: 1, refusedValues: 0, notes: 2 });
    const listed = readFileSync(refused.errorFile, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(listed).toEqual([
      { row: 3, id: "B", kind: "row", column: "image", reason: expect.stringContaining("--allow-links") },
      { row: 2, kind: "note", column: "text", reason: expect.stringMatching(/^2 texts/) },
      { row: 2, kind: "note", column: "more", reason: expect.stringMatching(/^1 text of more than 256/) },
    ]);
    expect(await index("--allow-links", "--ignore-columns", "Text, more")).toMatchObject({
      added: 1,
      updated: 1,
      notes: 0,
    });
    const entry = await reading(async (opened) => (await opened.get("A"))?.entry);
    expect(entry).toMatchObject({ image: "Blu\u0308te.jpg", attributes: {} });
  });

  it("is not blocked by any table: after each, a good one goes into the same index", async () => {
    const image = rows[1]?.split(",")[1];
    const line = (fields: Readonly<Record<string, unknown>>) =>
      `${JSON.stringify({ image, category: "dress", ...fields })}\n`;
    const ids = [
      "A\ud83d",
      "\ude00A",
      "\uFEFFA",
      "A\uFEFF",
      "A\uFFFD",
      "A\u0300\u0301",
      "\u0300",
      "__proto__",
      "constructor",
    ];
    ids.push(
      "Mu\u0308tze",
      "M\u00fctze",
      "\u212B",
      "\u00C5",
      "\u2028",
      "x'",
      "\u0000",
      "😀",
      "a".repeat(200),
    );
    for (const text of [
      ids.map((id) => line({ id })).join(""),
      ids
        .map((id, i) => line({ id: `B${i}`, title: id, category: `c${id}`, [id]: id, list: [id, id] }))
        .join(""),
      "\u0000".repeat(1000),
      '"',
    ]) {
      const nasty = join(data, "nasty.jsonl");
      writeFileSync(nasty, text);
      const into = ["index", "--run", shop.run, "--out", out, "--catalogue"];
      const first = await sdfn(...into, nasty);
      expect([0, 1], first.errors).toContain(first.code);
      expect(first.errors).not.toContain("INTERNAL");
      const second = await sdfn(...into, nasty, "--json");
      if (second.code === 0) expect(JSON.parse(second.output)).toMatchObject({ added: 0, updated: 0 });
      expect(await sdfn(...into, catalogue)).toMatchObject({ code: 0 });
      await reading(async (opened) => {
        const { entries } = await opened.list({ limit: 1000 });
        expect(
          entries.filter((entry) => /\p{Surrogate}/u.test(JSON.parse(JSON.stringify(entry.id)))),
        ).toEqual([]);
        expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length);
        for (const { id } of entries) expect((await opened.get(id))?.entry.id).toBe(id);
      });
    }
  });

  it("indexes a JPEG that lacks only its end, and lists it with a note", async () => {
    const image = rows[1]?.split(",")[1] ?? "";
    const file = join(data, image);
    writeFileSync(file, readFileSync(file).subarray(0, -2));
    const count = rows.length - 1;
    const report = await index();
    expect(report).toMatchObject({ added: count, errors: 0, notes: 1 });
    expect(JSON.parse(readFileSync(report.errorFile, "utf8"))).toEqual({
      row: 2,
      id: idOf(rows[1]),
      kind: "note",
      column: "image",
      reason: `${image}: the file ends early; its end marker is missing, and every pixel was read`,
    });
    // For people; the picture is read again as the row is another one.
    write(rows.map((line, i) => (i === 1 ? line.replace(/,train,|,val,/, ",changed,") : line)));
    expect(await sdfn("index", "--catalogue", catalogue, "--out", out)).toMatchObject({
      code: 0,
      output: expect.stringMatching(/ 1 note\nlisted in .*errors\.jsonl\n/),
    });
  });

  it("reads JSON lines, ids that look like SQL, and several values", async () => {
    const id = `o'Neil"; DROP TABLE items; --`;
    const image = rows[1]?.split(",")[1];
    catalogue = join(data, "items.jsonl");
    write([
      JSON.stringify({
        id,
        image,
        category: "d'ress",
        colour: ["Red", "blue"],
        price: 5,
        "sle'eves": "long",
      }),
    ]);
    expect(await index()).toMatchObject({ added: 1, errors: 0 });
    const found = await sdfnJson(
      "search",
      "--index",
      out,
      "--text",
      "red",
      "--filter",
      "sle'eves=LONG",
      "--filter",
      "colour=blue",
      "--category",
      "d'ress",
    );
    expect(found.items).toMatchObject([{ id, attributes: { colour: ["Red", "blue"] } }]);
    expect(
      (await sdfnJson("search", "--index", out, "--text", "red", "--filter", "colour!=red")).items,
    ).toEqual([]);
    expect(await sdfnJson("index", "delete", "--out", out, "--ids", id)).toMatchObject({
      deleted: 1,
      items: 0,
    });
  });

  it("refuses another model, another version, and folders that are no index", async () => {
    await index();
    const other = await sdfn("index", "--run", otherRun, "--catalogue", catalogue, "--out", out);
    expect(other).toMatchObject({
      code: 1,
      errors: expect.stringMatching(/^INDEX_INVALID: .*another model/),
    });
    const file = join(out, "index.json");
    const manifest = readFileSync(file, "utf8");
    for (const [text, message] of [
      [
        manifest.replace('"format": 1', '"format": 3'),
        /has format 3, this program reads 1 and 2; use the version/,
      ],
      ["{", /is not JSON/],
      [manifest.replace('"embedDim": 16', '"embedDim": "wide"'), /is damaged; got .*embedDim/s],
    ] as const) {
      writeFileSync(file, text);
      for (const args of [
        ["search", "--index", out, "--text", "red"],
        ["index", "check", out],
        ["index", "--run", shop.run, "--catalogue", catalogue, "--out", out],
      ]) {
        expect(await sdfn(...args)).toMatchObject({ code: 1, errors: expect.stringMatching(message) });
      }
    }
    for (const folder of [data, join(shop.root, "nowhere")]) {
      expect(await sdfn("search", "--index", folder, "--text", "red")).toMatchObject({
        code: 1,
        errors: expect.stringMatching(/there is no index in this folder/),
      });
    }
    writeFileSync(file, manifest);
    rmSync(join(out, "store"), { recursive: true });
    expect(await sdfn("index", "--run", shop.run, "--catalogue", catalogue, "--out", out)).toMatchObject({
      code: 1,
      errors: expect.stringMatching(/there is no store in this folder/),
    });
    const foreign = await sdfn("index", "--run", shop.run, "--catalogue", catalogue, "--out", data);
    expect(foreign).toMatchObject({
      code: 2,
      errors: expect.stringMatching(/must be an index, or a new or empty folder/),
    });
  });

  it("fails clearly when the folder goes away while it is open", async () => {
    await index();
    await reading(async (opened) => {
      const vector = (await opened.get(idOf(rows[1])))?.embedding ?? new Float32Array();
      rmSync(out, { recursive: true });
      await expect(opened.store.query({ vector, limit: 1 })).rejects.toThrow(
        /store failed; got .*check that the folder/,
      );
    });
  });
});

describe.skipIf(!isCompiled)("sdfn index as a process", () => {
  const args = () => ["index", "--run", shop.run, "--catalogue", catalogue, "--out", out, "--json"];

  it("killed in the middle, again and again, serves whole items and continues", async () => {
    let kept = 0;
    let kills = 0;
    for (let round = 0; round < 20; round += 1) {
      let polled: Promise<void> = Promise.resolve();
      const ended = await sdfnProcess([...args(), "--batch", "2"], {
        started: (child) => {
          const aim = kept + 25;
          const poll = async () => {
            while (child.exitCode === null && child.signalCode === null) {
              const count = existsSync(join(out, "index.json"))
                ? await reading((opened) => opened.store.count())
                : 0;
              if (count >= aim) child.kill("SIGKILL");
              await new Promise((later) => setTimeout(later, 5));
            }
          };
          polled = poll();
        },
      });
      await polled;
      if (ended.code === 0) {
        const report = JSON.parse(ended.output);
        expect(report.unchanged).toBeGreaterThanOrEqual(kept);
        break;
      }
      expect(ended.errors).toBe("");
      kills += 1;
      await reading(async (opened) => {
        const count = await opened.store.count();
        expect(count).toBeGreaterThanOrEqual(kept);
        kept = count;
        for await (const part of opened.store.items()) {
          for (const { id, details, vector } of part) {
            expect(Math.hypot(...vector)).toBeCloseTo(1, 4);
            const entry = { id, ...JSON.parse(details) };
            expect(await opened.thumbnail(entry), id).toBeDefined();
          }
        }
      });
    }
    expect(kills).toBeGreaterThan(2);
    expect(await index()).toMatchObject({ unchanged: rows.length - 1, added: 0, updated: 0 });
  });

  it("is refused while another process writes, and searches continue meanwhile", async () => {
    await index();
    const writer = await CatalogueIndex.open(out, { access: "write" });
    try {
      const second = await sdfnProcess(args());
      expect(second).toMatchObject({
        code: 1,
        errors: expect.stringMatching(
          /^INDEX_INVALID: .*another process writes to this index; got process \d+/,
        ),
      });
      const search = await sdfnProcess(["search", "--index", out, "--text", "red", "--json"]);
      expect(JSON.parse(search.output).items).toHaveLength(10);
    } finally {
      await writer.close();
    }
    expect((await sdfnProcess(args())).code).toBe(0);
  });

  it.skipIf(process.getuid?.() !== 0)("is searched but not written by a user who may only read", async () => {
    await index();
    // LanceDB makes files that only their owner may read.
    for (const name of ["", ...readdirSync(shop.root, { recursive: true, encoding: "utf8" })]) {
      chmodSync(join(shop.root, name), 0o755);
    }
    const uid = 65534;
    const search = await sdfnProcess(["search", "--index", out, "--text", "red", "--json"], { uid });
    expect(search.code, search.errors).toBe(0);
    expect(JSON.parse(search.output).items).toHaveLength(10);
    const written = await sdfnProcess(args(), { uid });
    expect(written).toMatchObject({
      code: 1,
      errors: expect.stringMatching(/INDEX_INVALID: .*the index cannot be written; got EACCES/),
    });
  });

  it("stops at Ctrl-C with 130, and continues from there", async () => {
    const ended = await sdfnProcess([...args(), "--batch", "2"], {
      started: (child) => {
        const timer = setInterval(() => {
          if (!existsSync(join(out, "index.json"))) return;
          clearInterval(timer);
          child.kill("SIGINT");
        }, 5);
      },
    });
    expect(ended).toMatchObject({
      code: 130,
      errors: expect.stringContaining("the same command continues from here"),
    });
    const report = await index();
    expect(report.added + report.unchanged).toBe(rows.length - 1);
  });
});
