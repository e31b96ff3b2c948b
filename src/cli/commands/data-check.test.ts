import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { recordingContext } from "../../../tests/cli/recording-context.js";
import { runProgram } from "../run-program.js";

let root: string;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "data-check-"));
  const entry = (target: string, candidate: string, second = "y") => ({
    target,
    candidate,
    captions: ["x", second],
  });
  writeJson("captions/cap.dress.val.json", [entry("D1", "D2"), entry("D3", "D2", " "), entry("D2", "D2")]);
  writeJson("captions/cap.dress.test.json", [{ candidate: "D9", captions: ["x", "y"] }]);
  writeJson("image_splits/split.dress.val.json", ["D1", "D2", "D3", "D4", "D5"]);
  writeJson("image_splits/split.dress.test.json", ["D9", "D1"]);
  for (const id of ["D1", "D2", "D3", "D4", "D9"]) await drawImage(id);
});
afterEach(() => rmSync(root, { recursive: true }));

function writeJson(path: string, content: unknown): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), JSON.stringify(content));
}

async function drawImage(id: string): Promise<void> {
  mkdirSync(join(root, "images"), { recursive: true });
  await sharp({ create: { width: 4, height: 4, channels: 3, background: "#a52" } }).toFile(
    join(root, "images", `${id}.png`),
  );
}

async function check(...args: string[]) {
  const context = recordingContext();
  const code = await runProgram(["data", "check", root, ...args], context);
  return { code, output: context.output(), errors: context.errors() };
}

describe("sdfn data check", () => {
  it("counts queries, galleries and images by split, and ends with 1 where images cannot be used", async () => {
    writeFileSync(join(root, "images", "D9.png"), "<html>");
    const { code, output, errors } = await check("--json");
    expect(code).toBe(1);
    expect(errors).toBe("");
    expect(output.trimEnd().split("\n")).toHaveLength(1);
    expect(JSON.parse(output)).toEqual({
      dataset: "fashioniq",
      root,
      splits: [
        {
          split: "val",
          epochTriplets: 3,
          perCategory: {
            dress: {
              queries: 3,
              untargeted: 0,
              targetIsReference: 1,
              emptyCaptions: 1,
              images: 5,
              gallery: { "val-split": 3, original: 5 },
            },
          },
          images: { named: 5, missing: 1, broken: 0 },
        },
        {
          split: "test",
          epochTriplets: 0,
          perCategory: {
            dress: {
              queries: 0,
              untargeted: 1,
              targetIsReference: 0,
              emptyCaptions: 0,
              images: 2,
              gallery: { "val-split": 0, original: 2 },
            },
          },
          images: { named: 2, missing: 0, broken: 1 },
        },
      ],
      images: { named: 6, missing: 1, broken: 1 },
      notes: 0,
      list: null,
    });
  });

  it("writes missing and broken images with reasons, for people too", async () => {
    writeFileSync(join(root, "images", "D9.png"), "<html>");
    const list = join(root, "problems.tsv");
    const { code, output } = await check("--dataset", "fashioniq", "--list", list);
    expect(code).toBe(1);
    expect(output).toMatch(/^fashioniq, .*\n +queries +untargeted/);
    expect(output).toMatch(/\nval dress +3 +0 +1 +1 +5 +3 +5\n/);
    expect(output).toMatch(/\nall: 5 of 6 images are there, 1 missing, 1 broken\n/);
    const rows = readFileSync(list, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t"));
    expect(rows).toEqual([
      ["D5", "missing", `no file at ${join(root, "images", "{id}.jpg")}`],
      ["D9", "broken", expect.stringMatching(/D9\.png: must be a JPEG, PNG or WebP image; got HTML/)],
    ]);
  });

  it("tells of a JPEG that lacks only its end, which is no problem", async () => {
    await drawImage("D5");
    const whole = await sharp(join(root, "images", "D1.png"))
      .jpeg()
      .toBuffer();
    rmSync(join(root, "images", "D1.png"));
    writeFileSync(join(root, "images", "D1.jpg"), whole.subarray(0, -2));
    const list = join(root, "problems.tsv");
    const { code, output } = await check("--list", list);
    const note = "the file ends early; its end marker is missing, and every pixel was read";
    expect(code).toBe(0);
    expect(output).toContain(`\nread with a note: 1; the first is D1: ${note}\n`);
    expect(readFileSync(list, "utf8")).toBe(`D1\tnote\t${note}\n`);
    expect(JSON.parse((await check("--json")).output)).toMatchObject({ images: { broken: 0 }, notes: 1 });
  });

  it("ends with 0 when every image is sound, or when it was not asked", async () => {
    expect((await check("--annotations-only")).code).toBe(0);
    expect((await check("--annotations-only")).output).toMatch(/1 missing; none was decoded/);
    await drawImage("D5");
    expect((await check()).code).toBe(0);
  });

  it("reports wrong annotations, layouts and options as errors", async () => {
    expect(await check("--dataset", "shoes")).toMatchObject({
      code: 1,
      errors: expect.stringMatching(/^DATASET_INVALID: .*relative_captions_shoes\.json: file is missing/),
    });
    expect(await check("--dataset", "hats")).toMatchObject({
      code: 2,
      errors: expect.stringMatching(/--dataset must be one of fashioniq, shoes, fashion200k/),
    });
    expect(await check("--list", join(root, "no", "folder"))).toMatchObject({
      code: 2,
      errors: expect.stringMatching(/^USAGE: --list: the file cannot be written/),
    });
    writeJson("captions/cap.dress.val.json", [{ target: "D1" }]);
    expect(await check("--annotations-only")).toMatchObject({
      code: 1,
      errors: expect.stringMatching(/cap\.dress\.val\.json:[\s\S]*entry 0: "captions" must be two strings/),
    });
  });
});
