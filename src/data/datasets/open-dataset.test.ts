import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DatasetError } from "../../errors.js";
import { datasetNames, openDataset } from "./open-dataset.js";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "open-dataset-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), "");
}

describe("openDataset", () => {
  it.each([
    ["fashioniq", "captions/cap.dress.val.json"],
    ["shoes", "relative_captions_shoes.json"],
    ["fashion200k", "labels/dress_test_detect_all.txt"],
  ] as const)("recognises %s by %s and names it so in results", (name, file) => {
    write(file);
    expect(openDataset(root).name).toBe(name);
    expect(openDataset(root, name).name).toBe(name);
    for (const other of datasetNames.filter((known) => known !== name)) {
      expect(() => openDataset(root, other)).toThrow(DatasetError);
    }
  });

  it("says what it looked for in a folder that it does not know", () => {
    const open = () => openDataset(join(root, "nowhere"));
    expect(open).toThrow(DatasetError);
    expect(open).toThrow(
      /nowhere: is no data set that is known[\s\S]*- shoes: relative_captions_shoes\.json/,
    );
  });

  it("asks which one is meant when a folder holds two", () => {
    write("captions/cap.dress.val.json");
    write("relative_captions_shoes.json");
    expect(() => openDataset(root)).toThrow(/got fashioniq and shoes; say which with --dataset/);
    expect(openDataset(root, "shoes").name).toBe("shoes");
  });
});
