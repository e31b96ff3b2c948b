import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recordingContext } from "../../../tests/cli/recording-context.js";
import { Random } from "../../engine/tensor/random.js";
import { int64, type Tensor } from "../../engine/tensor/tensor.js";
import { ResNetClassifier } from "../../models/backbones/resnet-classifier.js";
import { writeSafetensors } from "../../tensor-files/safetensors.js";
import { runProgram } from "../run-program.js";
import { mostProbable } from "../weights/classify-images.js";

let folder: string;
let file: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "weights-check-"));
  file = join(folder, "small.safetensors");
  const model = new ResNetClassifier("resnet18", new Random(1), { width: 1 / 64, classCount: 3 });
  model.fc.weight.data.fill(0);
  model.fc.bias?.data.set([1, 3, 2]); // whatever the image: class 1, then 2, then 0
  writeSafetensors(
    file,
    new Map<string, Tensor>([...model.stateDict(), ["bn1.num_batches_tracked", int64([], [5])]]),
  );
  await sharp({ create: { width: 40, height: 60, channels: 3, background: "red" } })
    .png()
    .toFile(join(folder, "red.png"));
  writeFileSync(join(folder, "labels.txt"), "zero\none\ntwo\n");
});
afterAll(() => rmSync(folder, { recursive: true }));

async function check(...args: string[]) {
  const context = recordingContext();
  const code = await runProgram(["weights", "check", ...args], context);
  return { code, output: context.output(), errors: context.errors() };
}

describe("sdfn weights check", () => {
  it("lists architecture, tensors, parameters, types and what is ignored", async () => {
    const { code, output } = await check(file);
    expect(code).toBe(0);
    expect(output).toMatch(/small\.safetensors: safetensors\n/);
    expect(output).toMatch(/architecture +resnet18, width 0\.015625\n/);
    expect(output).toMatch(/classifier +3 classes\n/);
    expect(output).toMatch(/tensors +103 \(102 F32, 1 I64\)\n/);
    expect(output).toMatch(/ignored: fc\.weight, fc\.bias, bn1\.num_batches_tracked\n/);
    expect(output).toMatch(/folded/); // new batch norms have means 0 and variances 1
  });

  it("names the most probable classes of images, those of a folder too", async () => {
    const { output } = await check(file, "--image", folder, "--labels", join(folder, "labels.txt"));
    expect(output).toMatch(/\nred\.png\n {2}one +66\.5 %\n {2}two +24\.5 %\n {2}zero +9\.0 %\n/);
    const json = JSON.parse((await check(file, "--image", join(folder, "red.png"), "--json")).output);
    expect(json).toMatchObject({ classes: 3, tensors: 103, types: { F32: 102, I64: 1 } });
    expect(json.images[0].top.map(({ index }: { index: number }) => index)).toEqual([1, 2, 0]);
    expect(json.images[0].top[0]).toMatchObject({ label: null, probability: expect.closeTo(0.6652, 3) });
  });

  it("refuses a file that is not the wanted network, with all differences", async () => {
    const { code, errors } = await check(file, "--arch", "resnet50");
    expect(code).toBe(1);
    expect(errors).toMatch(/STATE_DICT_MISMATCH: .*holds a resnet18 at width 0\.015625/);
    expect(errors).toMatch(/missing layer1\.0\.conv3\.weight/);
  });

  it("reports wrong options: images, labels, architecture", async () => {
    expect(await check(file, "--image", "nowhere.png")).toMatchObject({
      code: 2,
      errors: expect.stringMatching(/nowhere\.png is not there/),
    });
    writeFileSync(join(folder, "few.txt"), "zero\none\n");
    expect((await check(file, "--labels", join(folder, "few.txt"))).errors).toMatch(/3 classes; got 2/);
    expect((await check(file, "--arch", "vgg")).errors).toMatch(/must be one of auto, resnet18/);
  });

  it("describes a file of other tensors, and refuses to classify with it", async () => {
    const other = join(folder, "other.safetensors");
    writeSafetensors(other, new Map<string, Tensor>([["x", int64([2], [1, 2])]]));
    expect((await check(other)).output).toMatch(/not a known ResNet/);
    const image = join(folder, "red.png");
    expect(await check(other, "--image", image)).toMatchObject({
      code: 1,
      errors: expect.stringMatching(/WEIGHTS_INVALID/),
    });
  });
});

describe("mostProbable", () => {
  it("gives softmax probabilities, largest first, without overflow", () => {
    const [first, second] = mostProbable(Float32Array.of(-1000, 1000, 1000 + Math.log(3)), 2);
    expect(first).toEqual({ index: 2, probability: expect.closeTo(0.75, 3) });
    expect(second).toEqual({ index: 1, probability: expect.closeTo(0.25, 3) });
  });
});
