import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { changedAttributes } from "./changed-attributes.js";
import { openDataset } from "./datasets/open-dataset.js";
import { generateCatalogue } from "./synthetic/generate.js";

const root = mkdtempSync(join(tmpdir(), "changed-"));
afterAll(() => rmSync(root, { recursive: true }));

describe("changedAttributes", () => {
  let data: string;
  beforeEach(() => {
    data = mkdtempSync(join(root, "data-"));
    const line = { reference: "a", target: "b", text: "is blue", category: "dress" };
    writeFileSync(join(data, "triplets.train.jsonl"), `${JSON.stringify(line)}\n`);
  });
  const catalogue =
    "id,image,category,colour,fit,brand\na,a.jpg,dress,red,loose,X\nb,b.jpg,dress,Blue,loose,Y\n";
  const triplet = (target: string) => ({ reference: "a", target, captions: [], category: "dress" });

  it("compares the attributes that triplets were made of, in the catalogue that they were made from", async () => {
    mkdirSync(join(data, "shop"));
    writeFileSync(join(data, "shop", "items.csv"), catalogue);
    writeFileSync(
      join(data, "dataset.json"),
      JSON.stringify({
        format: 1,
        imageRoot: "shop",
        made: { catalogue: "elsewhere/shop/items.csv", attributes: ["colour", "fit"] },
      }),
    );
    const changed = await changedAttributes(openDataset(data));
    expect(changed?.(triplet("b"))).toEqual(["colour"]);
    expect(changed?.(triplet("a"))).toEqual([]);
    expect(changed?.(triplet("gone"))).toBeUndefined();
  });

  it("knows nothing of triplets without a catalogue, or whose catalogue is gone", async () => {
    expect(await changedAttributes(openDataset(data))).toBeUndefined();
    const made = { catalogue: "items.csv", attributes: ["colour"] };
    writeFileSync(join(data, "dataset.json"), JSON.stringify({ format: 1, made }));
    expect(await changedAttributes(openDataset(data))).toBeUndefined();
  });

  it("passes over rows that cannot be used", async () => {
    writeFileSync(join(data, "catalogue.csv"), `${catalogue}c,,dress,red,loose,X\n`);
    const changed = await changedAttributes(openDataset(data));
    expect(changed?.(triplet("b"))).toEqual(["colour", "brand"]);
    expect(changed?.(triplet("c"))).toBeUndefined();
  });

  it("finds at least one attribute that every triplet of the built-in catalogue changes", async () => {
    const built = join(root, "built-in");
    await generateCatalogue(built, { itemsPerCategory: 20, triplets: 30, sizePx: 32 });
    const dataset = openDataset(built);
    const changed = await changedAttributes(dataset);
    for (const each of dataset.split("train").triplets) expect(changed?.(each)?.length).toBeGreaterThan(0);
  });
});
