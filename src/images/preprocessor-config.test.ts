import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { readSafetensors } from "../tensor-files/safetensors.js";
import { normalisePixels, processImage } from "./image-processor.js";
import { type ProcessorFamily, preprocessorFile, readPreprocessorConfig } from "./preprocessor-config.js";
import { readPixels } from "./read-pixels.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sdfn-preprocessor-"));
  return () => rmSync(folder, { recursive: true, force: true });
});

function read(config: unknown, family: ProcessorFamily = "clip") {
  writeFileSync(join(folder, preprocessorFile), typeof config === "string" ? config : JSON.stringify(config));
  return readPreprocessorConfig(folder, family);
}

const square = (px: number) => ({ widthPx: px, heightPx: px });

describe("readPreprocessorConfig", () => {
  it("fills what a family's files leave out; null is absent", () => {
    expect(read({ size: null })).toMatchObject({
      resize: { kind: "shortSide", px: 224 },
      resample: "bicubic",
      outputPx: square(224),
      rescaleFactor: 1 / 255,
      mean: [0.48145466, 0.4578275, 0.40821073],
    });
    expect(read({ resample: 2 }, "siglip")).toEqual({
      resize: { kind: "exact", ...square(224) },
      resample: "bilinear",
      outputPx: square(224),
      rescaleFactor: 1 / 255,
      mean: [0.5, 0.5, 0.5],
      deviation: [0.5, 0.5, 0.5],
    });
    expect(read({}, "dinov2")).toMatchObject({
      resize: { kind: "shortSide", px: 256 },
      outputPx: square(224),
      mean: [0.485, 0.456, 0.406],
    });
  });

  it.each([
    [{ size: 336, crop_size: 320 }, { kind: "shortSide", px: 336 }, square(320)],
    [
      { size: { shortest_edge: 9 }, crop_size: { height: 7, width: 5 } },
      { kind: "shortSide", px: 9 },
      { widthPx: 5, heightPx: 7 },
    ],
    [
      { size: { height: 7, width: 5 }, do_center_crop: false },
      { kind: "exact", widthPx: 5, heightPx: 7 },
      { widthPx: 5, heightPx: 7 },
    ],
    [{ do_resize: false, crop_size: 8 }, { kind: "none" }, square(8)],
  ])("understands every form of sizes: %j", (config, resize, outputPx) => {
    expect(read(config)).toMatchObject({ resize, outputPx });
  });

  it("does not scale or normalise where the file says so", () => {
    expect(read({ do_rescale: false, do_normalize: false })).toMatchObject({
      rescaleFactor: 1,
      mean: [0, 0, 0],
      deviation: [1, 1, 1],
    });
    expect(read({ rescale_factor: 0.5 }).rescaleFactor).toBe(0.5);
  });

  it.each([
    [{ size: 224, do_center_crop: false }, /leaves pictures of different sizes; got "size" 224 and no crop/],
    [{ do_resize: false, do_center_crop: false }, /leaves pictures of different sizes/],
    [{ resample: 4 }, /"resample" must be one of 0 \(nearest\), .*; got 4/],
    [{ size: { longest_edge: 9 } }, /cannot be read; got .*size/s],
    [{ size: 1e9 }, /cannot be read; got .*size/s],
    [{ size: 0 }, /cannot be read; got .*size/s],
    [{ crop_size: { shortest_edge: 9 } }, /"crop_size" must be a number or/],
    [{ image_std: [1, 1, 0] }, /image_std/],
    [{ do_pad: true }, /do_pad/],
    ["{", /cannot be read; got SyntaxError/],
    [`{"x": "${"x".repeat(2 ** 20)}"}`, /at most 1048576 are read/],
  ])("refuses %.60j", (config, message) => {
    expect(() => read(config)).toThrow(message);
  });

  it("names a missing file", () => {
    expect(() => readPreprocessorConfig(folder, "clip")).toThrow(
      /preprocessor_config\.json: there is no such file; download the model's folder again/,
    );
  });
});

const published = join(import.meta.dirname, "../../../shared/golden/encoders");
if (!existsSync(published)) console.warn(`SKIPPED: no folders of tiny models at ${published}`);

describe.skipIf(!existsSync(published))("folders of tiny models", () => {
  it.each(["clip", "siglip"] as const)(
    "give the pixels of the reference, from the files: %s",
    async (family) => {
      const model = join(published, `tiny-${family}`);
      const { tensors } = readSafetensors(join(model, "pixel_values.safetensors"));
      const processor = readPreprocessorConfig(model, family);
      const photos = ["hot_dog.jpg", "parrot.jpg", "grace_hopper.bmp"].map((name) =>
        join(published, "../../data/weights/test_photos", name),
      );
      const seen = await Promise.all(
        photos.map(async (photo) => processImage(await readPixels(photo), processor, photo)),
      );
      const bytes = seen.flatMap(({ data }) => [...data]);
      const expected = [...(tensors.get("pixels_u8")?.data ?? [])].map(Number);
      expect(bytes.filter((value, i) => value !== expected[i])).toHaveLength(0);
      expect(bytes).toHaveLength(expected.length);
      const values = seen.flatMap((picture) => [...normalisePixels(picture, processor)]);
      const wanted = [...(tensors.get("pixel_values")?.data ?? [])].map(Number);
      expect(Math.max(...values.map((value, i) => Math.abs(value - (wanted[i] ?? Number.NaN))))).toBeLessThan(
        1e-6,
      );
    },
  );
});
