/** Bundles that cannot be trusted are refused, naming the file; and how a bundle comes to be whole or not at all. */
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requireFileSize } from "../../src/bundle/bundle-graphs.js";
import { exportBundle } from "../../src/bundle/export-bundle.js";
import { openBundle } from "../../src/bundle/open-bundle.js";
import { BundleError } from "../../src/errors.js";
import { untrainedRun } from "./untrained-run.js";

let root: string;
let whole: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "damaged-"));
  whole = join(root, "whole");
  exportBundle(untrainedRun(), whole);
});
afterAll(() => rmSync(root, { recursive: true }));

type Manifest = ReturnType<typeof exportBundle>;
let count = 0;

/** Opens a copy of the bundle after `change`; what it is refused with, or "opened". */
async function refusal(change: (dir: string) => void): Promise<string> {
  count += 1;
  const dir = join(root, `copy-${count}`);
  cpSync(whole, dir, { recursive: true });
  change(dir);
  try {
    const encoder = await openBundle(dir, { threadCount: 1 });
    await encoder.close();
    return "opened";
  } catch (error) {
    expect(error).toBeInstanceOf(BundleError);
    return (error as Error).message;
  }
}

/** Changes the manifest as JSON. */
const edited = (edit: (manifest: Manifest & Record<string, unknown>) => void) =>
  refusal((dir) => {
    const file = join(dir, "manifest.json");
    const manifest = JSON.parse(readFileSync(file, "utf8"));
    edit(manifest);
    writeFileSync(file, JSON.stringify(manifest));
  });

describe("openBundle", () => {
  it("opens an unchanged copy, with files beside it that are not its own", async () => {
    expect(await refusal((dir) => writeFileSync(join(dir, "notes.txt"), "ours"))).toBe("opened");
  });

  it.each(["image-encoder.onnx", "query-encoder.onnx", "vocabulary.json"])(
    "refuses a damaged %s",
    async (name) => {
      const flipped = await refusal((dir) => {
        const bytes = readFileSync(join(dir, name));
        bytes[bytes.length - 9] = (bytes[bytes.length - 9] ?? 0) ^ 1;
        writeFileSync(join(dir, name), bytes);
      });
      expect(flipped).toMatch(
        new RegExp(`${name}: damaged, its SHA-256 is not the manifest's; got [0-9a-f]{64}`),
      );
      expect(await refusal((dir) => truncateSync(join(dir, name), 9))).toMatch(/must have \d+ bytes; got 9/);
      expect(await refusal((dir) => appendFileSync(join(dir, name), "x"))).toMatch(/must have \d+ bytes/);
      expect(await refusal((dir) => rmSync(join(dir, name)))).toMatch(
        new RegExp(`${name}: there is no such file`),
      );
      const linked = await refusal((dir) => {
        renameSync(join(dir, name), join(dir, "elsewhere"));
        symlinkSync(join(dir, "elsewhere"), join(dir, name));
      });
      expect(linked).toMatch(/must be a file, no link or folder/);
    },
  );

  it("refuses a folder without a manifest, and what is no manifest", async () => {
    expect(await refusal((dir) => rmSync(join(dir, "manifest.json")))).toMatch(
      /manifest\.json: there is no such file/,
    );
    expect(await refusal((dir) => rmSync(dir, { recursive: true }))).toMatch(/sdfn export/);
    const written = (text: string) => refusal((dir) => writeFileSync(join(dir, "manifest.json"), text));
    expect(await written("{")).toMatch(/not JSON/);
    expect(await written("null")).toMatch(/format 2; got undefined/);
    expect(await written(`"${"x".repeat(2 ** 20)}"`)).toMatch(/must be at most 1048576 bytes/);
  });

  it("refuses another format, saying which it reads", async () => {
    const message = await edited((manifest) => Object.assign(manifest, { format: 1 }));
    expect(message).toMatch(/reads bundles of format 2; got 1; export the run again with this version/);
  });

  it("refuses names that lead elsewhere, and fields it does not know", async () => {
    const asFile = (file: string) => edited(({ graphs }) => Object.assign(graphs.images, { file }));
    expect(await asFile("../whole/image-encoder.onnx")).toMatch(/graphs\.images\.file/);
    expect(await asFile("/etc/passwd")).toMatch(/graphs\.images\.file/);
    const listed = await edited(({ files }) => Object.assign(files, { "../../x": files["vocabulary.json"] }));
    expect(listed).toMatch(/Unrecognized key.*\.\.\/\.\.\/x/);
    expect(await edited((manifest) => Object.assign(manifest, { script: "x" }))).toMatch(/script/);
  });

  it("refuses sizes past its limits", async () => {
    expect(await edited((manifest) => Object.assign(manifest, { embedDim: 1e9 }))).toMatch(/embedDim/);
    const huge = await edited(({ preprocessing }) => Object.assign(preprocessing.image, { resizePx: 1e6 }));
    expect(huge).toMatch(/resizePx/);
    for (const phrases of [
      Array(501).fill("is red"),
      ["x".repeat(81)],
      [""],
      ["is\u0000red"],
      ["\u202Ered"],
      "is red",
    ]) {
      expect(await edited((manifest) => Object.assign(manifest, { phrases }))).toMatch(/phrases/);
    }
  });

  it("opens a bundle without phrases, and other phrases do not make another model", async () => {
    expect(await edited((manifest) => delete manifest.phrases)).toBe("opened");
    expect(await edited((manifest) => Object.assign(manifest, { phrases: ["is green"] }))).toBe("opened");
    const encoder = await openBundle(whole, { threadCount: 1 });
    expect(encoder.phrases).toEqual(["is red", "is blue"]);
    await encoder.close();
  });

  it("refuses another identity, other preparation under the same one, and descriptions that are not the models'", async () => {
    expect(await edited((manifest) => Object.assign(manifest, { modelId: "x" }))).toMatch(
      /modelId does not belong/,
    );
    const resized = await edited(({ preprocessing }) => Object.assign(preprocessing.image, { resizePx: 41 }));
    expect(resized).toMatch(/modelId does not belong/);
    const shaped = await edited(({ graphs }) => graphs.queries.inputs.tokens?.shape.splice(1, 1, 6));
    expect(shaped).toMatch(/query-encoder\.onnx does not take and give what the manifest says/);
  });
});

describe("exportBundle", () => {
  it("lists shapes and checksums, keeps origin, and leaves folders of the machine out", () => {
    expect(readdirSync(whole).sort()).toEqual([
      "image-encoder.onnx",
      "manifest.json",
      "query-encoder.onnx",
      "vocabulary.json",
    ]);
    const text = readFileSync(join(whole, "manifest.json"), "utf8");
    expect(text).not.toContain("private");
    const manifest: Manifest = JSON.parse(text);
    expect(manifest.provenance).toMatchObject({ commit: "abc", dataset: "drawn", seed: 1, validation: null });
    expect(manifest.graphs.images.inputs.images).toMatchObject({
      dtype: "uint8",
      shape: ["batch", 32, 32, 3],
    });
    expect(manifest.graphs.queries.outputs["routes.0"]).toMatchObject({ shape: ["batch", 4, 4] });
    expect(manifest.graphs.queries.outputs.attention).toMatchObject({ shape: ["batch", "words", 1] });
  });

  it("writes the same bytes each time", () => {
    const again = join(root, "again");
    exportBundle(untrainedRun(), again);
    for (const name of readdirSync(whole)) {
      expect(readFileSync(join(again, name)).equals(readFileSync(join(whole, name)))).toBe(true);
    }
  });

  it("keeps a folder that holds something, and takes an empty one", () => {
    const taken = join(root, "taken");
    mkdirSync(taken);
    const fresh = join(root, "fresh");
    mkdirSync(fresh);
    writeFileSync(join(taken, "mine.txt"), "mine");
    expect(() => exportBundle(untrainedRun(), taken)).toThrow(/the folder is not empty; got mine\.txt/);
    expect(readdirSync(taken)).toEqual(["mine.txt"]);
    exportBundle(untrainedRun(), fresh);
    expect(readdirSync(fresh)).toHaveLength(4);
  });

  it("leaves nothing when it cannot write", () => {
    const file = join(root, "file");
    writeFileSync(file, "");
    expect(() => exportBundle(untrainedRun(), file)).toThrow(/is a file/);
    expect(() => exportBundle(untrainedRun(), join(file, "bundle"))).toThrow(BundleError);
    const long = join(root, "x".repeat(250)); // has room for its name, not for ".partial"
    expect(() => exportBundle(untrainedRun(), long)).toThrow(/cannot be written; got .*ENAMETOOLONG/);
    expect(readdirSync(root).filter((name) => name.includes(".partial"))).toEqual([]);
  });

  it("refuses models that no ONNX file holds", () => {
    expect(() => requireFileSize(2 ** 31)).toThrow(/at most \d+ bytes of weights; got 2147483648/);
    requireFileSize(2 ** 30);
  });
});
