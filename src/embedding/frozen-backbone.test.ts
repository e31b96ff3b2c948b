import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { cast, constant } from "../engine/ops/constant.js";
import { runOnce } from "../engine/runtime/session.js";
import { Random } from "../engine/tensor/random.js";
import { EnvironmentError, ImageError, WeightsError } from "../errors.js";
import { centreCrop, stackCrops } from "../images/crops.js";
import type { PictureTensors } from "../images/feature-maps.js";
import { ImageCache } from "../images/image-cache.js";
import type { CompositionModel } from "../models/composition-model.js";
import { createModel } from "../models/registry.js";
import { ForwardPass } from "../nn/forward-pass.js";
import { FrozenBackbone } from "./frozen-backbone.js";

const [resizePx, imagePx] = [71, 64];
const ids = Array.from({ length: 35 }, (_, i) => String(i));
const plain = ids.map((id) => ({ id, isFlipped: false }));
let folder: string;
let cacheDir: string;

/** Noise, so that no two crops look alike. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "frozen-images-"));
  const random = new Random(3);
  for (const id of ids) {
    const data = Uint8Array.from({ length: resizePx * resizePx * 3 }, () => random.integer(256));
    await sharp(data, { raw: { width: resizePx, height: resizePx, channels: 3 } }).toFile(pathOf(id));
  }
  return () => rmSync(folder, { recursive: true });
});
beforeEach(() => {
  cacheDir = mkdtempSync(join(tmpdir(), "frozen-cache-"));
  return () => rmSync(cacheDir, { recursive: true });
});

const pathOf = (id: string) => join(folder, `${id}.png`);

function modelOf(seed = 1): CompositionModel {
  const config = { backbone: "resnet18", backboneWidth: 1 / 16, embedDim: 6 };
  return createModel("image-only", config, { vocabularySize: 5, random: new Random(seed), imagePx: 64 });
}

function open(
  model: CompositionModel,
  { px = imagePx, path = pathOf }: { px?: number; path?: (id: string) => string | undefined } = {},
): Promise<FrozenBackbone> {
  return FrozenBackbone.open(model, {
    images: new ImageCache(path, { sizePx: resizePx }),
    imagePath: path,
    imagePx: px,
    imageFit: "squash",
    cacheDir,
    session: { threadCount: 1 },
  });
}

/** Opens, uses, closes. */
async function using<T>(
  opening: Promise<FrozenBackbone>,
  use: (features: FrozenBackbone) => Promise<T>,
): Promise<T> {
  const features = await opening;
  try {
    return await use(features);
  } finally {
    await features.release();
  }
}

const missingOf = (opening: Promise<FrozenBackbone>, requests = plain) =>
  using(opening, async (features) => (await features.plan(requests)).missing.length);

async function floats({ images }: PictureTensors): Promise<Float32Array> {
  const { y } = await runOnce({ y: cast(constant(images), "float32") });
  return y.data as Float32Array;
}

function changeParameter({ image }: CompositionModel, name: string, change: (value: number) => number): void {
  const parameter = image.backbone.state().get(name);
  if (!parameter) throw new Error(`no ${name}`);
  parameter.data = parameter.data.map(change);
}

/** What the model itself computes of the pictures. */
async function directly(model: CompositionModel, isFlipped: boolean): Promise<Float32Array> {
  const pictures = await stackCrops(new ImageCache(pathOf, { sizePx: resizePx }), ids.slice(0, 3), {
    crops: Array.from({ length: 3 }, () => ({ ...centreCrop(resizePx, imagePx), isFlipped })),
    cropPx: imagePx,
  });
  const { maps } = await runOnce({
    maps: model.image.featureMaps(constant(pictures), ForwardPass.inference()).images,
  });
  return maps.data as Float32Array;
}

function expectWithinHalfPrecision(actual: Float32Array, expected: Float32Array): void {
  expect(actual.length).toBe(expected.length);
  expect(Math.max(...expected)).toBeGreaterThan(0.01);
  const errors = expected.map((value, i) => Math.abs(value - (actual[i] ?? 0)) / (Math.abs(value) + 1e-4));
  expect(Math.max(...errors)).toBeLessThan(2 ** -10);
}

describe("FrozenBackbone", () => {
  it("gives what the backbone gives, to half precision, plain and mirrored, in the order asked", async () => {
    const model = modelOf();
    const flipped = await using(open(model), (features) =>
      features.read(["2", "0", "1"].map((id) => ({ id, isFlipped: true }))),
    );
    const maps = await using(open(model), (features) => features.read(plain.slice(0, 3)));
    expect(maps.images.shape).toEqual([3, 32, 2, 2]);
    expectWithinHalfPrecision(await floats(maps), await directly(model, false));
    const mirrored = await directly(model, true);
    const size = mirrored.length / 3;
    const reordered = [2, 0, 1].flatMap((i) => [...mirrored.subarray(i * size, (i + 1) * size)]);
    expectWithinHalfPrecision(await floats(flipped), Float32Array.from(reordered));
  });

  it("tells what is missing and how large it will be, and computes it once", async () => {
    const model = modelOf();
    await using(open(model), async (features) => {
      const plan = await features.plan(plain);
      expect(plan).toEqual({ missing: plain, sizeBytes: 35 * 2 * 32 * 2 * 2 });
      const progress: number[] = [];
      await features.compute(plan, { onProgress: (done) => progress.push(done) });
      expect(progress).toEqual([32, 35]);
    });
    expect(await missingOf(open(model))).toBe(0);
  });

  it("computes each map once when two batches ask for it at the same time", async () => {
    await using(open(modelOf()), async (features) => {
      const [{ images: one }, { images: other }] = await Promise.all([
        features.read(plain.slice(0, 2)),
        features.read([...plain.slice(1, 3), ...plain.slice(1, 2)]),
      ]);
      expect(other.data.subarray(0, 128)).toEqual(one.data.subarray(128));
      expect(other.data.subarray(256)).toEqual(one.data.subarray(128));
      const rows = readdirSync(features.folder).find((name) => name.endsWith(".rows")) ?? "";
      expect(readFileSync(join(features.folder, rows)).length).toBe(3 * features.mapBytes);
    });
  });

  it("continues where it was stopped", async () => {
    const model = modelOf();
    await using(open(model), async (features) =>
      features.compute(await features.plan(plain), { signal: AbortSignal.abort() }),
    );
    expect(await missingOf(open(model))).toBe(3);
  });

  it("shares maps by content of files, and keeps them apart by weights and by preparation", async () => {
    await using(open(modelOf()), (features) => features.read(plain.slice(0, 2)));
    const two = plain.slice(0, 2);
    expect(await missingOf(open(modelOf()), two)).toBe(0);
    expect(
      await missingOf(open(modelOf(), { path: (id) => pathOf(id.slice(1)) }), [
        { id: "x1", isFlipped: false },
        { id: "x2", isFlipped: false },
      ]),
    ).toBe(1);
    expect(await missingOf(open(modelOf(2)), two)).toBe(2);
    expect(await missingOf(open(modelOf(), { px: imagePx - 32 }), two)).toBe(2);
    const moved = modelOf();
    changeParameter(moved, "bn1.running_var", (value) => 2 * value);
    expect(await missingOf(open(moved), two)).toBe(2);
  });

  it("finds a damaged map, and computes it again when it is read", async () => {
    const model = modelOf();
    const whole = await using(open(model), (features) => features.read(plain.slice(0, 3)));
    await using(open(model), async (features) => {
      const rows = readdirSync(features.folder).find((name) => name.endsWith(".rows")) ?? "";
      const bytes = readFileSync(join(features.folder, rows));
      bytes[features.mapBytes + 7] = (bytes[features.mapBytes + 7] ?? 0) ^ 1;
      writeFileSync(join(features.folder, rows), bytes);
    });
    expect(await missingOf(open(model), plain.slice(0, 3))).toBe(1);
    const again = await using(open(model), (features) => features.read(plain.slice(0, 3)));
    expect(await floats(again)).toEqual(await floats(whole));
    expect(await missingOf(open(model), plain.slice(0, 3))).toBe(0);
  });

  it("refuses before it begins when the disk has no room", async () => {
    const computing = using(open(modelOf()), (features) =>
      features.compute({ missing: plain, sizeBytes: 1e18 }),
    );
    await expect(computing).rejects.toThrow(EnvironmentError);
    await expect(computing).rejects.toThrow(/need 1,000,000,000,000 MB of disk; got [\d,]+ MB free/);
    expect(await missingOf(open(modelOf()))).toBe(35);
  });

  it("names an image without a file, and one whose map is not finite", async () => {
    const request = [{ id: "nowhere", isFlipped: false }];
    await expect(using(open(modelOf()), (features) => features.read(request))).rejects.toThrow(ImageError);
    const model = modelOf();
    changeParameter(model, "bn1.weight", () => 1e9);
    const reading = using(open(model), (features) => features.read(plain.slice(0, 1)));
    await expect(reading).rejects.toThrow(WeightsError);
    await expect(reading).rejects.toThrow(/^0: its feature map is not finite in float16/);
  });
});
