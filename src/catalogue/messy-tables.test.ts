/** Tables as shops export them: wrong quotes, mixed line ends, other encodings and delimiters, hostile names and numbers. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "csv-stringify/sync";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CatalogueItem } from "./catalogue-item.js";
import { normalText } from "./normal-text.js";
import {
  countCatalogueRows,
  type ReadCatalogueOptions,
  readCatalogue,
  type WrongRow,
} from "./read-catalogue.js";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "messy-tables-"));
});
afterEach(() => rmSync(root, { recursive: true }));

/** Everything that a table gives, and everything that is wrong with it. */
async function read(name: string, content: string | Uint8Array, options: ReadCatalogueOptions = {}) {
  writeFileSync(join(root, name), content);
  const items: CatalogueItem[] = [];
  const wrong: WrongRow[] = [];
  const given = readCatalogue(join(root, name), { ...options, onWrongRow: (row) => wrong.push(row) });
  for await (const item of given) items.push(item);
  return {
    items,
    wrong,
    ids: items.map(({ id }) => id),
    refused: wrong.filter(({ isRefused }) => isRefused).map(({ row }) => row),
    values: wrong
      .filter(({ isRefused }) => !isRefused)
      .flatMap(({ id, problems }) => problems.map(({ column, reason }) => [id, column, reason])),
  };
}

const header = "id,image,category,title,price";
const csv = (...lines: readonly string[]) => [header, ...lines, ""].join("\n");
const row = (id: string, title = "x", price = "1") => `${id},${id}.jpg,dress,${title},${price}`;

describe("quotes", () => {
  it("inside fields without quotes are taken as they are", async () => {
    const { items, wrong } = await read("a.csv", csv(row("A", '5" heel'), row("B", 'x "y" z'), row("C")));
    expect(items.map(({ title }) => title)).toEqual(['5" heel', 'x "y" z', "x"]);
    expect(wrong).toEqual([]);
  });

  it("that are not closed cost their own row, whatever follows", async () => {
    const open = row("A", '"never closed');
    expect(await read("a.csv", csv(open, row("B"), row("C", '"Belt"')))).toMatchObject({
      ids: ["B", "C"],
      refused: [2],
    });
    // The next quote would end the field, with rows in it.
    for (const closing of ['Belt"', '5" heel']) {
      const { ids, refused } = await read("a.csv", csv(open, row("B"), row("C", closing), row("D")));
      expect({ ids, refused }).toEqual({ ids: ["B", "C", "D"], refused: [2] });
      const next = await read("a.csv", csv(open, row("C", closing), row("D")));
      expect(next).toMatchObject({ ids: ["C", "D"], refused: [2] });
    }
    expect((await read("a.csv", csv(row("A"), row("B", '"'), row("C", '"'), row("D")))).ids).toEqual([
      "A",
      "D",
    ]);
    expect((await read("a.csv", csv(row("A", '"x" y'), row("B")))).refused).toEqual([2]);
    // A row without a picture has no item, but its id must be known.
    const bare = await read("a.csv", csv(open, 'B,,dress,Belt",1', row("C")));
    expect(bare.wrong.map(({ id }) => id)).toEqual([undefined, "B"]);
    const named = await read("a.csv", `sep=,\n${csv(row("A"), open)}`);
    expect(named.wrong).toMatchObject([
      { row: 3, problems: [{ reason: expect.stringMatching(/^a quote in line 4 of the file/) }] },
    ]);
  });

  it("around a row of several lines that has a field too many cost that row alone", async () => {
    const { ids, wrong } = await read("a.csv", csv(row("A", '"one\ntwo, three\nfour"', "1,2"), row("B")));
    expect(ids).toEqual(["B"]);
    expect(wrong).toMatchObject([{ row: 2, problems: [{ reason: expect.stringMatching(/^has 6 fields/) }] }]);
  });

  it("hold texts of several lines, in any column", async () => {
    const text = '"one, ""two""\n\nthree, a.jpg\nfour"';
    const { items, wrong } = await read(
      "a.csv",
      `text,id,image,category\n${text},A,a.jpg,d\n"x\ny",B,b.jpg,d\n"x\ny",C,c.jpg,d\n`,
    );
    expect(wrong).toEqual([]);
    expect(items.map(({ id, attributes }) => [id, attributes.get("text")?.[0]])).toEqual([
      ["A", 'one, "two"\n\nthree, a.jpg\nfour'],
      ["B", "x\ny"],
      ["C", "x\ny"],
    ]);
    expect((await read("a.csv", csv(row("A", text), row("B")))).items[0]?.title).toBe(
      'one, "two"\n\nthree, a.jpg\nfour',
    );
  });

  it("that are open in many rows take no time that grows with their square", async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => row(`A${i}`, i % 2 ? '"Belt"' : '"open ""x"""'));
    lines[10] = row("A10", '"open');
    const { ids, refused } = await read("a.csv", csv(...lines));
    expect([ids.length, refused]).toEqual([19_999, [12]]);
  });
});

it("whatever texts csv-stringify writes are read, with line ends of any kind", async () => {
  const text = fc
    .string({ unit: fc.constantFrom(..."ab,;\"' \n|é5".split("")), maxLength: 12 })
    .map((value) => value.replaceAll("|", ""));
  const ends = fc.constantFrom("\n", "\r\n");
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(text, ends), { minLength: 1, maxLength: 8 }), async (cells) => {
      const lines = cells.map(([title, end], i) =>
        stringify([[`A${i}`, `${i}.jpg`, "d", title, ""]], {
          record_delimiter: end,
          quoted_match: /["\n;]|^ | $/,
        }),
      );
      const { items, wrong } = await read("a.csv", `${header}\r\n${lines.join("")}`);
      expect(wrong).toEqual([]);
      expect(items.map(({ title }) => title ?? "")).toEqual(cells.map(([title]) => normalText(title)));
    }),
    { numRuns: 200, seed: 20_261_128 },
  );
});

it("a quote put in or taken out anywhere loses no id without a row whose id is not known", async () => {
  const cell = fc.constantFrom(
    "plain",
    '"a, b"',
    '"two\nlines"',
    '""',
    '"a ""b"" c"',
    '5" x',
    '"x\n\ny, ""z"""',
    "",
  );
  const cells = fc.tuple(cell, cell, fc.boolean());
  const changes = fc.array(fc.tuple(fc.nat(), fc.boolean()), { minLength: 1, maxLength: 2 });
  await fc.assert(
    fc.asyncProperty(fc.array(cells, { minLength: 4, maxLength: 8 }), changes, async (rows, places) => {
      const lines = rows.map(
        ([title, note, hasImage], i) => `T${i},${hasImage ? `${i}.jpg` : ""},d,${title},1,${note}\n`,
      );
      let body = lines.join("");
      for (const [place, isAdded] of places) {
        const at = place % body.length;
        const quote = body.indexOf('"', at);
        if (isAdded) body = `${body.slice(0, at)}"${body.slice(at)}`;
        else if (quote >= 0) body = body.slice(0, quote) + body.slice(quote + 1);
      }
      const { ids, wrong } = await read("a.csv", `${header},note\n${body}`);
      if (wrong.some(({ id }) => id === undefined)) return;
      const known = new Set([...ids, ...wrong.map(({ id }) => id)]);
      for (const [i] of rows.entries()) {
        if (body.includes(`T${i},`)) expect(known).toContain(`T${i}`); // else its id was changed
      }
    }),
    { numRuns: 1000, seed: 20_261_128 },
  );
});

describe("files", () => {
  const content = csv(row("A", "Blüte"), row("B", "Straße"));
  const titles = ["Blüte", "Straße"];
  const utf16 = Buffer.from(content, "utf16le");

  it.each([
    ["utf-8 with a mark", Buffer.from(`\uFEFF${content}`)],
    ["utf-16le without a mark", utf16],
    ["utf-16le", Buffer.concat([Buffer.from([0xff, 0xfe]), utf16])],
    ["utf-16be", Buffer.concat([Buffer.from([0xff, 0xfe]), utf16]).swap16()],
    ["semicolons", content.replaceAll(",", ";")],
    ["tabs", content.replaceAll(",", "\t")],
    ["sep=", `sep=,\r\n${content}`],
    ["sep=;", `\uFEFFsep=;\n${content.replaceAll(",", ";")}`],
    ["sep=|", `"sep=|"\n${content.replaceAll(",", "|")}`],
    ["line ends of old Macs", content.replaceAll("\n", "\r")],
    ["one line end that differs", content.replaceAll("\n", "\r\n").replace("\r\nB", "\nB")],
  ])("with %s are read", async (_, bytes) => {
    const { items, wrong } = await read("a.csv", bytes);
    expect(wrong).toEqual([]);
    expect(items.map(({ title }) => title)).toEqual(titles);
    expect(items.map((item) => item.row)).toEqual([2, 3]);
  });

  it("in Latin-1 are named, value by value", async () => {
    const { ids, values } = await read("a.csv", Buffer.from(content, "latin1"));
    expect(ids).toEqual(["A", "B"]);
    expect(values).toEqual(["A", "B"].map((id) => [id, "title", expect.stringMatching(/UTF-8.*Latin-1/)]));
  });

  it("of JSON may be an array, on one line or many", async () => {
    const rows = [
      { id: "A", image: "a.jpg", category: "d" },
      { id: "B", image: "b.jpg", category: "d" },
    ];
    for (const text of [JSON.stringify(rows), JSON.stringify(rows, undefined, 2)]) {
      for (const name of ["a.json", "a.jsonl"]) expect((await read(name, text)).ids).toEqual(["A", "B"]);
    }
    expect(await read("a.json", `[1, ${JSON.stringify(rows[0])}]`)).toMatchObject({
      ids: ["A"],
      refused: [1],
    });
    await expect(read("a.json", "[{]")).rejects.toThrow("the array is not JSON");
  });

  it("of shop systems are told which columns may be meant", async () => {
    for (const [names, ...meant] of [
      [
        "Handle,Title,Vendor,Product Category,Type,Variant SKU,Image Src",
        "Handle",
        "Image Src",
        "Product Category",
      ],
      ["ID,Type,SKU,Name,Regular price,Categories,Images", "Images", "Categories"],
      ["id,title,link,image_link,price,google_product_category", "image_link", "google_product_category"],
    ] as const) {
      const failed = read("a.csv", `${names}\n`);
      for (const name of meant) await expect(failed).rejects.toThrow(`${name} looks like the`);
    }
    const { wrong } = await read("a.jsonl", '{"sku": "A", "image_link": "a.jpg", "category": "d"}');
    expect(wrong[0]?.problems.map(({ reason }) => reason)).toEqual([
      expect.stringContaining("sku looks like the id: rename it"),
      expect.stringContaining("image_link looks like the image: rename it"),
    ]);
  });
});

describe("values", () => {
  it("are one where they differ in composed and decomposed letters only", async () => {
    const [composed, decomposed] = ["Mütze", "Mu\u0308tze"];
    const { items, wrong } = await read(
      "a.csv",
      `id,image,category,colou\u0308r\n\uFEFF${decomposed},a.jpg,${decomposed},${decomposed}|${composed}\n${composed},b.jpg,d,\n`,
    );
    expect(items).toMatchObject([{ id: composed, category: composed }]);
    expect([...(items[0]?.attributes ?? [])]).toEqual([["coloür", [composed]]]);
    expect(wrong).toMatchObject([{ row: 3, id: composed, problems: [{ column: "id" }] }]);
  });

  it("that are no whole Unicode are refused: an id with its row, others alone", async () => {
    const { ids, refused, values } = await read(
      "a.jsonl",
      [
        '{"id": "A\\ud83d", "image": "a.jpg", "category": "d"}',
        '{"id": "B", "image": "a.jpg", "category": "d", "title": "x\\ude00y", "a\\ud83d": "x", "b": ["\\ud83d"]}',
        '{"id": "C", "image": "\\ud83d.jpg", "category": "d"}',
        '{"id": "D\\ud83d\\ude00", "image": "a.jpg", "category": "d"}',
      ].join("\n"),
    );
    expect({ ids, refused }).toEqual({ ids: ["B", "D😀"], refused: [1, 3] });
    expect(values.map(([id, column]) => [id, column])).toEqual([
      ["B", "title"],
      ["B", "a\ud83d"],
      ["B", "b"],
    ]);
  });

  it("of JSON keep the digits of numbers, and name what is no value", async () => {
    const { ids, items, refused, values } = await read(
      "a.jsonl",
      [
        '{"id": 2916334247900527533, "image": "a.jpg", "category": 7, "n": [12345678901234567891, 0.10, true, null]}',
        '{"id": 2916334247900527532, "image": "a.jpg", "category": "d", "x": {"y": 1}, "z": [[1]], "w": 1, "w": 2}',
        '{"id": 007, "image": "a.jpg", "category": "d"}',
        '{"id": 7, "image": "a.jpg", "category": "d", "price": NaN}',
        '{"id": 8, "id": 9, "image": "a.jpg", "category": "d"}',
        `{"id": 10, "image": "a.jpg", "category": "d", "deep": ${"[".repeat(50_000)}${"]".repeat(50_000)}}`,
      ].join("\n"),
    );
    expect(ids).toEqual(["2916334247900527533", "2916334247900527532"]);
    expect(items[0]?.attributes.get("n")).toEqual(["12345678901234567891", "0.10", "yes"]);
    expect(refused).toEqual([3, 4, 5, 6]);
    expect(values.map(([, column]) => column)).toEqual(["x", "z", "w"]);
  });

  it.each([
    ["30.000000000000004", 30],
    ["19.990000000000002", 19.99],
    [".99", 0.99],
    ["1e3", 1000],
    ["0", 0],
    ["", undefined],
  ])("price %j is %j", async (price, wanted) => {
    const { items, wrong } = await read("a.csv", csv(row("A", "x", price)));
    expect([items[0]?.price, wrong]).toEqual([wanted, []]);
  });

  it.each(["$20", "20 EUR", '"49,90"', '"1,299.00"', "-1", "NaN", "Infinity", "1e13", "0x10"])(
    "price %j is refused, and the item stays",
    async (price) => {
      const { items, values } = await read("a.csv", csv(row("A", "x", price)));
      expect(items).toMatchObject([{ id: "A", price: undefined }]);
      expect(values).toEqual([["A", "price", expect.stringContaining("plain number from 0 such as 49.99")]]);
    },
  );

  it("may be long and have many lines; control characters and endless ones may not", async () => {
    const long = `<p>${"hand wash only, ".repeat(60)}</p>\n<b>a|b</b>`;
    const { items, values } = await read(
      "a.jsonl",
      JSON.stringify({
        id: "A",
        image: "a.jpg",
        category: "d",
        description: [long],
        bell: "a\u0007b",
        endless: "x".repeat(20_001),
        many: Array.from({ length: 1001 }, String),
      }),
    );
    expect(items[0]?.attributes).toEqual(new Map([["description", [long]]]));
    expect(values.map(([, column]) => column)).toEqual(["bell", "endless", "many"]);
  });

  it("of columns that are ignored are not looked at", async () => {
    const ignoredColumns = ["Notes", "price"];
    const { items, wrong } = await read(
      "a.csv",
      `${header},notes,notes\n${row("A", "x", "cheap")},\u0007,\u0007\n`,
      {
        ignoredColumns,
      },
    );
    expect({ items, wrong }).toMatchObject({ items: [{ id: "A", price: undefined, title: "x" }], wrong: [] });
    expect(await countCatalogueRows(join(root, "a.csv"), { ignoredColumns })).toBe(1);
    const lines = await read("a.jsonl", '{"id":"A","image":"a.jpg","category":"d","NOTES":{"a":1}}', {
      ignoredColumns,
    });
    expect(lines).toMatchObject({ ids: ["A"], wrong: [] });
  });
});

describe("names of columns", () => {
  it("may be missing where the column is empty", async () => {
    const { ids, values } = await read("a.csv", "id,image,category,,\nA,a.jpg,d,,\nB,a.jpg,d,,x\n");
    expect(ids).toEqual(["A", "B"]);
    expect(values).toEqual([["B", "", expect.stringMatching(/must have a name/)]]);
  });

  it("are on one line, and `__proto__` is none", async () => {
    const { items, values } = await read(
      "a.csv",
      `id,image,category,"main \n colour",__proto__,constructor,toString,"bell\u0007"\nA,a.jpg,d,red,p,c,t,b\n`,
    );
    expect([...(items[0]?.attributes ?? [])]).toEqual([
      ["main colour", ["red"]],
      ["constructor", ["c"]],
      ["toString", ["t"]],
    ]);
    expect(values.map(([, column]) => column)).toEqual(["__proto__", "bell\u0007"]);
    const lines = await read(
      "a.jsonl",
      '{"id": "A", "image": "a.jpg", "category": "d", "__proto__": "p", "constructor": "c", "main\\ncolour": "red"}',
    );
    expect([...(lines.items[0]?.attributes ?? [])]).toEqual([
      ["constructor", ["c"]],
      ["main colour", ["red"]],
    ]);
    expect(lines.values.map(([, column]) => column)).toEqual(["__proto__"]);
  });
});
