/**
 * The doors for levels, parts and pairs: a model that looks at a lower stage of its backbone, is found by named parts, and
 * scores pairs by a graph, goes through its whole life: steps, feature maps, training, evaluation, bundle, index.
 */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { exportBundle } from "../../src/bundle/export-bundle.js";
import { openBundle } from "../../src/bundle/open-bundle.js";
import { openFashionIq } from "../../src/data/datasets/fashion-iq.js";
import { FrozenBackbone } from "../../src/embedding/frozen-backbone.js";
import { ModelEmbedder } from "../../src/embedding/model-embedder.js";
import type { Value } from "../../src/engine/graph/value.js";
import { add, multiply } from "../../src/engine/ops/arithmetic.js";
import { matmul } from "../../src/engine/ops/matmul.js";
import { mean } from "../../src/engine/ops/reduce.js";
import { slice, transposeLast } from "../../src/engine/ops/shape.js";
import { Random } from "../../src/engine/tensor/random.js";
import { ConfigError } from "../../src/errors.js";
import { evaluate } from "../../src/evaluation/evaluate.js";
import { defaultProtocol } from "../../src/evaluation/protocols.js";
import { scorerOf } from "../../src/evaluation/recall.js";
import { halfRanks } from "../../src/evaluation/shortcuts.js";
import { ImageCache } from "../../src/images/image-cache.js";
import {
  type BatchFeatures,
  type Composition,
  CompositionModel,
  type PairScoring,
  type TargetEmbedding,
} from "../../src/models/composition-model.js";
import type { EncoderConfig } from "../../src/models/encoder-config.js";
import type { ImageFeatures } from "../../src/models/image-encoder.js";
import { defineModel } from "../../src/models/model-definition.js";
import { joinParts } from "../../src/models/parts.js";
import { registerModel } from "../../src/models/registry.js";
import type { TextFeatures } from "../../src/models/text-encoder.js";
import { Linear } from "../../src/nn/linear.js";
import { classificationPart } from "../../src/nn/losses/batch-classification.js";
import { scaledSimilarity } from "../../src/nn/losses/similarity.js";
import type { LossPart } from "../../src/nn/losses/total.js";
import { openRun, type Run } from "../../src/runs/open-run.js";
import { resolveRunConfig } from "../../src/runs/run-config.js";
import { readMetrics } from "../../src/runs/run-files.js";
import { CatalogueIndex } from "../../src/search/index/catalogue-index.js";
import { CatalogueSearch } from "../../src/search/index/catalogue-search.js";
import { indexCatalogue } from "../../src/search/index/index-catalogue.js";
import { Searcher } from "../../src/search/searcher.js";
import { train } from "../../src/training/train.js";
import { session, tinyCatalogue, tinyFields } from "./tiny-training.js";

const weights = { high: 1, low: 0.25 };

/** Two parts: of the last stage, and of layer3; a pair scores by the first part against the text alone. */
class TwoLevels extends CompositionModel {
  readonly ofLow: Linear;

  constructor(config: EncoderConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random, { levels: ["layer3"] });
    const channels = this.image.backbone.levels.find(({ name }) => name === "layer3")?.channels ?? 0;
    this.ofLow = new Linear(channels, 5, random);
  }

  compose(reference: ImageFeatures, { sentence }: TextFeatures): Composition {
    const parts = { high: add(reference.embedding, sentence), low: this.#low(reference) };
    return { q: joinParts(parts, weights), parts, pairRow: sentence };
  }

  override embedTarget(features: ImageFeatures): TargetEmbedding {
    const parts = { high: features.embedding, low: this.#low(features) };
    return { embedding: joinParts(parts, weights), parts };
  }

  override losses(batch: BatchFeatures): readonly LossPart[] {
    const { composition, targetEmbedding } = batch;
    const of = (name: "high" | "low") =>
      [composition.parts?.[name], targetEmbedding.parts?.[name]] as [Value, Value];
    const low = classificationPart(scaledSimilarity(...of("low"), this.scale));
    return [
      classificationPart(scaledSimilarity(...of("high"), this.scale)),
      { ...low, name: "low", weight: 0.5 },
    ];
  }

  override get pairScoring(): PairScoring {
    return {
      candidates: 4,
      // No dot product of embeddings: the square of one, so that its sign does not matter.
      score(queries, gallery) {
        const own = slice(gallery, { axis: 1, start: 0, end: queries.dim(1) });
        const product = matmul(queries, transposeLast(own));
        return multiply(product, product);
      },
    };
  }

  #low({ levels: [level] }: ImageFeatures): Value {
    return this.ofLow.forward(mean(level?.regions as Value, { axes: [1] }));
  }
}

const embedDim = 12;
const { folder, data } = tinyCatalogue();
const fields = { ...tinyFields, model: "two-levels", epochs: 1, embedDim, imagePx: 64, resizePx: 66 };

registerModel(defineModel({ name: "two-levels", modelClass: TwoLevels }), { path: "two-levels", sha256: "" });

/** Trains into a folder of this name, and opens the run. */
async function trained(name: string, given: Readonly<Record<string, unknown>> = {}): Promise<Run> {
  const config = resolveRunConfig({ file: { ...fields, ...given } });
  const runDir = join(folder, name);
  await train({
    dataset: openFashionIq(data),
    config,
    runDir,
    featureCacheDir: join(folder, "features"),
    session,
  });
  return openRun(runDir);
}

function embedderOf({ model, vocabulary }: Run): Promise<ModelEmbedder> {
  const dataset = openFashionIq(data);
  const images = new ImageCache((id) => dataset.imagePath(id), { sizePx: 66 });
  return ModelEmbedder.compile(model, { images, vocabulary, imagePx: 64, maxWords: 12 }, session);
}

describe("a model with levels, parts and pair scores", () => {
  it("trains, and logs the losses of its parts", async () => {
    const run = await trained("whole");
    const epoch = readMetrics(run.runDir).findLast((metrics) => metrics.kind === "epoch");
    expect(Object.keys(epoch?.loss ?? {})).toEqual(["total", "classification", "low"]);
    const before = new TwoLevels(run.config.modelConfig as EncoderConfig, run.vocabulary.size, new Random(1));
    const { data: weight } = before.ofLow.weight;
    expect((run.model as TwoLevels).ofLow.weight.data).not.toEqual(weight);
  });

  it("trains from cached maps of both levels", async () => {
    const run = await trained("frozen", { freezeBackbone: true });
    const dataset = openFashionIq(data);
    const images = new ImageCache((id) => dataset.imagePath(id), { sizePx: 66 });
    const features = await FrozenBackbone.open(run.model, {
      images,
      imagePath: (id) => dataset.imagePath(id),
      imagePx: 64,
      imageFit: "squash",
      cacheDir: join(folder, "features"),
    });
    const ids = (dataset.split("train").images.get("dress") ?? []).slice(0, 3);
    expect([...features.shapes]).toEqual([
      ["images", [32, 2, 2]],
      ["images.layer3", [16, 4, 4]],
    ]);
    const maps = await features.read(ids.map((id) => ({ id, isFlipped: false })));
    expect(maps["images.layer3"]?.shape).toEqual([3, 16, 4, 4]);
    // The same embeddings, from maps and from pictures, to half precision.
    const { vocabulary } = run;
    const options = { images, vocabulary, imagePx: 64, maxWords: 12 };
    const ofMaps = await ModelEmbedder.compile(run.model, { ...options, featureMaps: features }, session);
    const ofPictures = await ModelEmbedder.compile(run.model, options, session);
    const [a, b] = [await ofMaps.embedImages(ids), await ofPictures.embedImages(ids)];
    expect(a.length).toBe(3 * (embedDim + 5));
    for (const [i, value] of a.entries()) expect(value).toBeCloseTo(b[i] ?? Number.NaN, 2);
    for (const opened of [ofMaps, ofPictures, features]) await opened.release();
  });

  it("is ranked by its pair scores over the whole gallery", async () => {
    const embedder = await embedderOf(await trained("evaluated"));
    const provenance = { model: "two-levels", seed: 1, commit: "none" };
    const result = await evaluate(openFashionIq(data), embedder, {
      ...provenance,
      split: "val",
      protocol: defaultProtocol,
      async onCategory(category) {
        const { task, ranks } = category;
        const { scores, gallery, queries } = task;
        const count = gallery.length / task.embedDim;
        expect(scores?.length).toBe((queries.length / task.embedDim) * count);
        const score = scorerOf(task);
        const target = task.hits[0]?.[0] ?? -1;
        const masked = new Set(task.masked[0]);
        const better = Array.from({ length: count }, (_, row) => row).filter(
          (row) => row !== target && !masked.has(row) && score(0, row) >= score(0, target),
        );
        expect(ranks[0]).toBe(better.length + 1);
        // A picture alone has no text to score pairs with: the cosine of gallery embeddings decides.
        const reference = category.galleryIds.indexOf(category.asked[0]?.triplet.reference ?? "");
        const cosine = scorerOf({ ...task, queries: gallery, scores: undefined });
        const nearer = Array.from({ length: count }, (_, row) => row).filter(
          (row) => row !== target && !masked.has(row) && cosine(reference, row) >= cosine(reference, target),
        );
        expect((await halfRanks(category, embedder)).picture[0]).toBe(nearer.length + 1);
      },
    });
    expect(result.mean.r50).toBeGreaterThan(0);
    // A search in a data set scores all but the reference, and says so.
    const ids = openFashionIq(data).split("val").images.get("dress") ?? [];
    const searcher = await Searcher.create(embedder, ids);
    const { hits, scoredPairs } = await searcher.search({ reference: ids[0] ?? "", text: "is red", k: 3 });
    expect({ scoredPairs, count: hits.length }).toEqual({ scoredPairs: ids.length - 1, count: 3 });
    expect(hits.every(({ score }) => score >= 0)).toBe(true);
    // A pair's score looks at the text only: the words alone are ranked as the whole query is.
    const { r1, r10, r50 } = result.mean;
    expect(result.shortcuts?.mean.words).toEqual({ r1, r10, r50 });
    expect(result.paraphrases?.mean.byWording[0]).toEqual({ r1, r10, r50 });
    await embedder.release();
  });

  it("takes the mean of pictures' features, all levels of them, for a picture", async () => {
    const embedder = await embedderOf(await trained("mean"));
    const [a = "", b = ""] = openFashionIq(data).split("val").images.get("dress") ?? [];
    const [ofA, ofB, both] = [
      await embedder.meanPicture([a]),
      await embedder.meanPicture([b]),
      await embedder.meanPicture([a, b]),
    ];
    for (const [i, value] of both.entries()) {
      expect(value).toBeCloseTo(((ofA[i] ?? Number.NaN) + (ofB[i] ?? Number.NaN)) / 2, 4);
    }
    const text = "is red";
    const [one, same, other] = [
      await embedder.embedQueries([{ reference: a, text }]),
      await embedder.embedQueries([{ reference: ofA, text }]),
      await embedder.embedQueries([{ reference: both, text }]),
    ];
    expect(same).toEqual(one);
    expect(other).not.toEqual(one);
    await embedder.release();
  });

  it("is exported, indexed, and re-ranks the best of a search by its pair scores", async () => {
    const run = await trained("indexed");
    const bundle = join(folder, "bundle");
    const manifest = exportBundle(run, bundle);
    expect(manifest).toMatchObject({ embedDim: embedDim + 5, pairCandidates: 4 });
    const encoder = await openBundle(bundle);
    const index = await CatalogueIndex.openOrCreate(join(folder, "index"), encoder, async (place) => {
      cpSync(bundle, place, { recursive: true });
    });
    await indexCatalogue(index, encoder, { file: join(data, "catalogue.csv") });
    const search = new CatalogueSearch(index, encoder);
    const queries = [{ text: "is red" }];
    const { hits, scoredPairs, fitting } = await search.search({ queries, limit: 3 });
    expect({ scoredPairs, count: hits.length }).toEqual({ scoredPairs: 4, count: 3 });
    const all = await search.search({ queries, limit: 3, isExact: true });
    expect(all.scoredPairs).toBe(fitting);
    // By hand: the square of sentence · picture's own part.
    const [query] = await encoder.embedQueries(queries);
    const scores: { id: string; score: number }[] = [];
    for await (const items of index.store.items()) {
      for (const { id, vector } of items) {
        const product = Array.from(query?.pairRow ?? []).reduce(
          (sum, value, d) => sum + value * (vector[d] ?? 0),
          0,
        );
        scores.push({ id, score: product ** 2 });
      }
    }
    scores.sort((a, b) => b.score - a.score);
    expect(all.hits.map(({ entry }) => entry.id)).toEqual(scores.slice(0, 3).map(({ id }) => id));
    expect(all.hits[0]?.score).toBeCloseTo(scores[0]?.score ?? Number.NaN, 4);
    // A picture alone has no row for pairs: the cosine decides.
    const [first] = all.hits;
    const alone = await search.search({ queries: [{ reference: { id: first?.entry.id ?? "" } }], limit: 3 });
    expect(alone.scoredPairs).toBeUndefined();
    await index.close();
    await encoder.close();
  });

  it("refuses a level that the backbone does not have", () => {
    const config = resolveRunConfig({ file: fields }).modelConfig as EncoderConfig;
    class Wrong extends CompositionModel {
      constructor() {
        super(config, 5, new Random(1), { levels: ["layer9"] });
      }
      compose({ embedding: q }: ImageFeatures): Composition {
        return { q };
      }
    }
    expect(() => new Wrong()).toThrow(ConfigError);
    expect(() => new Wrong()).toThrow(
      /resnet18: has no level layer9; known are layer1, layer2, layer3, layer4/,
    );
  });
});
