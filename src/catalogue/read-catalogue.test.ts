import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { annotationFiles } from "../data/synthetic/layout.js";
import { planCatalogue } from "../data/synthetic/plan.js";
import { Random } from "../engine/tensor/random.js";
import { DatasetError } from "../errors.js";
import type { CatalogueItem } from "./catalogue-item.js";
import {
  countCatalogueRows,
  type ReadCatalogueOptions,
  readCatalogue,
  type WrongRow,
} from "./read-catalogue.js";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "read-catalogue-"));
});
afterEach(() => rmSync(root, { recursive: true }));

async function read(
  name: string,
  content: string | Uint8Array,
  options?: ReadCatalogueOptions,
): Promise<CatalogueItem[]> {
  writeFileSync(join(root, name), content);
  const items: CatalogueItem[] = [];
  for await (const item of readCatalogue(join(root, name), options)) items.push(item);
  return items;
}

const header = "id,image,category,price,colour\n";

describe("readCatalogue", () => {
  it("reads a CSV file: quotes, line breaks in quotes, byte order mark, empty rows and cells", async () => {
    const items = await read(
      "a.csv",
      "\uFEFFID,image,Category,Title,price,colour,sleeve length\n" +
        'A1,images/a.jpg,dress,"A ""nice"", long\ndress",49.99, red | blue |red,long\n' +
        ",,,,,,\n" +
        "A2,https://shop.example/a2.jpg?x=1,dress,,,,\r\n",
    );
    expect(items).toEqual([
      {
        id: "A1",
        image: { kind: "file", path: "images/a.jpg" },
        category: "dress",
        title: 'A "nice", long\ndress',
        price: 49.99,
        attributes: new Map([
          ["colour", ["red", "blue"]],
          ["sleeve length", ["long"]],
        ]),
        row: 2,
      },
      {
        id: "A2",
        image: { kind: "address", address: "https://shop.example/a2.jpg?x=1" },
        category: "dress",
        title: undefined,
        price: undefined,
        attributes: new Map(),
        row: 4,
      },
    ]);
  });

  it("reads JSON lines: numbers, truth values, lists, and columns that not every row has", async () => {
    const items = await read(
      "a.jsonl",
      '{"id": 17, "image": "./a.png", "category": "hat", "price": 5, "colour": ["red", "blue"], "lined": true}\n\n' +
        '{"id": "18", "image": "b.png", "category": "hat", "size": null, "brim": "wide"}',
    );
    expect(items.map(({ id, image, price, row }) => [id, image, price, row])).toEqual([
      ["17", { kind: "file", path: "a.png" }, 5, 1],
      ["18", { kind: "file", path: "b.png" }, undefined, 3],
    ]);
    expect(items.map(({ attributes }) => Object.fromEntries(attributes))).toEqual([
      { colour: ["red", "blue"], lined: ["yes"] },
      { brim: ["wide"] },
    ]);
  });

  it("reads the built-in catalogue in full", async () => {
    const plan = planCatalogue({ itemsPerCategory: 20, triplets: 60 }, new Random(1));
    const items = await read("catalogue.csv", annotationFiles(plan).get("catalogue.csv") ?? "");
    expect(items.map(({ id }) => id)).toEqual(plan.items.map(({ id }) => id));
    expect(items[0]?.attributes.get("neckline")).toEqual([plan.items[0]?.design.neckline]);
    expect(items[0]?.title).toBe(plan.items[0]?.title);
  });

  it.each([
    ["", "must not be empty; got nothing"],
    ["../a.jpg", "must be a path with slashes inside the catalogue's folder"],
    ["images/../../a.jpg", "must be a path with slashes inside"],
    ["/etc/passwd", "must be a path with slashes inside"],
    ["images//a.jpg", "must be a path with slashes inside"],
    ["..\\a.jpg", "must be a path with slashes inside"],
    ["C:/a.jpg", "must be a path with slashes inside"],
    ["file:///etc/passwd", "must be a path with slashes inside"],
    ["https://", "is not a valid http(s) address"],
    ["http://a b/c", "is not a valid http(s) address"],
  ])("refuses the image %j", async (image, message) => {
    await expect(read("a.csv", `${header}A,${image},dress,,\n`)).rejects.toThrow(
      `a.csv: 1 problem:\n  - row 2, column image: ${message}`,
    );
  });

  it("lists every problem with row and column", async () => {
    const wrong = read(
      "a.csv",
      `${header}A,a.jpg,dress,cheap,red\nA,b.jpg,,1,red\nB/1,c.jpg,dress,"1,299",red\nC,c.jpg,dress\n.D,d.jpg,dress,-1,\n`,
    );
    await expect(wrong).rejects.toBeInstanceOf(DatasetError);
    await expect(wrong).rejects.toThrow(
      [
        "a.csv: 8 problems:",
        '  - row 2, column price: must be a plain number from 0 such as 49.99, without currency or thousands separators; got "cheap"',
        '  - row 3, column id: must be unique; row 2 has it too; got "A"',
        "  - row 3, column category: must not be empty; got nothing",
        '  - row 4, column id: must be at most 200 characters without slashes, control characters or a leading dot; got "B/1"',
      ].join("\n"),
    );
    await expect(wrong).rejects.toThrow("row 5, has 3 fields where the header has 5");
  });

  it("lists the first twenty problems and counts the others", async () => {
    const rows = Array.from({ length: 33 }, (_, i) => `A${i},a.jpg,dress,x,red\n`).join("");
    const message = await read("a.csv", header + rows).catch((error: Error) => error.message);
    expect(message).toMatch(/: 33 problems:/);
    expect(String(message).match(/ {2}- row/g)).toHaveLength(20);
    expect(message).toMatch(/row 21, .*\n {2}- and 13 more\n/);
  });

  it("gives no item after the first wrong row", async () => {
    writeFileSync(join(root, "a.csv"), `${header}A,a.jpg,d,,\nB,,d,,\nC,c.jpg,d,,\n`);
    const given: string[] = [];
    const all = async () => {
      for await (const { id } of readCatalogue(join(root, "a.csv"))) given.push(id);
    };
    await expect(all()).rejects.toThrow("row 3, column image");
    expect(given).toEqual(["A"]);
  });

  it.each([
    ["id,image\nA,a.jpg\n", "column category is missing"],
    ["id,image,category,colour,colour,\n", "column colour occurs more than once"],
    ["id;image;kind\nA;a;b\n", "column category is missing"],
    ["", "the file is empty"],
    [header, "has no items"],
    ['"id,image\n', "the header cannot be read; a quote in line 1 of the file is not closed"],
  ])("refuses a file as a whole: %j", async (content, message) => {
    const wrong = read("a.csv", content);
    await expect(wrong).rejects.toBeInstanceOf(DatasetError);
    await expect(wrong).rejects.toThrow(message);
  });

  it.each([
    ["[1]", "row 1, must be an object"],
    ["{oops", "row 1, is not JSON"],
    ['{"id": "A", "image": "a", "category": "d", "x": {"y": 1}}', "row 1, column x: must be a text"],
    ['{"id": ["A"], "image": "a", "category": "d"}', 'row 1, column id: must be one text; got ["A"]'],
  ])("refuses the JSON line %s", async (content, message) => {
    await expect(read("a.jsonl", content)).rejects.toThrow(message);
  });

  it("tells wrong rows one by one and continues, when asked to", async () => {
    const wrong: WrongRow[] = [];
    const content = `${header}A1,a.jpg,dress,cheap,red\nA2,a.jpg,,1,red\n../x,a.jpg,dress,1,red\nA3,short\nA4,a.jpg,dress,1,red\nA4,a.jpg,dress,2,red\n`;
    const items = await read("wrong.csv", content, { onWrongRow: (row) => wrong.push(row) });
    expect(items.map(({ id, row, price }) => [id, row, price])).toEqual([
      ["A1", 2, undefined],
      ["A4", 6, 1],
    ]);
    expect(wrong.map(({ row, id, isRefused }) => [row, id, isRefused])).toEqual([
      [2, "A1", false],
      [3, "A2", true],
      [4, undefined, true],
      [5, undefined, true],
      [7, "A4", true],
    ]);
    expect(wrong[0]?.problems).toEqual([
      { column: "price", reason: expect.stringMatching(/^must be a plain number/) },
    ]);
    expect(await countCatalogueRows(join(root, "wrong.csv"))).toBe(6);
  });

  it("keeps to its limits", async () => {
    const row = (id: string, colour = "red") => `${id},a.jpg,dress,,${colour}\n`;
    const limits = { rows: 2, rowCharacters: 100, fields: 5 };
    expect(await read("a.csv", header + row("A") + row("B"), { limits })).toHaveLength(2);
    await expect(read("a.csv", header + row("A") + row("B") + row("C"), { limits })).rejects.toThrow(
      "at most 2 rows",
    );
    await expect(read("a.csv", header + row("A", "x".repeat(200)), { limits })).rejects.toThrow(
      "row 2, line 2 of the file has more than 100 characters",
    );
    await expect(read("a.csv", `id,image,category,a,b,c\n`, { limits })).rejects.toThrow("at most 5 columns");
    await expect(read("a.jsonl", `{"id":"${"x".repeat(200)}"}`, { limits })).rejects.toThrow(
      "more than 100 characters",
    );
  });

  it("refuses text that is not UTF-8, other files, and files that are not there", async () => {
    const latin1 = Buffer.from(`${header}A,a.jpg,dress,,beige clair\u00e9\n`, "latin1");
    await expect(read("a.csv", latin1)).rejects.toThrow("row 2, column colour: must be text in UTF-8");
    await expect(read("a.xlsx", "x")).rejects.toThrow("must end in .csv, .tsv, .jsonl or .json; got .xlsx");
    const missing = async () => {
      await readCatalogue(join(root, "none.csv")).next();
    };
    await expect(missing()).rejects.toThrow(/none\.csv: there is no such file; see docs\/data\.md/);
  });
});
