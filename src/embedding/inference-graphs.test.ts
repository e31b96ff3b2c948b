import { describe, expect, it } from "vitest";
import { Input } from "../engine/graph/value.js";
import { runOnce } from "../engine/runtime/session.js";
import { Random } from "../engine/tensor/random.js";
import { float32, int64 } from "../engine/tensor/tensor.js";
import { featuresOf } from "../models/image-encoder.js";
import { createModel } from "../models/registry.js";
import { ForwardPass } from "../nn/forward-pass.js";
import { inferenceGraphs } from "./inference-graphs.js";

const [batch, regionCount, wordCount, width, layerCount, headCount] = [2, 4, 5, 6, 3, 2];
const options = { imagePx: 64, maxWords: wordCount };
const config = {
  backbone: "resnet18",
  backboneWidth: 0.0625,
  embedDim: width,
  wordDim: 3,
  heads: headCount,
  layers: layerCount,
};
const surroundings = () => ({ vocabularySize: 9, random: new Random(3), imagePx: 64 });

describe("inferenceGraphs", () => {
  it("gives the attention to words as the mean over CAM's layers and heads, words first", async () => {
    const model = createModel("sdfn", config, surroundings());
    const { attention, featureShapes, layerCount: layers } = inferenceGraphs(model, options);
    expect([...featureShapes]).toEqual([["regions", [regionCount, width]]]);
    expect(layers).toBe(layerCount);
    if (!attention) throw new Error("there is no attention");
    expect(attention.shape).toEqual(["batch", "words", regionCount]);
    const random = new Random(4);
    const values = Array.from({ length: batch * regionCount * width }, () => 3 * random.normal());
    const feeds = {
      regions: float32([batch, regionCount, width], values),
      tokens: int64([batch, wordCount], [2, 3, 4, 5, 6, 7, 8, 1, 0, 0]),
      lengths: int64([batch], [5, 3]),
    };
    const regions = new Input("regions", "float32", ["batch", regionCount, width]);
    const text = model.encodeText(
      new Input("tokens", "int64", ["batch", wordCount]),
      new Input("lengths", "int64", ["batch"]),
    );
    const pass = ForwardPass.inference();
    const { wordAttention = [] } = model.compose(featuresOf(regions, { rows: 2, columns: 2 }), text, pass);
    const byLayer = await runOnce(
      Object.fromEntries(wordAttention.flatMap((value, l) => (value ? [[l, value]] : []))),
      feeds,
    );
    expect(Object.keys(byLayer)).toHaveLength(layerCount);
    const { data } = (await runOnce({ attention }, feeds)).attention;
    for (let b = 0; b < batch; b += 1) {
      for (let t = 0; t < wordCount; t += 1) {
        for (let n = 0; n < regionCount; n += 1) {
          let sum = 0;
          for (const { data: weights } of Object.values(byLayer)) {
            for (let h = 0; h < headCount; h += 1) {
              sum += Number(weights[((b * headCount + h) * regionCount + n) * wordCount + t]);
            }
          }
          const got = Number(data[(b * wordCount + t) * regionCount + n]);
          expect(got, `batch ${b}, word ${t}, region ${n}`).toBeCloseTo(sum / (layerCount * headCount), 5);
          if (b === 1 && t >= 3) expect(got).toBe(0);
        }
      }
    }
  });

  it("has no attention without CAM, and no routes without routers", () => {
    const withoutCam = inferenceGraphs(
      createModel("sdfn", { ...config, modules: ["jrm", "gtm"] }, surroundings()),
      options,
    );
    expect(withoutCam.attention).toBeUndefined();
    expect(Object.keys(withoutCam.queries)).toEqual(["embeddings", "routes.0", "routes.1", "routes.2"]);
    const { heads: _, layers: __, ...shared } = config;
    const sum = inferenceGraphs(createModel("sum", shared, surroundings()), options);
    expect(sum.attention).toBeUndefined();
    expect(Object.keys(sum.queries)).toEqual(["embeddings"]);
  });
});
