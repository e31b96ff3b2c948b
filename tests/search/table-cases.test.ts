/** Tables that users of other shop systems met: each case of `../shared/cases`, where that folder is there. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { exportBundle } from "../../src/bundle/export-bundle.js";
import type { CatalogueEntry } from "../../src/search/index/catalogue-entry.js";
import { CatalogueIndex } from "../../src/search/index/catalogue-index.js";
import { untrainedRun } from "../bundle/untrained-run.js";
import { project } from "../fixtures/compiled.js";
import { sdfn } from "./shop.js";

const cases = join(project, "..", "shared", "cases");
const areThere = existsSync(cases);
if (!areThere) console.warn(`tests/search/table-cases.test.ts is skipped: there is no ${cases}`);

let root: string;
let bundle: string;
let out: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "sdfn-cases-"));
  bundle = join(root, "bundle");
  exportBundle(untrainedRun(), bundle);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
beforeEach(() => {
  out = mkdtempSync(join(root, "index-"));
});

interface Listed {
  readonly row: number;
  readonly id?: string;
  readonly kind: "row" | "value" | "note";
  readonly column?: string;
  readonly reason: string;
}

/** Indexes a table by the command and tells what became of it. */
async function index(file: string, ...more: string[]) {
  const args = ["index", "--bundle", bundle, "--catalogue", file, "--out", out, "--json", ...more];
  const { code, output, errors } = await sdfn(...args);
  const errorFile = join(out, "errors.jsonl");
  const listed: Listed[] = existsSync(errorFile)
    ? readFileSync(errorFile, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line))
    : [];
  const entries = new Map<string, CatalogueEntry>();
  if (existsSync(join(out, "index.json"))) {
    const opened = await CatalogueIndex.open(out, { access: "read" });
    for (const entry of (await opened.list({ limit: 100 })).entries) entries.set(entry.id, entry);
    await opened.close();
  }
  return { code, output, errors, listed, entries, ids: [...entries.keys()].sort() };
}

const ofCase = (name: string, file = "catalogue.csv") => join(cases, name, file);
const rowsOf = (listed: readonly Listed[], kind: Listed["kind"]) =>
  listed.filter((line) => line.kind === kind).map(({ row }) => row);

describe.skipIf(!areThere)("the case", () => {
  it("p01: inch marks in cells", async () => {
    const { code, ids, listed, entries } = await index(ofCase("p01-inch"));
    expect({ code, ids }).toEqual({ code: 0, ids: ["T1", "T2", "T3", "T4", "T5"] });
    expect(entries.get("T3")?.title).toBe('5" heel wedge');
    expect(listed).toMatchObject([{ row: 7, kind: "row", reason: expect.stringMatching(/quote.*line 7/) }]);
  });

  it("p01b: a quote that is opened and never closed", async () => {
    const { code, ids, listed } = await index(ofCase("p01b-openquote"));
    expect({ code, ids }).toEqual({ code: 0, ids: ["T1", "T3", "T4", "T5"] });
    expect(listed).toMatchObject([{ row: 3, kind: "row", reason: expect.stringMatching(/quote.*line 3/) }]);
  });

  it.each(["p02-mixed-crlf-header", "p02c-mixed-last-lf"])("%s: line ends of two kinds", async (name) => {
    const { code, ids, listed, entries } = await index(ofCase(name));
    expect({ code, ids, listed }).toEqual({ code: 0, ids: ["T1", "T2", "T3"], listed: [] });
    expect(entries.get("T3")?.title).toBe("Three");
  });

  it("p03: numbers above 2^53", async () => {
    const { code, ids, entries } = await index(ofCase("p03-bigint", "catalogue.jsonl"));
    expect(code).toBe(0);
    expect(ids).toEqual(["1e21", "2916334247900527532", "2916334247900527533", "7400000000000000001"]);
    expect(entries.get("7400000000000000001")?.attributes).toEqual({
      gtin: ["4006381333931"],
      sku: ["12345678901234567891"],
    });
  });

  it("p05: long text of several lines, and an export as it is", async () => {
    const { code, ids, listed, entries } = await index(ofCase("p05-shopify"));
    expect({ code, ids }).toEqual({ code: 0, ids: ["SD-L", "SD-M", "SD-S"] });
    expect(entries.get("SD-S")?.attributes.description?.[0]).toMatch(/^<p>Soft.*\n<ul>.*<\/ul>$/s);
    expect(listed).toMatchObject([{ row: 2, kind: "note", column: "description" }]);
    const without = await index(ofCase("p05-shopify"), "--ignore-columns", "description,tags");
    expect(without.listed).toEqual([]);
    expect(without.entries.get("SD-S")?.attributes).toEqual({});
    const raw = await index(ofCase("p05-shopify", "products_export.csv"));
    expect(raw.code).toBe(1);
    expect(raw.errors).toMatch(/Handle looks like the id/);
    expect(raw.errors).toMatch(/Image Src looks like the image/);
    expect(raw.errors).toMatch(/Product Category looks like the category/);
  });

  it("p06: prices in other words, and floats", async () => {
    const { code, listed, entries } = await index(ofCase("p06-prices"));
    expect(code).toBe(0);
    expect(Object.fromEntries([...entries].map(([id, { price }]) => [id, price]))).toEqual({
      R0: undefined,
      R1: undefined,
      R2: undefined,
      R3: undefined,
      R4: 19.99,
      R5: undefined,
      R6: 0.99,
      R7: 0,
    });
    expect(listed.map(({ kind, id, column }) => [kind, id, column])).toEqual(
      ["R0", "R1", "R2", "R3", "R5"].map((id) => ["value", id, "price"]),
    );
    const floats = await index(ofCase("p06-prices", "float.jsonl"));
    expect(["F1", "F2", "F3"].map((id) => floats.entries.get(id)?.price)).toEqual([30, 0.3, 59.97]);
    expect(floats.listed).toEqual([]);
  });

  it("p07: composed and decomposed names and ids", async () => {
    const { code, ids, listed } = await index(ofCase("p07-nfd"));
    expect({ code, ids, listed }).toEqual({ code: 0, ids: ["N1", "N2"], listed: [] });
    const two = await index(ofCase("p07-nfd", "ids.csv"));
    expect(two.ids).toEqual(["Mütze", "N1", "N2"]);
    expect(two.listed).toMatchObject([
      {
        row: 3,
        id: "Mütze",
        kind: "row",
        column: "id",
        reason: expect.stringMatching(/must be unique; row 2/),
      },
    ]);
  });

  it("p10: pictures of phones; the table names those that cannot be read", async () => {
    const { code, ids, listed } = await index(ofCase("p10-phone"));
    expect(code).toBe(0);
    const refused = listed.filter(({ kind }) => kind === "row").map(({ id }) => id ?? "");
    expect(ids.length + refused.length).toBe(12);
    expect(refused.filter((id) => !["heic-jpg", "leadingnl-jpg", "noeoi-jpg"].includes(id))).toEqual([]);
  });

  it("p11: line breaks in names of columns", async () => {
    const { entries } = await index(ofCase("p11-header-newline"));
    expect(entries.get("H1")?.attributes).toEqual({ "Regular price": ["168"], "main colour": ["red"] });
  });

  it("p12: lists, null and nested values", async () => {
    const { code, listed, entries } = await index(ofCase("p12-lists", "catalogue.jsonl"));
    expect(code).toBe(0);
    expect(Object.fromEntries([...entries].map(([id, { attributes }]) => [id, attributes]))).toEqual({
      L1: { sizes: ["36", "38", "40"] },
      L2: {},
      L3: { colour: ["red"] },
      L4: { colour: ["red", "blue"], in_stock: ["yes"] },
    });
    expect(listed).toMatchObject([{ row: 2, id: "L2", kind: "value", column: "dimensions" }]);
  });

  it("p13: names that JavaScript has plans with", async () => {
    const { code, ids, listed, entries } = await index(ofCase("p13-proto"));
    expect({ code, ids }).toEqual({ code: 0, ids: ["P1", "P2", "__proto__"] });
    expect(Object.entries(entries.get("P1")?.attributes ?? {})).toEqual([
      ["constructor", ["c1"]],
      ["toString", ["t1"]],
      ["hasOwnProperty", ["h1"]],
      ["colour", ["red"]],
    ]);
    expect(listed.map(({ row, kind, column }) => [row, kind, column])).toEqual(
      [2, 3, 4].map((row) => [row, "value", "__proto__"]),
    );
    const lines = await index(ofCase("p13-proto", "c.jsonl"));
    expect(lines.listed.map(({ id, kind, column }) => [id, kind, column])).toEqual(
      ["J1", "J2"].map((id) => [id, "value", "__proto__"]),
    );
  });

  it.each(["cr.csv", "semicolon.csv", "sep.csv", "tab.tsv", "utf16be.csv", "utf16le.csv", "utf16nobom.csv"])(
    "p14: %s is read",
    async (file) => {
      const { code, listed, entries } = await index(ofCase("p14-utf16", file));
      expect({ code, listed }).toEqual({ code: 0, listed: [] });
      expect([...entries.values()].map(({ title }) => title)).toEqual(["Blüte", "Straße"]);
    },
  );

  it.each(["array.jsonl", "bomjsonl.jsonl"])("p14: %s is read", async (file) => {
    const { code, ids, listed } = await index(ofCase("p14-utf16", file));
    expect({ code, ids, listed }).toEqual({ code: 0, ids: ["B1", "B2"], listed: [] });
  });

  it.each([
    ["latin1.csv", ["U1", "U2"], "title", /UTF-8.*Latin-1/],
    ["latin1.jsonl", ["B1", "B2"], "title", /UTF-8.*Latin-1/],
    ["nul.csv", ["U1", "U2"], "title", /control characters/],
    ["dupkey.jsonl", ["B1"], "colour", /occurs twice/],
  ])("p14: a value of %s is refused by name", async (file, wanted, column, reason) => {
    const { code, ids, listed } = await index(ofCase("p14-utf16", file));
    expect({ code, ids }).toEqual({ code: 0, ids: wanted });
    expect(new Set(listed.map((line) => `${line.kind} ${line.column}`))).toEqual(
      new Set([`value ${column}`]),
    );
    expect(listed[0]?.reason).toMatch(reason);
  });

  it.each([
    ["leadzero.jsonl", ["123"], [1]],
    ["nan.jsonl", ["B2"], [1]],
    ["float_id.jsonl", ["123", "123.0"], []],
  ])("p14: rows of %s", async (file, wanted, refused) => {
    const { code, ids, listed } = await index(ofCase("p14-utf16", file));
    expect({ code, ids, refused: rowsOf(listed, "row") }).toEqual({ code: 0, ids: wanted, refused });
  });

  it("p16: paths and links out of the folder", async () => {
    const place = join(root, "p16");
    cpSync(join(cases, "p16-paths"), place, { recursive: true });
    const images = join(place, "images");
    rmSync(join(images, "outside.jpg"));
    cpSync(join(images, "p1.jpg"), join(root, "outside.jpg"));
    symlinkSync("p0.jpg", join(images, "link.jpg"));
    symlinkSync(join(root, "outside.jpg"), join(images, "outside.jpg"));
    symlinkSync("loop.jpg", join(images, "loop.jpg"));
    mkdirSync(join(images, "dir.jpg"));
    const { code, ids, listed } = await index(join(place, "catalogue.csv"));
    expect({ code, ids }).toEqual({ code: 0, ids: ["Q1", "Q6"] });
    const reasons = Object.fromEntries(listed.map(({ id, reason }) => [id, reason]));
    for (const id of ["Q2", "Q3", "Q4", "Q5", "Q10", "Q12"]) {
      expect(reasons[id], id).toMatch(/must be a path with slashes inside the catalogue's folder/);
    }
    expect(reasons.Q7).toMatch(/leads out of the catalogue's folder.*--allow-links/);
    expect(reasons.Q8).toMatch(/ELOOP/);
    expect(reasons.Q9).toMatch(/is no file/);
    expect(reasons.Q11).toMatch(/http\(s\) address/);
    expect(reasons.Q13).toMatch(/ENOENT/);
    expect(reasons.Q14).toMatch(/must not be empty/);
    expect((await index(join(place, "catalogue.csv"), "--allow-links")).ids).toEqual(["Q1", "Q6", "Q7"]);
  });
});
