import { describe, expect, it } from "vitest";
import { Input } from "../engine/graph/value.js";
import { runOnce } from "../engine/runtime/session.js";
import { Random } from "../engine/tensor/random.js";
import { int64, tensor } from "../engine/tensor/tensor.js";
import { ShapeError } from "../errors.js";
import { ForwardPass } from "../nn/forward-pass.js";
import { type EncoderConfig, encoderSchema } from "./encoder-config.js";
import { ImageEncoder } from "./image-encoder.js";
import { LstmTextEncoder } from "./text-encoders/lstm.js";

function configOf(given: Partial<EncoderConfig> = {}): EncoderConfig {
  return encoderSchema.parse({
    backbone: "resnet18",
    backboneWidth: 1 / 16,
    embedDim: 5,
    wordDim: 3,
    ...given,
  });
}

describe("ImageEncoder", () => {
  const [h, w] = [40, 65];
  const random = new Random(1);
  const bytes = Uint8Array.from({ length: 2 * h * w * 3 }, () => random.integer(256));

  it("normalises pictures by ImageNet's statistics and puts channels first", async () => {
    const encoder = new ImageEncoder(configOf(), new Random(2));
    const normalised = new Float32Array(bytes.length);
    for (let b = 0; b < 2; b += 1) {
      for (let p = 0; p < h * w; p += 1) {
        for (let c = 0; c < 3; c += 1) {
          const mean = [0.485, 0.456, 0.406][c] ?? 0;
          const deviation = [0.229, 0.224, 0.225][c] ?? 1;
          const pixel = (bytes[(b * h * w + p) * 3 + c] ?? 0) / 255;
          normalised[(b * 3 + c) * h * w + p] = (pixel - mean) / deviation;
        }
      }
    }
    const pass = ForwardPass.inference();
    const pictures = encoder.forward(new Input("pictures", "uint8", ["batch", h, w, 3]), pass);
    const ready = encoder.forward(new Input("ready", "float32", ["batch", 3, h, w]), pass);
    const result = await runOnce(
      { fromPictures: pictures.regions, fromReady: ready.regions, embedding: pictures.embedding },
      {
        pictures: tensor("uint8", [2, h, w, 3], bytes),
        ready: tensor("float32", [2, 3, h, w], normalised),
      },
    );
    expect(result.fromPictures.shape).toEqual([2, 6, 5]); // 2 · 3 regions
    for (const [i, value] of [...result.fromReady.data].entries())
      expect(result.fromPictures.data[i]).toBeCloseTo(Number(value), 4);
    const ofSecond = [0, 1, 2, 3, 4, 5].map((n) => Number(result.fromPictures.data[30 + n * 5 + 4]));
    const mean = ofSecond.reduce((sum, value) => sum + value, 0) / 6;
    expect(result.embedding.data[9]).toBeCloseTo(mean, 5);
  });

  it("lays regions out row by row: region 1 is right of region 0", async () => {
    const encoder = new ImageEncoder(configOf(), new Random(2));
    const channels = encoder.backbone.lastLevel.channels;
    encoder.proj.weight.data.fill(0);
    encoder.proj.weight.data[3 * channels + 7] = 1; // feature 3 is channel 7
    encoder.proj.bias?.data.set([0, 0, 0, 100, 0]);
    const maps = new Float32Array(channels * 6);
    maps.set([1, 2, 3, 4, 5, 6], 7 * 6);
    const input = new Input("maps", "float32", ["batch", channels, 2, 3]);
    const { regions } = encoder.forwardFeatureMaps({ images: input }, ForwardPass.inference());
    const result = await runOnce({ regions }, { maps: tensor("float32", [1, channels, 2, 3], maps) });
    const feature3 = [0, 1, 2, 3, 4, 5].map((n) => result.regions.data[n * 5 + 3]);
    expect(feature3).toEqual([101, 102, 103, 104, 105, 106]);
  });

  it("freezes the backbone's statistics alone", () => {
    const encoder = new ImageEncoder(
      configOf({ backboneStatistics: "frozen", imageNorm: "batch" }),
      new Random(2),
    );
    const pass = ForwardPass.training();
    encoder.forward(new Input("x", "uint8", [2, 64, 64, 3]), pass);
    const moved = pass.bufferUpdates.map(({ parameter }) => parameter);
    expect(moved).toEqual([encoder.norm?.running_mean, encoder.norm?.running_var]);
  });

  it("refuses what is no picture", () => {
    const encoder = new ImageEncoder(configOf(), new Random(2));
    const pass = ForwardPass.inference();
    expect(() => encoder.forward(new Input("x", "float32", [1, 64, 64, 3]), pass)).toThrow(ShapeError);
    expect(() => encoder.forward(new Input("x", "uint8", [1, 64, 64, 4]), pass)).toThrow(ShapeError);
  });
});

describe("LstmTextEncoder", () => {
  const tokens = new Input("tokens", "int64", ["batch", 4]);
  const lengths = new Input("lengths", "int64", ["batch"]);
  const feeds = { tokens: int64([2, 4], [3, 5, 2, 6, 4, 0, 0, 0]), lengths: int64([2], [4, 1]) };

  it.each(["none", "layer"] as const)(
    "takes the maximum over words only, with text norm %s",
    async (textNorm) => {
      const encoder = new LstmTextEncoder(configOf({ textNorm }), 7, new Random(3));
      // Every state negative: a zero at padding would win the maximum.
      encoder.lstm.bias_ih_l0.data.set(new Float32Array(5).fill(-9), 10);
      encoder.norm?.bias.data.fill(-9);
      const features = encoder.forward(tokens, lengths);
      const outputs = { words: features.words, sentence: features.sentence, mask: features.mask };
      const { words, sentence, mask } = await runOnce(outputs, feeds);
      expect([...mask.data].map(Number)).toEqual([1, 1, 1, 1, 1, 0, 0, 0]);
      expect([...words.data].slice(25)).toEqual(new Array(15).fill(0).map((zero) => expect.closeTo(zero, 9)));
      for (let d = 0; d < 5; d += 1) {
        const ofFirst = [0, 1, 2, 3].map((t) => Number(words.data[t * 5 + d]));
        expect(sentence.data[d]).toBe(Math.max(...ofFirst));
        expect(sentence.data[5 + d]).toBe(words.data[20 + d]);
        expect(Number(sentence.data[5 + d])).toBeLessThan(0);
      }
    },
  );

  it("does not look at tokens behind the length", async () => {
    const encoder = new LstmTextEncoder(configOf(), 7, new Random(3));
    const { sentence } = encoder.forward(tokens, lengths);
    const other = { tokens: int64([2, 4], [3, 5, 2, 6, 4, 1, 2, 3]), lengths: feeds.lengths };
    const a = (await runOnce({ sentence }, feeds)).sentence.data;
    const b = (await runOnce({ sentence }, other)).sentence.data;
    expect(a).toEqual(b);
  });

  it("has PyTorch's names", () => {
    const names = [...new LstmTextEncoder(configOf({ textNorm: "layer" }), 7, new Random(3)).state().keys()];
    expect(names).toEqual([
      "embedding.weight",
      "lstm.weight_ih_l0",
      "lstm.weight_hh_l0",
      "lstm.bias_ih_l0",
      "lstm.bias_hh_l0",
      "norm.weight",
      "norm.bias",
    ]);
  });
});
