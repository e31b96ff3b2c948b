import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recordingContext } from "../../../tests/cli/recording-context.js";
import { openTriplets } from "../../data/datasets/triplets-folder.js";
import { availableSplit } from "../../data/presence/missing-images.js";
import { generateCatalogue } from "../../data/synthetic/generate.js";
import { runProgram } from "../run-program.js";

let folder: string;
let catalogue: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sdfn-triplets-"));
  await generateCatalogue(join(folder, "shop"), { itemsPerCategory: 30, triplets: 30, sizePx: 32 });
  catalogue = join(folder, "shop", "catalogue.csv");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** @param args words of the command line, one or several at a time. */
async function run(...args: (string | string[])[]) {
  const context = recordingContext();
  const code = await runProgram(["triplets", ...args.flat()], context);
  return { code, output: context.output(), errors: context.errors() };
}

/** A catalogue of hats in a folder of its own. */
function writeCatalogue(name: string, rows: readonly string[]): string {
  mkdirSync(join(folder, name));
  const file = join(folder, name, "catalogue.csv");
  writeFileSync(file, `id,image,category,colour\n${rows.join("\n")}\n`);
  return file;
}

describe("sdfn triplets", () => {
  it("explains itself with examples", async () => {
    const { code, output } = await run("--help");
    expect(code).toBe(0);
    for (const name of [
      "--catalogue <file>",
      "--attributes <names>",
      "--json",
      "$ sdfn triplets --catalogue",
    ]) {
      expect(output).toContain(name);
    }
  });

  it("makes a folder that loads as a data set, with statistics and a page", async () => {
    const out = join(folder, "made");
    const { code, output } = await run(
      "--catalogue",
      catalogue,
      "--attributes",
      "colour,sleeves",
      "--out",
      out,
      "--json",
    );
    expect(code).toBe(0);
    const printed = JSON.parse(output);
    expect(printed).toMatchObject({
      directory: out,
      page: join(out, "samples.html"),
      images: { missing: 0, toDownload: 0 },
      splits: { train: { categories: { dress: { items: expect.any(Number) } } } },
    });
    const dataset = openTriplets(out);
    expect(dataset.name).toBe("catalogue");
    expect(dataset.categories).toEqual(["dress", "shirt", "toptee"]);
    const ids = (["train", "val", "test"] as const).map((name) => {
      const { split, dropped } = availableSplit(dataset, name);
      expect(dropped.images.dropped).toBe(0);
      expect(split.triplets).toHaveLength(printed.splits[name].triplets);
      return [...split.images.values()].flat();
    });
    expect(dataset.split("train").triplets.some(({ paraphrases }) => paraphrases)).toBe(false);
    for (const { captions, paraphrases = [] } of dataset.split("val").triplets) {
      const wordings = [captions, ...paraphrases].map((wording) => wording.toSorted().join("\n"));
      expect(new Set(wordings).size).toBe(4);
    }
    expect(new Set(ids.flat()).size).toBe(ids.flat().length);
    expect(ids.flat()).toHaveLength(printed.rows);
    const page = readFileSync(join(out, "samples.html"), "utf8");
    expect(page.match(/<article class="card triplet">/g)).toHaveLength(48);
    expect(page).toContain('src="data:image/jpeg;base64,');
    expect(JSON.parse(readFileSync(join(out, "statistics.json"), "utf8"))).toMatchObject({
      rows: printed.rows,
    });
  });

  it("makes the same files for the same seed and other splits for another", async () => {
    const texts = [];
    for (const [name, seed] of [
      ["s1", "1"],
      ["s1b", "1"],
      ["s2", "2"],
    ] as const) {
      const out = join(folder, name);
      await run("--catalogue", catalogue, "--attributes", "colour,fit", "--out", out, "--seed", seed);
      texts.push(
        readFileSync(join(out, "items.jsonl"), "utf8") +
          readFileSync(join(out, "triplets.val.jsonl"), "utf8"),
      );
    }
    expect(texts[1]).toBe(texts[0]);
    expect(texts[2]).not.toBe(texts[0]);
  });

  it("takes pairs, changes, shares, answers and templates as they are asked for", async () => {
    const words = join(folder, "words.json");
    writeFileSync(words, '{"any": {"phrases": ["in {to}!"], "present": ["with"], "absent": ["without"]}}');
    const out = join(folder, "asked");
    const { code, output } = await run(
      ["--catalogue", catalogue, "--attributes", "colour,sleeves,belt", "--out", out, "--pairs", "50"],
      ["--max-changes", "1", "--split", "0.5,0.5,0", "--answers", "attributes", "--templates", words],
    );
    expect(code).toBe(0);
    expect(output).toContain("50 triplets");
    expect(output).toContain("(attributes: 50 change 1)");
    const dataset = openTriplets(out);
    expect(dataset.name).toBe("catalogue, attribute match");
    const counts = [dataset.split("train"), dataset.split("val")].map(({ triplets }) => triplets.length);
    expect(counts).toEqual([25, 25]);
    const captions = dataset
      .split("train")
      .triplets.concat(dataset.split("val").triplets)
      .flatMap((triplet) => [triplet.captions, ...(triplet.paraphrases ?? [])].flat());
    expect(captions.filter((caption) => !/^(in .*!|with|without)$/.test(caption))).toEqual([]);
  });

  it("says how many pictures are addresses or missing, lists the addresses, and finds them when they are there", async () => {
    const rows = Array.from({ length: 20 }, (_, i) =>
      i < 12 ? `A${i},https://shop.example/${i},hat,c${i % 3}` : `F${i},photos/${i}.jpg,hat,c${i % 3}`,
    );
    const file = writeCatalogue("remote", rows);
    mkdirSync(join(folder, "remote", "images"));
    const some = readdirSync(join(folder, "shop", "images"))[0] ?? "";
    const bytes = readFileSync(join(folder, "shop", "images", some));
    writeFileSync(join(folder, "remote", "images", "A0.jpg"), bytes);
    const out = join(folder, "remote-triplets");
    const { code, output } = await run("--catalogue", file, "--attributes", "colour", "--out", out);
    expect(code).toBe(0);
    expect(output).toContain("8 of 20 files are missing");
    expect(output).toContain("11 of 20 are addresses and cannot be trained on before they are downloaded");
    expect(readFileSync(join(out, "addresses.txt"), "utf8")).toContain("A1\thttps://shop.example/1\n");
    expect(readFileSync(join(out, "samples.html"), "utf8")).toContain("No sample can be shown");
    expect(openTriplets(out).imagePath("A0")).toBe(join(folder, "remote", "images", "A0.jpg"));
    expect(openTriplets(out).imagePath("A1")).toBeUndefined();
  });

  it("says what to do when no items go together", async () => {
    const file = writeCatalogue("alone", ["A,a.jpg,hat,red", "B,b.jpg,cap,blue"]);
    const out = join(folder, "alone-triplets");
    const { code, errors } = await run("--catalogue", file, "--attributes", "colour", "--out", out);
    expect(code).toBe(1);
    expect(errors).toMatch(/DATASET_INVALID: .*no two train items.*got 2 rows; name fewer --attributes/);
    expect(existsSync(out)).toBe(false);
  });

  it("lists every wrong option, and leaves folders alone that are not empty", async () => {
    const wrong = await run(
      ["--attributes", "colour,,colour", "--out", join(folder, "x"), "--pairs", "0", "--max-changes", "4"],
      ["--split", "0.5,0.6,0", "--answers", "all", "--seed", "x"],
    );
    expect(wrong.code).toBe(2);
    for (const name of [
      "catalogue is missing",
      "attributes",
      "pairs",
      "max-changes",
      "split",
      "answers",
      "seed",
    ]) {
      expect(wrong.errors).toContain(`  - --${name}`);
    }
    const full = await run("--catalogue", catalogue, "--attributes", "colour", "--out", join(folder, "shop"));
    expect(full.code).toBe(2);
    expect(full.errors).toMatch(/--out: must be a new or an empty folder; got captions/);
    expect(existsSync(catalogue)).toBe(true);
  });
});
