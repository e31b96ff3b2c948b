import { describe, expect, it } from "vitest";
import { Input } from "../../engine/graph/value.js";
import { runOnce } from "../../engine/runtime/session.js";
import { Random } from "../../engine/tensor/random.js";
import { elementCount } from "../../engine/tensor/shape.js";
import { tensor } from "../../engine/tensor/tensor.js";
import { ShapeError } from "../../errors.js";
import { ForwardPass } from "../../nn/forward-pass.js";
import { ResNet } from "./resnet.js";
import { type ResNetName, resNetOutChannels } from "./resnet-architectures.js";

/** torchvision's parameter counts without the classifier, and its number of batch norms. */
const published: readonly [ResNetName, number, number][] = [
  ["resnet18", 11_689_512 - 513_000, 20],
  ["resnet34", 21_797_672 - 513_000, 36],
  ["resnet50", 25_557_032 - 2_049_000, 53],
  ["resnet101", 44_549_160 - 2_049_000, 104],
];

describe("ResNet", () => {
  it.each(published)("%s has torchvision's parameters", (name, parameterCount, normCount) => {
    const state = new ResNet(name, new Random(1), { width: 1 / 64 }).state();
    expect([...state.keys()].filter((key) => key.endsWith("running_var"))).toHaveLength(normCount);
    if (name !== "resnet18") return; // the large ones only by their names: their values take seconds to draw
    const whole = new ResNet(name, new Random(1)).namedParameters();
    expect([...whole.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0)).toBe(parameterCount);
  });

  it("names blocks and shortcuts as torchvision does", () => {
    const basic = new ResNet("resnet18", new Random(1), { width: 1 / 16 }).state();
    expect(basic.get("layer2.0.downsample.0.weight")?.shape).toEqual([8, 4, 1, 1]);
    expect(basic.has("layer2.0.downsample.1.running_mean")).toBe(true);
    expect(basic.has("layer1.0.downsample.0.weight")).toBe(false);
    const deep = new ResNet("resnet50", new Random(1), { width: 1 / 16 }).state();
    expect(deep.get("layer1.0.downsample.0.weight")?.shape).toEqual([16, 4, 1, 1]);
    expect(deep.get("layer4.2.conv3.weight")?.shape).toEqual([128, 32, 1, 1]);
    expect(deep.get("layer1.0.conv1.weight")?.shape).toEqual([4, 4, 1, 1]);
  });

  it.each([
    ["resnet18", 32],
    ["resnet50", 128],
  ] as const)("%s shrinks by 32, rounded up, for any batch size", async (name, channels) => {
    const net = new ResNet(name, new Random(2), { width: 1 / 16 });
    expect(net.outChannels).toBe(channels);
    expect(resNetOutChannels(name, 1 / 16)).toBe(channels);
    const x = new Input("x", "float32", ["batch", 3, 70, 50]);
    const y = net.forward(x, ForwardPass.inference());
    expect(y.shape).toEqual(["batch", channels, 3, 2]);
    const result = await runOnce({ y }, { x: tensor("float32", [2, 3, 70, 50], new Float32Array(21_000)) });
    expect(result.y.shape).toEqual([2, channels, 3, 2]);
  });

  it("gives the same with a fixed batch as with any", async () => {
    const net = new ResNet("resnet18", new Random(3), { width: 1 / 8 });
    const random = new Random(4);
    const data = tensor(
      "float32",
      [2, 3, 33, 47],
      Float32Array.from({ length: 9306 }, () => random.normal()),
    );
    const run = async (batch: 2 | "batch") => {
      const x = new Input("x", "float32", [batch, 3, 33, 47]);
      return (await runOnce({ y: net.forward(x, ForwardPass.inference()) }, { x: data })).y.data;
    };
    const [fixed, any] = [await run(2), await run("batch")];
    for (const [i, value] of [...fixed].entries()) expect(any[i]).toBeCloseTo(Number(value), 4);
  });

  it("refuses a width that gives no whole number of channels", () => {
    expect(() => new ResNet("resnet18", new Random(1), { width: 0.3 })).toThrow(ShapeError);
  });
});
