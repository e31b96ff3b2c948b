import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { constant } from "../../src/engine/ops/constant.js";
import { runOnce } from "../../src/engine/runtime/session.js";
import { float32, type Tensor } from "../../src/engine/tensor/tensor.js";
import { normalisePixels, processImage } from "../../src/images/image-processor.js";
import { readPixels } from "../../src/images/read-pixels.js";
import { requirePictureSize } from "../../src/models/towers/tower-config.js";
import { ForwardPass } from "../../src/nn/forward-pass.js";
import { readSafetensors, writeSafetensors } from "../../src/tensor-files/safetensors.js";
import { encodeTexts } from "../../src/text/encode-texts.js";
import { openTowers, type PretrainedTowers, type TowerUse } from "../../src/training/pretrained-towers.js";
import { clipTokenizer } from "../fixtures/tiny-tokenizers.js";
import {
  type TinyFamily,
  tinyConfigs,
  tinyTensors,
  writeJson,
  writeOpenClipModel,
  writeTinyModel,
} from "../fixtures/tiny-towers.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sdfn-towers-"));
  return () => rmSync(folder, { recursive: true, force: true });
});

/** A picture through the whole way. */
async function seen({ towers, processor }: PretrainedTowers, files: readonly string[]) {
  if (!towers.vision || !processor) return expect.fail("no image tower");
  const { widthPx, heightPx } = processor.outputPx;
  const pictures = await Promise.all(
    files.map(async (file) =>
      normalisePixels(processImage(await readPixels(file), processor, file), processor),
    ),
  );
  const values = Float32Array.from(pictures.flatMap((picture) => [...picture]));
  const pixels = constant(float32([files.length, 3, heightPx, widthPx], values));
  const { embedding, regions } = towers.vision.forward(pixels, ForwardPass.inference());
  return runOnce({ embedding, regions });
}

async function read({ towers, tokeniser }: PretrainedTowers, texts: readonly string[]) {
  if (!towers.text || !tokeniser) return expect.fail("no text tower");
  const encoded = encodeTexts(tokeniser, texts, towers.config.text?.maxTokens ?? 0);
  const tokens = { tokens: constant(encoded.tokens), lengths: constant(encoded.lengths) };
  const { embedding, words, mask } = towers.text.forward(tokens, ForwardPass.inference());
  return runOnce({ embedding, words, mask });
}

function furthest(ours: Tensor, expected: readonly number[]): number {
  expect(ours.data).toHaveLength(expected.length);
  return Math.max(...[...ours.data].map((value, i) => Math.abs(Number(value) - (expected[i] ?? Number.NaN))));
}

describe("a folder", () => {
  it.each([
    ["clip", "both"],
    ["clip", "image"],
    ["clip", "text"],
    ["siglip", "both"],
    ["siglip", "image"],
    ["siglip", "text"],
    ["dinov2", "image"],
  ] as const)("of %s is opened for %s, with what this use needs", async (family, use) => {
    writeTinyModel(folder, family);
    if (use === "image") rmSync(join(folder, "tokenizer.json"), { force: true });
    if (use === "text") rmSync(join(folder, "preprocessor_config.json"));
    const { towers, processor, tokeniser } = await openTowers(folder, use);
    expect([towers.vision, processor].map((part) => part !== undefined)).toEqual([
      use !== "text",
      use !== "text",
    ]);
    expect([towers.text, tokeniser].map((part) => part !== undefined)).toEqual([
      use !== "image",
      use !== "image",
    ]);
    const unread = [...towers.state()].filter(([, { data }]) => data.every((value) => value === 0));
    expect(unread.map(([name]) => name)).toEqual([]);
  });

  it("of one tower is read as such, with its projection or without", async () => {
    writeTinyModel(folder, "clip");
    const { vision_config: vision } = tinyConfigs.clip;
    writeJson(folder, "config.json", { ...vision, model_type: "clip_vision_model", projection_dim: 7 });
    const tensors = new Map([...tinyTensors("clip")].filter(([name]) => /^vis/.test(name)));
    const save = () => writeSafetensors(join(folder, "model.safetensors"), tensors);
    save();
    expect((await openTowers(folder, "image")).towers.vision?.projection).toBeDefined();
    tensors.delete("visual_projection.weight");
    save();
    expect((await openTowers(folder, "image")).towers.vision?.projection).toBeUndefined();
    await expect(openTowers(folder, "text")).rejects.toThrow(
      /config\.json: has no text tower; got the image tower of clip alone/,
    );
  });

  it("gives the same from shards, through links, under a wrapper's names, and with old counters", async () => {
    writeTinyModel(folder, "clip");
    const whole = await openTowers(folder, "both");
    rmSync(join(folder, "model.safetensors"));
    const tensors = [...tinyTensors("clip")];
    const ids: Tensor = { dtype: "int64", shape: [1, 2], data: new BigInt64Array(2) };
    tensors.push(["text_model.embeddings.position_ids", ids]);
    const shardOf = (i: number) => `model-0000${(i % 2) + 1}-of-00002.safetensors`;
    for (const shard of [0, 1]) {
      const own = tensors
        .filter((_, i) => i % 2 === shard)
        .map(([name, tensor]) => [`model.${name}`, tensor] as const);
      const blob = join(folder, `blob-${shard}`);
      writeSafetensors(blob, new Map(own));
      symlinkSync(blob, join(folder, shardOf(shard)));
    }
    const map = Object.fromEntries(tensors.map(([name], i) => [`model.${name}`, shardOf(i)]));
    writeJson(folder, "model.safetensors.index.json", { weight_map: map });
    const sharded = await openTowers(folder, "both");
    expect(sharded.towers.stateDict()).toEqual(whole.towers.stateDict());
  });
});

describe("an export of open_clip", () => {
  it.each([
    ["openClip", ""],
    ["openClipCustomText", ""],
    ["openClipCustomText", "model."],
  ] as const)("is the same model under other names: %s %s", async (form, prefix) => {
    writeTinyModel(folder, "clip");
    const known = await openTowers(folder, "both");
    for (const name of ["config.json", "preprocessor_config.json", "model.safetensors"])
      rmSync(join(folder, name));
    writeOpenClipModel(folder, form, prefix);
    const { towers, processor } = await openTowers(folder, "both");
    expect(towers.stateDict()).toEqual(known.towers.stateDict());
    expect(towers.config).toEqual(known.towers.config);
    expect(processor).toMatchObject({
      resize: { kind: "exact", widthPx: 16, heightPx: 16 },
      resample: "bilinear",
      mean: [0.5, 0.5, 0.5],
      deviation: [0.26862954, 0.26130258, 0.27577711],
    });
  });

  it("beside Hugging Face's files does not replace them", async () => {
    writeTinyModel(folder, "clip");
    const known = await openTowers(folder, "both");
    writeOpenClipModel(folder, "openClip");
    const { processor } = await openTowers(folder, "both");
    expect(processor).toEqual(known.processor);
  });
});

/** What is wrong with a folder, and what is said about it. */
const faults: readonly [
  name: string,
  family: TinyFamily,
  use: TowerUse,
  spoil: () => void,
  message: RegExp,
][] = [
  [
    "another family",
    "clip",
    "both",
    () => writeJson(folder, "config.json", { model_type: "blip-2" }),
    /config\.json: model_type must be one of clip, .*; got "blip-2"; .*ONNX/,
  ],
  [
    "no family",
    "clip",
    "both",
    () => writeJson(folder, "config.json", {}),
    /model_type must be one of .*; got null/,
  ],
  [
    "NaFlex",
    "siglip",
    "both",
    () => writeJson(folder, "config.json", { model_type: "siglip2" }),
    /NaFlex.*fixed size/,
  ],
  [
    "no configuration",
    "clip",
    "both",
    () => rmSync(join(folder, "config.json")),
    /config\.json: there is no such file/,
  ],
  [
    "a damaged configuration",
    "clip",
    "both",
    () => writeFileSync(join(folder, "config.json"), "{"),
    /config\.json: cannot be used; got SyntaxError/,
  ],
  [
    "a text tower alone",
    "clip",
    "image",
    () =>
      writeJson(folder, "config.json", { ...tinyConfigs.clip.text_config, model_type: "clip_text_model" }),
    /has no image tower; got the text tower of clip alone; give a folder with both/,
  ],
  [
    "DINOv2 for texts",
    "dinov2",
    "text",
    () => undefined,
    /has no text tower; .*DINOv2 reads no text: pair it/,
  ],
  [
    "GPTQ in the configuration",
    "clip",
    "both",
    () =>
      writeJson(folder, "config.json", {
        ...tinyConfigs.clip,
        quantization_config: { quant_method: "gptq" },
      }),
    /quantised weights are not read; got gptq; give the model in float32/,
  ],
  [
    "GPTQ in the weights",
    "clip",
    "both",
    () => addTensors({ "text_model.encoder.layers.0.mlp.fc1.qweight": float32([1], [1]) }),
    /model\.safetensors: quantised weights \(GPTQ, AWQ\)/,
  ],
  [
    "float8",
    "clip",
    "both",
    () => relabel("F32", "F8_"),
    /tensor ".*": type must be one of F32.*; got F8_; save the model in float32, float16/,
  ],
  [
    "widths that heads do not divide",
    "clip",
    "both",
    () =>
      writeJson(folder, "config.json", {
        ...tinyConfigs.clip,
        vision_config: { ...tinyConfigs.clip.vision_config, num_attention_heads: 5 },
      }),
    /heads must divide the width; got 5 heads, width 12/,
  ],
  [
    "a size without limit",
    "clip",
    "both",
    () => writeJson(folder, "config.json", { ...tinyConfigs.clip, vision_config: { hidden_size: 1e9 } }),
    /config\.json: cannot be used; got .*hidden_size/s,
  ],
  [
    "no weights",
    "clip",
    "both",
    () => rmSync(join(folder, "model.safetensors")),
    /has no weights; looked for model\.safetensors, model\.safetensors\.index\.json/,
  ],
  [
    "missing tensors",
    "clip",
    "both",
    () => removeTensors(/layers\.1\.mlp\.fc1|pre_layrnorm/),
    /missing vision_model\.pre_layrnorm\.weight\n.*missing vision_model\.encoder\.layers\.1\.mlp\.fc1\.weight/s,
  ],
  [
    "unexpected tensors",
    "clip",
    "both",
    () => addTensors({ "vision_model.extra": float32([1], [1]) }),
    /unexpected vision_model\.extra$/,
  ],
  [
    "another shape",
    "clip",
    "both",
    () => addTensors({ "visual_projection.weight": float32([12, 7], new Float32Array(84)) }),
    /visual_projection\.weight has shape \[12, 7\], for \[7, 12\]/,
  ],
  [
    "integers for weights",
    "clip",
    "both",
    () => addTensors({ logit_scale: { dtype: "int64", shape: [], data: new BigInt64Array(1) } }),
    /tensor "logit_scale" must be of floating point; got int64/,
  ],
  [
    "a missing shard",
    "clip",
    "both",
    () => writeIndex("model-00002-of-00003.safetensors"),
    /1 of 1 shards are missing: model-00002-of-00003\.safetensors; download them/,
  ],
  [
    "an index that leads elsewhere",
    "clip",
    "both",
    () => writeIndex("../../etc/model.safetensors"),
    /shards must be safetensors files beside it; got "\.\.\/\.\.\/etc/,
  ],
  [
    "an index with an absolute path",
    "clip",
    "both",
    () => writeIndex("/etc/model.safetensors"),
    /shards must be safetensors files beside it/,
  ],
  [
    "an empty index",
    "clip",
    "both",
    () => {
      rmSync(join(folder, "model.safetensors"));
      writeJson(folder, "model.safetensors.index.json", { weight_map: {} });
    },
    /must list 1 to 1000 shards; got 0/,
  ],
  [
    "a tokenizer of another table",
    "clip",
    "text",
    () => {
      const json = clipTokenizer();
      json.added_tokens[1] = { ...json.added_tokens[1], id: 600 } as never;
      writeJson(folder, "tokenizer.json", json);
    },
    /does not fit the text tower; got 601 tokens for a table of 518/,
  ],
  [
    "a tokenizer of another family",
    "siglip",
    "text",
    () => writeJson(folder, "tokenizer.json", clipTokenizer()),
    /is no tokenizer of siglip2; it lacks <eos>, <pad>/,
  ],
  [
    "no tokenizer",
    "clip",
    "text",
    () => rmSync(join(folder, "tokenizer.json")),
    /tokenizer\.json: there is no such file/,
  ],
  [
    "pictures of part of a patch",
    "clip",
    "image",
    () => writeJson(folder, "preprocessor_config.json", { size: 20, crop_size: 20 }),
    /must be a multiple of the patch, 8 px; got 20; use 16 or 24/,
  ],
];

describe("a folder with", () => {
  it.each(faults)("%s is refused", async (_name, family, use, spoil, message) => {
    writeTinyModel(folder, family);
    spoil();
    await expect(openTowers(folder, use)).rejects.toThrow(message);
  });

  it("a size that its tower was made for is not refused, whole patches or not", () => {
    const vision = { imagePx: 384, patchPx: 14 } as Parameters<typeof requirePictureSize>[0];
    requirePictureSize(vision, 384, "folder");
    requirePictureSize(vision, 28, "folder");
    expect(() => requirePictureSize(vision, 5, "folder")).toThrow(/got 5; use 14, or 384/);
  });
});

function addTensors(added: Readonly<Record<string, Tensor>>): void {
  writeSafetensors(
    join(folder, "model.safetensors"),
    new Map([...tinyTensors("clip"), ...Object.entries(added)]),
  );
}

function removeTensors(pattern: RegExp): void {
  const kept = [...tinyTensors("clip")].filter(([name]) => !pattern.test(name));
  writeSafetensors(join(folder, "model.safetensors"), new Map(kept));
}

/** Renames the types in a header to others of the same length. */
function relabel(from: string, to: string): void {
  const file = join(folder, "model.safetensors");
  writeFileSync(file, readFileSync(file, "latin1").replaceAll(`"${from}"`, `"${to}"`), "latin1");
}

function writeIndex(shard: string): void {
  rmSync(join(folder, "model.safetensors"));
  const map = Object.fromEntries([...tinyTensors("clip").keys()].map((name) => [name, shard]));
  writeJson(folder, "model.safetensors.index.json", { weight_map: map });
}

const published = join(import.meta.dirname, "../../../shared/golden/encoders");
if (!existsSync(published)) console.warn(`SKIPPED: no folders of tiny models at ${published}`);

describe.skipIf(!existsSync(published))("folders of tiny models", () => {
  it.each(["clip", "siglip"])("give the reference's vectors, from the files: %s", async (family) => {
    const model = join(published, `tiny-${family}`);
    const expected = JSON.parse(readFileSync(join(model, "expected.json"), "utf8"));
    const opened = await openTowers(model, "both");
    const pictures = await seen(
      opened,
      expected.photos.map((photo: string) => join(model, photo)),
    );
    expect(furthest(pictures.embedding, expected.image_features.flat())).toBeLessThan(1e-5);
    const texts = await read(opened, expected.captions);
    expect(furthest(texts.embedding, expected.text_features.flat())).toBeLessThan(1e-5);
    const { tensors } = readSafetensors(join(model, "tokens.safetensors"));
    const numbers = (name: string) => [...(tensors.get(name)?.data ?? [])].map(Number);
    expect(furthest(pictures.regions, numbers("regions"))).toBeLessThan(1e-5);
    expect(furthest(texts.words, numbers("words"))).toBeLessThan(1e-5);
    expect([...texts.mask.data].map(Number)).toEqual(numbers("word_mask"));
  });
});
