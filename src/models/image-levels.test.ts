/** Levels as models ask for them: raw, halved, projected. */
import { expect, it } from "vitest";
import { Input } from "../engine/graph/value.js";
import { Random } from "../engine/tensor/random.js";
import { ForwardPass } from "../nn/forward-pass.js";
import { encoderSchema } from "./encoder-config.js";
import { ImageEncoder } from "./image-encoder.js";

const config = encoderSchema.parse({
  backbone: "resnet18",
  backboneWidth: 1 / 16,
  embedDim: 12,
  imageNorm: "batch",
});
const images = new Input("images", "float32", [2, 3, 72, 72]);

it("gives maps as the backbone has them, halved, or projected to D with a norm of their own", () => {
  const requests = [
    "layer3",
    { name: "layer2", isHalved: true },
    { name: "layer1", isHalved: true, isProjected: true },
  ];
  const encoder = new ImageEncoder(config, new Random(1), requests);
  const pass = ForwardPass.training();
  const { levels, regions } = encoder.forward(images, pass);
  expect(regions.shape).toEqual([2, 9, 12]);
  expect(levels.map((level) => [level.name, level.rows, level.columns, level.regions.shape])).toEqual([
    ["layer3", 5, 5, [2, 25, 16]],
    ["layer2", 5, 5, [2, 25, 8]], // 9x9, the last window cut
    ["layer1", 9, 9, [2, 81, 12]],
  ]);
  const names = [...encoder.state().keys()].filter((name) => name.startsWith("levels."));
  expect(names).toEqual([
    "levels.layer1.proj.weight",
    "levels.layer1.proj.bias",
    "levels.layer1.norm.weight",
    "levels.layer1.norm.bias",
    "levels.layer1.norm.running_mean",
    "levels.layer1.norm.running_var",
  ]);
});

it("caches halved maps, which are a quarter of the whole ones", () => {
  const encoder = new ImageEncoder(config, new Random(1), [{ name: "layer2", isHalved: true }]);
  const maps = encoder.featureMaps(images, ForwardPass.inference());
  expect(maps["images.layer2"]?.shape).toEqual([2, 8, 5, 5]);
});

it("gives the last stage's map before its projection, which is cached once", () => {
  const encoder = new ImageEncoder(config, new Random(1), ["last", { name: "layer4", isHalved: true }]);
  const maps = encoder.featureMaps(images, ForwardPass.inference());
  expect(Object.entries(maps).map(([name, { shape }]) => [name, shape])).toEqual([
    ["images", [2, 32, 3, 3]],
    ["images.layer4", [2, 32, 2, 2]],
  ]);
  const { levels } = encoder.forward(images, ForwardPass.inference());
  expect(levels.map(({ regions }) => regions.shape)).toEqual([
    [2, 9, 32],
    [2, 4, 32],
  ]);
});

it("says which levels there are where one is asked for that there is not", () => {
  expect(() => new ImageEncoder(config, new Random(1), ["layer9"])).toThrow(
    "resnet18: has no level layer9; known are layer1, layer2, layer3, layer4",
  );
});
