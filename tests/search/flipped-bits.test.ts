/** Bits that flip on the disk: every answer is right, or says that something is damaged; the next indexing repairs it. */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBundle } from "../../src/bundle/open-bundle.js";
import { runProgram } from "../../src/cli/run-program.js";
import type { Encoder } from "../../src/embedding/encoder.js";
import { Random } from "../../src/engine/tensor/random.js";
import { SdfnError, StoreError } from "../../src/errors.js";
import { hashParts } from "../../src/search/index/catalogue-entry.js";
import { CatalogueIndex } from "../../src/search/index/catalogue-index.js";
import { CatalogueSearch } from "../../src/search/index/catalogue-search.js";
import { indexCatalogue } from "../../src/search/index/index-catalogue.js";
import { verifyIndex } from "../../src/search/index/verify-index.js";
import { LanceStore } from "../../src/search/store/lance-store.js";
import { recordingContext } from "../cli/recording-context.js";
import { manyItems } from "../fixtures/retrieval-items.js";
import { makeSmallIndex, type SmallIndex } from "../service/small-index.js";

let small: SmallIndex;
let encoder: Encoder;
let right: Answers;
beforeAll(async () => {
  small = await makeSmallIndex();
  encoder = await openBundle(join(small.root, "bundle"));
  right = await ask(small.index);
});
afterAll(async () => {
  await encoder.close();
  small.remove();
});

interface Answers {
  /** Rank, score, id, title, price of everything that is shown, by question. */
  readonly shown: ReadonlyMap<string, string>;
  /** Everything of which something was left out or refused. */
  readonly reports: readonly string[];
}

/** Items that are searched for and asked for by their ids; every item is among the answers. */
const asked = 4;

/** Some items as queries, the same by their ids, and the list. */
async function ask(folder: string): Promise<Answers> {
  const shown = new Map<string, string>();
  const reports: string[] = [];
  const saying = async (what: string, work: () => Promise<readonly string[]>) => {
    try {
      reports.push(...(await work()).map((id) => `${what}: ${id} is damaged`));
    } catch (error) {
      if (!(error instanceof SdfnError)) throw error;
      reports.push(`${what}: ${error.message}`);
    }
  };
  await saying("open", async () => {
    const index = await CatalogueIndex.open(folder, { access: "read" });
    try {
      await saying("files", () => index.store.damagedFiles());
      const search = new CatalogueSearch(index, encoder);
      for (const id of small.ids.slice(0, asked)) {
        await saying(`get ${id}`, async () => {
          shown.set(`get ${id}`, JSON.stringify((await index.get(id))?.entry));
          return [];
        });
        await saying(`search ${id}`, async () => {
          const { hits, damaged } = await search.search({ queries: [{ reference: { id } }], limit: 12 });
          for (const { rank, score, entry } of hits)
            shown.set(`search ${id}, ${rank}`, JSON.stringify([score.toFixed(5), entry]));
          return damaged;
        });
      }
      await saying("list", async () => {
        const { entries, damaged } = await index.list({ filter: { kind: "category", anyOf: ["dress"] } });
        for (const entry of entries) shown.set(`list ${entry.id}`, JSON.stringify(entry));
        return damaged;
      });
    } finally {
      await index.close();
    }
    return [];
  });
  return { shown, reports };
}

/** Files of a store that have anything in them. */
function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(folder, name)).isFile() && statSync(join(folder, name)).size > 0)
    .sort();
}

/** Flips one bit of one of the files. @returns which. */
function flip(folder: string, files: readonly string[], random: Random): string {
  const name = files[random.integer(files.length)] as string;
  const bytes = readFileSync(join(folder, name));
  const [at, bit] = [random.integer(bytes.length), random.integer(8)];
  bytes[at] = (bytes[at] as number) ^ (1 << bit);
  writeFileSync(join(folder, name), bytes);
  return `bit ${bit} of byte ${at} of ${name}`;
}

const flips = 48;

describe("a flipped bit in the store's files", () => {
  it("is harmless or reported, and never a title, score or rank that is silently another", async () => {
    const random = new Random(11);
    const outcomes = { harmless: 0, reported: 0 };
    const folder = join(small.root, "flipped");
    const files = filesOf(join(small.index, "store"));
    const data = files.filter((name) => name.endsWith(".lance"));
    expect(data).not.toEqual([]);
    for (let i = 0; i < flips; i += 1) {
      rmSync(folder, { recursive: true, force: true });
      cpSync(small.index, folder, { recursive: true });
      const place = flip(join(folder, "store"), i % 2 === 0 ? data : files, random);
      const { shown, reports } = await ask(folder);
      if (reports.length > 0) outcomes.reported += 1;
      else {
        expect(shown, place).toEqual(right.shown);
        outcomes.harmless += 1;
      }
      // Even then: what is shown of an item is what was written.
      for (const [question, text] of shown) {
        if (!question.startsWith("search"))
          expect(text, `${place}: ${question}`).toBe(right.shown.get(question));
      }
    }
    expect(outcomes.reported).toBeGreaterThan(flips / 2);
  }, 900_000);

  it("is seen row by row where files have no checksums", async () => {
    const random = new Random(12);
    const folder = join(small.root, "without-sums");
    let reported = 0;
    for (let i = 0; i < 20; i += 1) {
      rmSync(folder, { recursive: true, force: true });
      cpSync(small.index, folder, { recursive: true });
      rmSync(join(folder, "store", "checksums.json"));
      const place = flip(
        join(folder, "store"),
        filesOf(join(folder, "store")).filter((name) => name.endsWith(".lance")),
        random,
      );
      const { shown, reports } = await ask(folder);
      if (reports.length > 0) reported += 1;
      for (const [question, text] of shown) {
        if (!question.startsWith("search"))
          expect(text, `${place}: ${question}`).toBe(right.shown.get(question));
      }
    }
    expect(reported).toBeGreaterThan(3);
  }, 600_000);

  it("is repaired by the next indexing", async () => {
    const random = new Random(13);
    const folder = join(small.root, "repaired");
    const outcomes = { repaired: 0, refused: 0 };
    for (let i = 0; i < 16; i += 1) {
      rmSync(folder, { recursive: true, force: true });
      cpSync(small.index, folder, { recursive: true });
      const place = flip(
        join(folder, "store"),
        filesOf(join(folder, "store")).filter((name) => name.endsWith(".lance")),
        random,
      );
      const index = await CatalogueIndex.open(folder, { access: "write" });
      try {
        const report = await indexCatalogue(index, encoder, { file: join(small.root, "catalogue.csv") });
        const { rows, damaged, damagedFiles } = await verifyIndex(index);
        expect({ place, rows, damaged: [...damaged], damagedFiles, left: report.damaged }).toEqual({
          place,
          rows: small.ids.length,
          damaged: [],
          damagedFiles: [],
          left: [],
        });
      } catch (error) {
        // The directory of a file is gone: nothing in it can be found.
        if (!(error instanceof StoreError)) throw error;
        expect(error.message, place).toMatch(/not even the ids .* index the catalogue into another folder/);
        outcomes.refused += 1;
        continue;
      } finally {
        await index.close();
      }
      const { shown, reports } = await ask(folder);
      expect({ place, reports }).toEqual({ place, reports: [] });
      expect(shown, place).toEqual(right.shown);
      outcomes.repaired += 1;
    }
    expect(outcomes.repaired).toBeGreaterThan(8);
  }, 900_000);
});

describe("what is damaged", () => {
  const said = async (...args: readonly string[]) => {
    const context = recordingContext();
    return { code: await runProgram(args, context), output: context.output(), errors: context.errors() };
  };

  it("is listed by `sdfn index check`, warned of by `sdfn search`, and written again by `sdfn index`", async () => {
    const folder = join(small.root, "listed");
    cpSync(small.index, folder, { recursive: true });
    const index = await CatalogueIndex.open(folder, { access: "write" });
    const row = (await index.store.get(["A3"])).get("A3");
    if (row === undefined) throw new Error("A3 is not there");
    await index.store.upsert([{ ...row, details: row.details.replace("Number", "Nomber") }]);
    await index.close();
    const transactions = join(folder, "store", "items.lance", "_transactions");
    flip(transactions, filesOf(transactions), new Random(1));
    const picture = `${"0".repeat(62)}`;
    mkdirSync(join(folder, "pictures", "00"), { recursive: true });
    writeFileSync(join(folder, "pictures", "00", picture), "not that picture");

    const check = await said("index", "check", folder);
    expect(check.code).toBe(1);
    expect(check.output).toMatch(/^1 of 12 items are not as they were written.*\n {2}A3\n1 files/m);
    expect(check.output).toMatch(/_transactions/);
    expect(check.output).toContain(
      `1 pictures that were handed in are not as they were; put them again:\n  00/${picture}`,
    );
    expect(check.output).toMatch(/sdfn index --catalogue/);
    const asJson = await said("index", "check", folder, "--json");
    expect(JSON.parse(asJson.output)).toMatchObject({ damaged: ["A3"], damagedPictures: [`00/${picture}`] });

    const search = await said("search", "--index", folder, "--image", "A1", "-k", "12");
    expect(search.code).toBe(0);
    expect(search.errors).toMatch(
      /^warning: damaged items .*: 1; damaged files .*: 1; see: sdfn index check/m,
    );
    expect(search.output).not.toMatch(/Nomber|A3/);
    const refused = await said("search", "--index", folder, "--image", "A3");
    expect(refused).toMatchObject({ code: 1, errors: expect.stringMatching(/^ITEM_DAMAGED: item A3/m) });

    rmSync(join(folder, "pictures", "00"), { recursive: true });
    const again = await said(
      "index",
      "--catalogue",
      join(small.root, "catalogue.csv"),
      "--out",
      folder,
      "--json",
    );
    expect(JSON.parse(again.output)).toMatchObject({ updated: 1, unchanged: 11, repaired: 1, damaged: [] });
    expect((await said("index", "check", folder)).code).toBe(0);
  });
});

describe("an index of an older version", () => {
  it("is searched and checked, and the next indexing writes its rows as this version does", async () => {
    const folder = join(small.root, "older");
    cpSync(small.index, folder, { recursive: true });
    const index = await CatalogueIndex.open(folder, { access: "write" });
    try {
      const rows = [...(await index.store.get(small.ids)).values()];
      await index.store.upsert(rows.map((row) => ({ ...row, hash: hashParts(row.hash).entry })));
      rmSync(join(folder, "store", "checksums.json"));
      expect(await ask(folder)).toEqual(right);
      const before = await verifyIndex(index);
      expect([before.oldVersion.size, before.damaged.size]).toEqual([small.ids.length, 0]);
      const report = await indexCatalogue(index, encoder, { file: join(small.root, "catalogue.csv") });
      expect(report).toMatchObject({ unchanged: small.ids.length, added: 0, updated: 0, repaired: 0 });
      const after = await verifyIndex(index);
      expect([after.oldVersion.size, after.damaged.size]).toEqual([0, 0]);
    } finally {
      await index.close();
    }
    expect(await ask(folder)).toEqual(right);
  });
});

describe("a flipped bit in the journal", () => {
  it("takes back nothing that was acknowledged", async () => {
    const root = mkdtempSync(join(tmpdir(), "journal-flips-"));
    const embedDim = 5;
    const items = manyItems(6, { embedDim });
    const newer = items.map((item) => ({ ...item, details: `newer ${item.details}` }));
    const writer = await LanceStore.open(join(root, "live"), { embedDim, access: "create" });
    try {
      await writer.upsert(items);
      await writer.upsert(newer);
      const { size } = statSync(join(root, "live", "journal.log"));
      const random = new Random(14);
      for (let i = 0; i < 20; i += 1) {
        const folder = join(root, "copy");
        rmSync(folder, { recursive: true, force: true });
        cpSync(join(root, "live"), folder, { recursive: true }); // as a crash leaves it
        expect(statSync(join(folder, "journal.log")).size).toBe(size);
        const place = flip(folder, ["journal.log"], random);
        const store = await LanceStore.open(folder, { embedDim, access: "write" });
        const { items: found } = await store.list({ limit: 10 });
        expect(
          found.map(({ details }) => details),
          place,
        ).toEqual(newer.map(({ details }) => details));
        await store.close();
      }
    } finally {
      await writer.close();
      rmSync(root, { recursive: true });
    }
  }, 600_000);
});
