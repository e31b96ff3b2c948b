import { describe, expect, it } from "vitest";
import { Random } from "../engine/tensor/random.js";
import { float32 } from "../engine/tensor/tensor.js";
import { StateDictError } from "../errors.js";
import { filled, parameter } from "./initial-values.js";
import { Linear } from "./linear.js";
import { Module, type StateDict } from "./module.js";

class Block extends Module {
  readonly conv1 = new Linear(2, 3, new Random(1), { bias: false });
  readonly running = parameter([3], filled(0), { isTrainable: false });
}

class Net extends Module {
  readonly layer1 = [new Block(), new Block()];
  readonly absent = undefined;
  readonly size = 7;
  readonly scale = parameter([], filled(5));
  readonly #hidden = new Block();
  readonly again = this.scale;

  get hidden(): Block {
    return this.#hidden;
  }
}

function messageOf(load: () => void): string {
  try {
    load();
  } catch (error) {
    if (error instanceof StateDictError) return error.message;
  }
  return "";
}

describe("Module", () => {
  it("names parameters by the path of fields, numbers in arrays, and leaves private fields out", () => {
    expect([...new Net().state().keys()]).toEqual([
      "layer1.0.conv1.weight",
      "layer1.0.running",
      "layer1.1.conv1.weight",
      "layer1.1.running",
      "scale",
    ]);
  });

  it("keeps buffers out of what gradients change", () => {
    expect([...new Net().namedParameters().keys()]).toEqual([
      "layer1.0.conv1.weight",
      "layer1.1.conv1.weight",
      "scale",
    ]);
  });

  it("loads what another one's state dict holds, as copies", () => {
    const [source, target] = [new Net(), new Net()];
    source.scale.data[0] = 11;
    const stateDict = source.stateDict();
    target.loadStateDict(stateDict);
    source.scale.data[0] = 13;
    const given = stateDict.get("scale");
    if (given) given.data[0] = 17;
    expect(target.scale.data).toEqual(Float32Array.of(11));
  });

  it("passes over torchvision's counters", () => {
    const counter = float32([], [3]);
    const stateDict: StateDict = new Map([
      ...new Net().stateDict(),
      ["layer1.0.num_batches_tracked", counter],
    ]);
    expect(() => new Net().loadStateDict(stateDict)).not.toThrow();
  });

  it("reports all differences at once and changes nothing", () => {
    const net = new Net();
    const stateDict = new Net().stateDict();
    stateDict.set("scale", float32([], [23]));
    stateDict.delete("layer1.0.running");
    stateDict.set("fc.weight", float32([1], [0]));
    stateDict.set("layer1.1.conv1.weight", float32([2, 3], [0, 0, 0, 0, 0, 0]));
    const message = messageOf(() => net.loadStateDict(stateDict));
    expect(message).toContain("- missing layer1.0.running");
    expect(message).toContain("- unexpected fc.weight");
    expect(message).toContain("- layer1.1.conv1.weight has shape [2, 3], expected [3, 2]");
    expect(net.scale.data[0]).toBe(5);
  });
});
