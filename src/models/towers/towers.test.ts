import { describe, expect, it } from "vitest";
import { constant } from "../../engine/ops/constant.js";
import { runOnce } from "../../engine/runtime/session.js";
import { Random } from "../../engine/tensor/random.js";
import { float32, int64 } from "../../engine/tensor/tensor.js";
import { ForwardPass } from "../../nn/forward-pass.js";
import { parseHuggingFaceConfig } from "./hugging-face-config.js";
import { parseOpenClipConfig } from "./open-clip-config.js";
import { resizePositions } from "./position-table.js";
import { nameFormOf, placeOf } from "./tensor-names.js";
import { Towers, takeFrom } from "./towers.js";

const parse = (value: unknown) => parseHuggingFaceConfig(value, "config.json");

describe("configurations", () => {
  it("are filled with what files leave out; null is absent", () => {
    const clip = parse({ model_type: "clip", text_config: { hidden_size: null }, vision_config: {} });
    expect(clip.vision).toMatchObject({
      width: 768,
      feedForward: 3072,
      layers: 12,
      heads: 12,
      imagePx: 224,
      patchPx: 32,
      activation: "quick_gelu",
      epsilon: 1e-5,
      projectionDim: 512,
    });
    expect(clip.text).toMatchObject({
      width: 512,
      feedForward: 2048,
      heads: 8,
      maxTokens: 77,
      vocabularySize: 49_408,
    });
    const siglip = parse({ model_type: "siglip" });
    expect(siglip.vision).toMatchObject({ patchPx: 16, activation: "gelu_pytorch_tanh", epsilon: 1e-6 });
    expect(siglip.text).toMatchObject({ maxTokens: 64, vocabularySize: 32_000, projectionDim: 768 });
    const text = { hidden_size: 24, num_attention_heads: 4, projection_size: 40 };
    expect(parse({ model_type: "siglip", text_config: text }).text?.projectionDim).toBe(40);
    expect(parse({ model_type: "dinov2", image_size: 518 }).vision).toMatchObject({
      feedForward: 3072,
      imagePx: 518,
      patchPx: 14,
      activation: "gelu",
      registerCount: 0,
    });
    expect(parse({ model_type: "dinov2_with_registers" }).vision).toMatchObject({
      registerCount: 4,
      positions: "antialiased",
    });
  });

  it("have gated layers of the authors' widths", () => {
    const giant = { model_type: "dinov2", hidden_size: 1536, num_attention_heads: 24, use_swiglu_ffn: true };
    expect(parse(giant).vision).toMatchObject({ feedForward: 4096, activation: "swiglu" });
  });

  it("take the second statement of old files, with defaults of its own", () => {
    const { vision } = parse({
      model_type: "clip",
      vision_config: { patch_size: 16, image_size: 336 },
      vision_config_dict: { patch_size: 14 },
    });
    expect(vision).toMatchObject({ patchPx: 14, imagePx: 224 });
  });

  it("of open_clip have exact gelu unless they say otherwise, and sizes by the name of a timm model", () => {
    const text_cfg = { width: 512, heads: 8, layers: 12 };
    const vision_cfg = { image_size: 224, layers: 12, width: 768, patch_size: 32 };
    const clip = { model_cfg: { embed_dim: 512, vision_cfg, text_cfg } };
    expect(parseOpenClipConfig(clip, "x").vision).toMatchObject({
      heads: 12,
      activation: "gelu",
      epsilon: 1e-5,
    });
    const quick = { model_cfg: { ...clip.model_cfg, quick_gelu: true } };
    expect(parseOpenClipConfig(quick, "x").text).toMatchObject({ activation: "quick_gelu", isCausal: true });
    const named = (timm_model_name: string) => ({
      model_cfg: { ...clip.model_cfg, vision_cfg: { image_size: 224, timm_model_name, timm_pool: "map" } },
    });
    expect(parseOpenClipConfig(named("vit_so400m_patch14_siglip_224"), "x").vision).toMatchObject({
      width: 1152,
      layers: 27,
      heads: 16,
      feedForward: 4304,
      patchPx: 14,
    });
    expect(() => parseOpenClipConfig(named("convnext_base"), "x")).toThrow(
      /must be a SigLIP tower.*"convnext_base"/,
    );
    const resNet = { ...clip.model_cfg, vision_cfg: { ...vision_cfg, layers: [3, 4, 6, 3] } };
    expect(() => parseOpenClipConfig({ model_cfg: resNet }, "x")).toThrow(/layers/);
    const foreign = { ...clip.model_cfg, text_cfg: { ...text_cfg, hf_model_name: "roberta-base" } };
    expect(() => parseOpenClipConfig({ model_cfg: foreign }, "x")).toThrow(/hf_model_name/);
  });
});

describe("names", () => {
  const clip = parse({ model_type: "clip" });

  it("tell who wrote a file, whatever a wrapper put before them", () => {
    expect(nameFormOf(["vision_model.post_layernorm.weight"])).toBe("huggingFace");
    expect(nameFormOf(["dinov2.embeddings.cls_token"])).toBe("dinov2");
    expect(nameFormOf(["visual.proj", "text_projection"])).toBe("openClip");
    expect(nameFormOf(["model.visual.proj", "model.text.ln_final.weight"])).toBe("openClipCustomText");
    expect(nameFormOf(["model.visual.trunk.norm.weight"])).toBe("openClipTimm");
  });

  it("have a place in each form, a part of it, or a turned one", () => {
    const key = "vision.blocks.11.attention.key.weight";
    expect(placeOf(key, "huggingFace", clip).name).toBe(
      "vision_model.encoder.layers.11.self_attn.k_proj.weight",
    );
    expect(placeOf(key, "openClip", clip)).toMatchObject({
      name: "visual.transformer.resblocks.11.attn.in_proj_weight",
      part: { index: 1, count: 3 },
    });
    const ofHead = "vision.head.attention.value.bias";
    expect(placeOf(ofHead, "openClipTimm", clip)).toMatchObject({
      name: "visual.trunk.attn_pool.kv.bias",
      part: { index: 1, count: 2 },
    });
    expect(placeOf("text.projection.weight", "openClipCustomText", clip)).toMatchObject({
      name: "text.text_projection",
      isTransposed: true,
    });
  });

  it("lead to values of our layout", () => {
    const packed = float32(
      [6, 2],
      Array.from({ length: 12 }, (_, i) => i),
    );
    const part = { index: 1, count: 3 };
    expect(takeFrom(packed, { name: "x", isTransposed: false, part }, [2, 2], "x")).toEqual(
      Float32Array.of(4, 5, 6, 7),
    );
    const wide = float32([2, 3], [0, 1, 2, 3, 4, 5]);
    expect(takeFrom(wide, { name: "x", isTransposed: true }, [3, 2], "x")).toEqual(
      Float32Array.of(0, 3, 1, 4, 2, 5),
    );
    const plain = { name: "x", isTransposed: false };
    expect(takeFrom(float32([1, 1, 2], [1, 2]), plain, [2], "x")).toEqual(Float32Array.of(1, 2));
    expect(takeFrom(float32([1], [3]), plain, [], "x")).toEqual(Float32Array.of(3));
    expect(takeFrom(float32([2, 3, 1, 2], new Float32Array(12)), plain, [2, 6], "x")).toHaveLength(12);
    expect(takeFrom(wide, plain, [3, 2], "x")).toBeUndefined();
    expect(takeFrom(float32([2, 2, 1, 3], new Float32Array(12)), plain, [2, 6], "x")).toBeUndefined();
  });
});

describe("resizePositions", () => {
  it.each(["bicubic", "antialiased"] as const)(
    "keeps what is the same everywhere, and lines: %s",
    async (kind) => {
      const from = { rows: 7, columns: 5 };
      const table = Array.from({ length: 35 }, (_, i) => [1, Math.floor(i / 5), i % 5]).flat();
      const to = { rows: 14, columns: 11 };
      const { y } = await runOnce({
        y: resizePositions(constant(float32([35, 3], table)), { from, to, kind }),
      });
      const at = (row: number, column: number) =>
        [...y.data].slice((row * 11 + column) * 3, (row * 11 + column) * 3 + 3);
      expect(at(0, 10)[0]).toBeCloseTo(1, 6);
      // Away from the edges, half-pixel centres: (6 + 0.5) · 7 / 14 - 0.5 and (5 + 0.5) · 5 / 11 - 0.5.
      // A cubic with a = -0.75 is not exact on lines, one with -0.5 is.
      expect(at(6, 5)[1]).toBeCloseTo(2.75, kind === "bicubic" ? 1 : 5);
      expect(at(6, 5)[2]).toBeCloseTo(2, 5);
    },
  );
});

describe("text towers", () => {
  const sizes = { hidden_size: 6, num_attention_heads: 2, intermediate_size: 5, num_hidden_layers: 1 };
  const text = (model_type: string) =>
    new Towers(
      parse({ model_type, ...sizes, vocab_size: 11, max_position_embeddings: 5, projection_dim: 3 }),
      new Random(2),
    ).text;
  const tokens = (length: number) => ({
    tokens: constant(
      int64(
        [1, length],
        Array.from({ length }, (_, i) => i),
      ),
    ),
    lengths: constant(int64([1], [2])),
  });

  it("of CLIP may be cut to the longest text; those of SigLIP read padding as words", async () => {
    const clip = text("clip_text_model");
    const pass = ForwardPass.inference();
    const long = await runOnce({ y: clip?.forward(tokens(5), pass).embedding ?? expect.fail() });
    const short = await runOnce({ y: clip?.forward(tokens(2), pass).embedding ?? expect.fail() });
    for (const [i, value] of [...long.y.data].entries())
      expect(short.y.data[i]).toBeCloseTo(Number(value), 6);
    expect(() => clip?.forward(tokens(6), pass)).toThrow(/at most 5 places/);
    expect(() => text("siglip_text_model")?.forward(tokens(4), pass)).toThrow(/exactly 5 places/);
  });
});
