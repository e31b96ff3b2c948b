import { describe, expect, it } from "vitest";
import { Input, type Value } from "../../engine/graph/value.js";
import { constant } from "../../engine/ops/constant.js";
import { runOnce } from "../../engine/runtime/session.js";
import { Random } from "../../engine/tensor/random.js";
import { float32, type Tensor, tensor } from "../../engine/tensor/tensor.js";
import { ForwardPass } from "../../nn/forward-pass.js";
import type { TextFeatures } from "../text-encoder.js";
import { parseSdfnConfig, type SdfnConfigInput } from "./config.js";
import { FusionLayer } from "./fusion-layer.js";
import { FusionNetwork } from "./fusion-network.js";
import { TextRouter } from "./text-router.js";

const [batch, regionCount, wordCount, width] = [2, 5, 3, 4];
const random = new Random(1);
const draw = (...shape: number[]): Tensor<"float32"> =>
  float32(
    shape,
    Array.from({ length: shape.reduce((product, dim) => product * dim, 1) }, () => random.normal()),
  );

const feeds: Record<string, Tensor> = {
  x: draw(batch, regionCount, width),
  z: draw(batch, regionCount, width),
  words: draw(batch, wordCount, width),
  sentence: draw(batch, width),
  mask: tensor("bool", [batch, wordCount], Uint8Array.of(1, 1, 1, 1, 0, 0)),
};
const x = new Input("x", "float32", ["batch", regionCount, width]);
const z = new Input("z", "float32", ["batch", regionCount, width]);
const text: TextFeatures = {
  words: new Input("words", "float32", ["batch", wordCount, width]),
  sentence: new Input("sentence", "float32", ["batch", width]),
  mask: new Input("mask", "bool", ["batch", wordCount]),
};

function configOf(given: SdfnConfigInput = {}) {
  return parseSdfnConfig({ embedDim: width, heads: 2, ...given });
}

/** Runs on the named feeds, which must be exactly the inputs that the outputs depend on. */
async function run(
  outputs: Record<string, Value>,
  names: readonly string[],
): Promise<Record<string, number[]>> {
  const used = Object.fromEntries(names.map((name) => [name, feeds[name] as Tensor]));
  const result = await runOnce<string>(outputs, used);
  return Object.fromEntries(
    Object.entries(result).map(([name, { data }]) => [name, Array.from(data, Number)]),
  );
}

const at = (name: string, ...index: number[]): number => {
  const { shape, data } = feeds[name] as Tensor;
  const flat = index.reduce((offset, i, axis) => offset * (shape[axis] ?? 1) + i, 0);
  return Number(data[flat]);
};

describe("FusionLayer", () => {
  it("mixes each module's output on its own input by the route weights (eq. 3)", async () => {
    const layer = new FusionLayer(configOf({ modules: ["gtm", "rcm"] }), 3, new Random(2));
    const { next, routes, moduleOutputs } = layer.forward([x, z], text, ForwardPass.inference());
    const [gtm] = moduleOutputs;
    const [a, b, c] = next;
    const result = await run({ a: a ?? x, b: b ?? x, c: c ?? x, routes, gtm: gtm?.y ?? x }, [
      "x",
      "z",
      "words",
      "sentence",
      "mask",
    ]);
    for (const [j, mixed] of [result.a, result.b, result.c].entries()) {
      for (const [i, value] of (mixed ?? []).entries()) {
        const example = Math.floor(i / (regionCount * width));
        const p = (source: number) => Number(result.routes?.[example * 6 + source * 3 + j]);
        const expected = p(0) * Number(result.gtm?.[i]) + p(1) * Number(feeds.z?.data[i]);
        expect(value).toBeCloseTo(expected, 5);
      }
    }
    expect(next).toHaveLength(3);
  });

  it.each(["shared", "modality-specific"] as const)(
    "gives every destination weights that sum to 1 over the sources, with %s routers",
    async (router) => {
      const layer = new FusionLayer(configOf({ router, modules: ["gtm", "rcm", "cam"] }), 2, new Random(3));
      const { routes } = layer.forward([x, z, x], text, ForwardPass.inference());
      expect(routes.shape).toEqual(["batch", 3, 2]);
      const names = router === "shared" ? ["x", "z", "sentence"] : ["x", "z", "words", "mask"];
      const { p = [] } = await run({ p: routes }, names);
      for (const first of [0, 1, 6, 7])
        expect(Number(p[first]) + Number(p[first + 2]) + Number(p[first + 4])).toBeCloseTo(1, 6);
      expect(p[0]).not.toBeCloseTo(Number(p[1]), 3);
    },
  );

  it("can share each source out over its destinations instead", async () => {
    const layer = new FusionLayer(
      configOf({ routerSoftmax: "destinations", router: "shared", modules: ["gtm", "rcm"] }),
      3,
      new Random(3),
    );
    const { routes } = layer.forward([x, z], text, ForwardPass.inference());
    const { p = [] } = await run({ p: routes }, ["x", "z", "sentence"]);
    expect(Number(p[3]) + Number(p[4]) + Number(p[5])).toBeCloseTo(1, 6);
  });

  it("weights all modules alike without routers", async () => {
    const layer = new FusionLayer(configOf({ router: "none", modules: ["rcm", "gtm"] }), 2, new Random(4));
    const { routes, next, logits } = layer.forward([x, x], text, ForwardPass.inference());
    expect(logits).toEqual({});
    expect([...layer.state().keys()].filter((name) => name.includes("router"))).toEqual([]);
    const { p } = await run({ p: routes }, ["sentence"]);
    expect(p).toEqual(new Array(8).fill(0.5));
    expect(next).toHaveLength(2);
  });

  it("asks each image router about its own module's input, and text routers about the words only", async () => {
    const layer = new FusionLayer(configOf({ modules: ["rcm", "gtm"] }), 2, new Random(5));
    const { logits } = layer.forward([x, z], text, ForwardPass.inference());
    const [first] = layer.image_routers;
    const pooled = new Input("pooled", "float32", ["batch", width]);
    const direct = first?.forward(pooled) ?? pooled;
    const mean = (b: number, d: number) =>
      [0, 1, 2, 3, 4].reduce((sum, n) => sum + at("x", b, n, d), 0) / regionCount;
    const means = float32(
      [batch, width],
      [0, 1].flatMap((b) => [0, 1, 2, 3].map((d) => mean(b, d))),
    );
    const { direct: expected } = await runOnce({ direct }, { pooled: means });
    const { image = [] } = await run({ image: logits.image ?? x }, ["x", "z"]);
    for (const b of [0, 1]) {
      for (const j of [0, 1]) expect(image[b * 4 + j]).toBeCloseTo(Number(expected.data[b * 2 + j]), 5);
    }
    await run({ text: logits.text ?? x }, ["words", "mask"]); // would fail if it needed another input
  });
});

describe("TextRouter", () => {
  it("pools a single word to itself, whatever stands at padding", async () => {
    const sizes = { inWidth: width, hiddenWidth: 3, destinationCount: 2 };
    const router = new TextRouter(sizes, new Random(6));
    const word = new Input("word", "float32", ["batch", width]);
    const { direct } = await runOnce(
      { direct: router.forward(word) },
      {
        word: float32(
          [1, width],
          [0, 1, 2, 3].map((d) => at("words", 1, 0, d)),
        ),
      },
    );
    const { logits = [] } = await run({ logits: router.forwardWords(text) }, ["words", "mask"]);
    expect(logits[2]).toBeCloseTo(Number(direct.data[0]), 5);
    expect(logits[3]).toBeCloseTo(Number(direct.data[1]), 5);
  });
});

describe("FusionNetwork", () => {
  it("feeds M modules in every layer but the last, which feeds one output", () => {
    const network = new FusionNetwork(configOf({ layers: 3, modules: ["rcm", "gtm"] }), new Random(7));
    const fused = network.forward(x, text, ForwardPass.inference());
    expect(fused.routes.map(({ shape }) => shape)).toEqual([
      ["batch", 2, 2],
      ["batch", 2, 2],
      ["batch", 2, 1],
    ]);
    expect(fused.map.shape).toEqual(["batch", regionCount, width]);
    expect(fused.wordAttention).toEqual([undefined, undefined, undefined]);
  });

  it("keeps the reference where RCM is the only module: q and u are its mean", async () => {
    const network = new FusionNetwork(configOf({ modules: ["rcm"] }), new Random(8));
    const { map, q, u } = network.forward(x, text, ForwardPass.inference());
    const result = await run({ map, q, u }, ["x", "words", "mask"]);
    const mean = [0, 1, 2, 3, 4].reduce((sum, n) => sum + at("x", 1, n, 3), 0) / regionCount;
    expect(result.q?.[7]).toBeCloseTo(mean, 5);
    expect(result.u?.[7]).toBeCloseTo(mean, 5);
    expect(result.map?.[39]).toBeCloseTo(at("x", 1, 4, 3), 5);
  });

  it("sums u over the last layer's inputs: with one layer, M times the reference (eq. 5)", async () => {
    const network = new FusionNetwork(
      configOf({ layers: 1, lambda2: 0, router: "none", modules: ["rcm", "gtm", "cam"] }),
      new Random(8),
    );
    const { u } = network.forward(x, text, ForwardPass.inference());
    const { u: total = [] } = await run({ u }, ["x"]);
    const sum = [0, 1, 2, 3, 4].reduce((partial, n) => partial + at("x", 0, n, 2), 0);
    expect(total[2]).toBeCloseTo((3 * sum) / regionCount, 5);
  });

  it("takes routes that are given in place of the routers', which are not asked then", async () => {
    const network = new FusionNetwork(configOf({ layers: 2, modules: ["rcm", "gtm"] }), new Random(7));
    const pass = ForwardPass.inference();
    const own = network.forward(x, text, pass);
    const all = ["x", "words", "sentence", "mask"];
    const {
      q,
      r0 = [],
      r1 = [],
    } = await run({ q: own.q, ...Object.fromEntries(own.routes.map((p, l) => [`r${l}`, p])) }, all);
    feeds.first = float32([batch, 2, 2], r0);
    feeds.second = float32([batch, 2, 1], r1);
    const again = network.forward(x, text, pass, [
      new Input("first", "float32", ["batch", 2, 2]),
      new Input("second", "float32", ["batch", 2, 1]),
    ]);
    const { q: same = [] } = await run({ q: again.q }, ["x", "sentence", "first", "second"]);
    for (const [i, value] of same.entries()) expect(value).toBeCloseTo(Number(q?.[i]), 5);
    // Every destination takes RCM's output: the reference itself comes out.
    const kept = network.forward(x, text, pass, [
      constant(float32([1, 2, 2], [1, 1, 0, 0])),
      constant(float32([1, 2, 1], [1, 0])),
    ]);
    const { q: reference } = await run({ q: kept.q }, ["x", "sentence"]);
    const mean = [0, 1, 2, 3, 4].reduce((sum, n) => sum + at("x", 1, n, 3), 0) / regionCount;
    expect(reference?.[7]).toBeCloseTo(mean, 5);
    expect([again.logits, kept.logits]).toEqual([
      [{}, {}],
      [{}, {}],
    ]);
  });

  it("shares no parameters between layers and has the names of PyTorch's build", () => {
    const names = [...new FusionNetwork(configOf({ layers: 2 }), new Random(9)).state().keys()];
    expect(names).toContain("layers.0.jrm.attention.in_proj_weight");
    expect(names).toContain("layers.1.cam.norm.weight");
    expect(names).toContain("layers.1.gtm.gamma.weight");
    expect(names).toContain("layers.0.image_routers.3.fc2.bias");
    expect(names).toContain("layers.1.text_routers.0.att_v.weight");
    expect(names).toHaveLength(2 * (14 + 6 + 4 + 4 * 4 + 4 * 7));
  });
});
