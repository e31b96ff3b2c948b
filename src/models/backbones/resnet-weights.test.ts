import { describe, expect, it } from "vitest";
import { Random } from "../../engine/tensor/random.js";
import { float32, int64, type Tensor, tensor } from "../../engine/tensor/tensor.js";
import { StateDictError } from "../../errors.js";
import { ResNet } from "./resnet.js";
import { resNetNames } from "./resnet-architectures.js";
import { identifyResNet, loadResNetWeights } from "./resnet-weights.js";

const width = 1 / 64;
const small = (seed = 1) => new ResNet("resnet18", new Random(seed), { width });
/** As a public file of resnet18 has them. */
const published = (): Map<string, Tensor> =>
  new Map<string, Tensor>([
    ...small(7).stateDict(),
    ["bn1.num_batches_tracked", int64([], [3])],
    ["fc.weight", float32([2, 8], new Array<number>(16).fill(0))],
    ["fc.bias", float32([2], [0, 0])],
  ]);

describe("loadResNetWeights", () => {
  it("takes over every value and says what it passed over", () => {
    const backbone = small();
    const given = published();
    const bias = given.get("layer4.1.bn2.bias");
    given.set("layer4.1.bn2.bias", tensor("float64", [8], Float64Array.of(0.1, 1, 2, 3, 4, 5, 6, 7)));
    expect(loadResNetWeights(backbone, given, "x.pth")).toEqual({
      network: "resnet18",
      ignored: ["fc.weight", "fc.bias"],
    });
    const state = backbone.stateDict();
    expect(state.get("layer4.1.bn2.bias")?.data).toEqual(Float32Array.of(0.1, 1, 2, 3, 4, 5, 6, 7));
    state.set("layer4.1.bn2.bias", bias as Tensor<"float32">);
    expect(state).toEqual(small(7).stateDict());
  });

  it("reports every difference at once, and changes nothing", () => {
    const backbone = small();
    const given = published();
    given.delete("bn1.running_var");
    given.set("layer2.0.conv1.weight", float32([1, 1], [1]));
    given.set("head.weight", float32([1], [1]));
    expect(() => loadResNetWeights(backbone, given, "x.pth")).toThrow(
      /^x\.pth: holds a resnet18 at width 0\.015625 with other tensors; [\s\S]*missing bn1\.running_var[\s\S]*unexpected head\.weight[\s\S]*layer2\.0\.conv1\.weight has shape \[1, 1\], expected \[2, 1, 3, 3\]/,
    );
    expect(backbone.stateDict()).toEqual(small().stateDict());
  });

  it("says which network and width the file holds, and how to choose it", () => {
    const wide = new ResNet("resnet18", new Random(1), { width: 1 / 32 });
    const load = () => loadResNetWeights(wide, published(), "x.pth");
    expect(load).toThrow(StateDictError);
    expect(load).toThrow(/--set backbone=resnet18 backboneWidth=0\.015625/);
    expect(() => loadResNetWeights(wide, new Map(), "x.pth")).toThrow(/none of the known ResNets/);
  });

  it("refuses weights that are whole numbers", () => {
    const given = published().set("bn1.bias", int64([1], [0]));
    given.delete("bn1.weight");
    expect(() => loadResNetWeights(small(), given, "x.pth")).toThrow(
      /missing bn1\.weight\n {2}- bn1\.bias has type int64, expected float32/,
    );
  });
});

describe("identifyResNet", () => {
  it.each(resNetNames)("knows %s by its names and shapes", (name) => {
    expect(identifyResNet(new ResNet(name, new Random(1), { width: 1 / 32 }).state())).toEqual({
      name,
      width: 1 / 32,
    });
  });

  it("does not know a network of any width", () => {
    const state = new Map<string, { readonly shape: readonly number[] }>(small().state());
    expect(identifyResNet(state)).toBeDefined();
    expect(identifyResNet(state.set("conv1.weight", { shape: [1e9, 0, 7, 7] }))).toBeUndefined();
    expect(identifyResNet(state.set("conv1.weight", { shape: [0, 3, 7, 7] }))).toBeUndefined();
  });

  it("does not know a network with another number of blocks", () => {
    const state = small().state();
    for (const key of [...state.keys()]) if (key.startsWith("layer3.1.")) state.delete(key);
    expect(identifyResNet(state)).toBeUndefined();
  });
});
