/**
 * Every model of the registry lives its whole life, a new one too as soon as it is there: it trains end to end and from
 * cached maps, resumes, takes micro-batches, evaluates, is exported, indexed, and searched over HTTP.
 */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exportBundle } from "../../src/bundle/export-bundle.js";
import { openBundle } from "../../src/bundle/open-bundle.js";
import { openFashionIq } from "../../src/data/datasets/fashion-iq.js";
import { oneCategory } from "../../src/data/one-category.js";
import type { RetrievalDataset } from "../../src/data/triplet.js";
import { FrozenBackbone } from "../../src/embedding/frozen-backbone.js";
import { Random } from "../../src/engine/tensor/random.js";
import type { CategoryTask } from "../../src/evaluation/category-task.js";
import { evaluate } from "../../src/evaluation/evaluate.js";
import { defaultProtocol } from "../../src/evaluation/protocols.js";
import { scorerOf } from "../../src/evaluation/recall.js";
import { type RunEmbedder, withEmbedder } from "../../src/evaluation/run-embedder.js";
import { ImageCache } from "../../src/images/image-cache.js";
import { createModel, modelNames, registerModel } from "../../src/models/registry.js";
import { openRun, type Run } from "../../src/runs/open-run.js";
import { type RunConfig, resolveRunConfig } from "../../src/runs/run-config.js";
import { readMetrics, runFiles } from "../../src/runs/run-files.js";
import { CatalogueIndex } from "../../src/search/index/catalogue-index.js";
import { indexCatalogue } from "../../src/search/index/index-catalogue.js";
import type { SearchResponse } from "../../src/service/api.js";
import { resumeTraining, type TrainEvent, train } from "../../src/training/train.js";
import { everyDoor } from "../fixtures/every-door.js";
import { tinyOf } from "../fixtures/tiny-model.js";
import { start } from "../service/small-index.js";
import {
  EqualHalves,
  expectSame,
  newBatch,
  stepped,
  training,
  vocabularySize,
  withEqualHalves,
} from "./stepped.js";
import { session, tinyCatalogue } from "./tiny-training.js";

registerModel(everyDoor, { path: "every-door", sha256: "" });

const lives = [...modelNames, "every-door"].map((name) => [name, tinyOf(name)] as const);

const { folder, data } = tinyCatalogue();
/** Maps of more than one region, and levels that can be halved. */
const [imagePx, resizePx] = [64, 66];
/** Steps of one epoch; where there are two a teacher speaks in the second. */
const epochSteps = 3;
/** Of losses and gradients by micro-batches: what rounding may become, behind batch norm on three rows. */
const closeness = { losses: 1e-5, moments: 3e-4 };

let dresses: RetrievalDataset;
/** A catalogue of the pictures that the evaluation ranks. */
const table = join(data, "dresses.csv");
beforeAll(() => {
  dresses = oneCategory(openFashionIq(data), "dress");
  const ids = new Set(dresses.split("val").images.get("dress"));
  const [header = "", ...rows] = readFileSync(join(data, "catalogue.csv"), "utf8").split("\n");
  writeFileSync(table, [header, ...rows.filter((row) => ids.has(row.split(",")[0] ?? ""))].join("\n"));
});

function configOf(fields: Readonly<Record<string, unknown>>): RunConfig {
  const sizes = { imagePx, resizePx, batchSize: 16, holdOut: 0, learningRate: 2e-3 };
  return resolveRunConfig({ file: { ...fields, ...sizes } });
}

describe.each(lives)("%s", (name, fields) => {
  const place = (what: string) => join(folder, `${name} ${what}`);
  const featureCacheDir = join(folder, "features");
  const given = () => ({ session, featureCacheDir, dataset: openFashionIq(data) });
  const trained = once(async () => {
    const runDir = place("pictures");
    await train({ ...given(), config: configOf({ ...fields, epochs: 1 }), runDir });
    return openRun(runDir);
  });

  afterAll(() => {
    for (const what of ["pictures", "maps", "killed", "bundle", "index"])
      rmSync(place(what), { recursive: true, force: true });
  });

  it("trains end to end", async () => {
    const { manifest, runDir } = await trained();
    expect(manifest).toMatchObject({ status: "complete", step: epochSteps });
    for (const { loss } of readMetrics(runDir))
      for (const [part, value] of Object.entries(loss)) expect(value, part).toSatisfy(Number.isFinite);
  });

  it("trains from cached maps of every level, by micro-batches, and resumes with the same bits", async () => {
    const config = configOf({ ...fields, epochs: 2, freezeBackbone: true, microBatchSize: 8 });
    const [runDir, killed] = [place("maps"), place("killed")];
    const onEvent = (event: TrainEvent) => {
      // What a process that is killed now would leave, its last checkpoint being that of the first epoch.
      if (event.kind === "step" && event.step === epochSteps + 2) cpSync(runDir, killed, { recursive: true });
    };
    await train({ ...given(), config, runDir, onEvent });
    rmSync(join(killed, runFiles.lock));
    const resumed = await resumeTraining({ ...given(), runDir: killed });
    expect(resumed).toMatchObject({ status: "complete", steps: 2 * epochSteps });
    const bytes = (dir: string) => readFileSync(join(dir, runFiles.parameters));
    expect(bytes(killed).equals(bytes(runDir))).toBe(true);
    const lossesOf = (dir: string) => readMetrics(dir).map(({ loss }) => loss);
    expect(lossesOf(killed)).toEqual(lossesOf(runDir));
    await expectSameFromPictures(openRun(runDir));
  });

  it("has the whole batch's losses and gradients by micro-batches, up to what batch norm makes of them", async () => {
    const { modelConfig } = configOf(fields);
    const newModel = () =>
      createModel(String(fields.model), modelConfig, { vocabularySize, random: new Random(3), imagePx });
    const featureMapShapes = await mapShapes(newModel(), featureCacheDir);
    const maps = { featureMapShapes, featureMapType: "float32" } as const;
    const batch = newBatch(featureMapShapes);
    const run = (microBatchSize: number | null, given: Parameters<typeof stepped>[2]) =>
      stepped(newModel(), { training: training(microBatchSize), ...maps }, given);
    const cached = await run(3, { batch });
    const normalises = cached.notes.length > 0;
    if (!normalises) return expectSame(cached, await run(null, { batch }), closeness);
    expect(cached.notes.join()).toMatch(/statistics of 3 triplets, not of 6.*move 2 times a step/);
    // Where each half has the statistics of the whole, the rest must be equal. One step: Adam enlarges rounding.
    const halves = () => ({ batch: withEqualHalves(batch), random: new EqualHalves(5), steps: 1 });
    expectSame(await run(3, halves()), await run(null, halves()), closeness);
  });

  it("is exported, indexed, and found over HTTP in the order of its evaluation", async () => {
    const run = await trained();
    const task = await evaluated(run);
    const manifest = exportBundle(run, place("bundle"));
    await index(place("bundle"), place("index"));
    const service = await start({ index: place("index") });
    try {
      for (const row of [0, 5]) {
        const { reference } = task.asked[row]?.triplet ?? {};
        const asked = {
          queries: [{ reference: { id: reference }, text: task.asked[row]?.text }],
          limit: 100,
        };
        const answer = await answerOf(service.search({ ...asked, exact: true }));
        expectRankedAs(answer, task, row);
        expect(answer.fitting).toBe(task.galleryIds.length - 1);
        expect(answer.items).toHaveLength(answer.fitting);
        // All of a page that has every item are scored; of a short page only those that the model asks for.
        const { pairCandidates } = manifest;
        expect(answer.scoredPairs).toBe(pairCandidates === undefined ? undefined : answer.fitting);
        const page = await answerOf(service.search({ ...asked, limit: 2 }));
        expect(page.scoredPairs).toBe(
          typeof pairCandidates === "number" ? Math.min(pairCandidates, answer.fitting) : answer.scoredPairs,
        );
      }
      await expectHalves(service, manifest.preprocessing.textOnlyPicture);
    } finally {
      await service.close();
    }
  });
});

/** Computes once, when it is first asked for. */
function once<T>(compute: () => Promise<T>): () => Promise<T> {
  let computed: Promise<T> | undefined;
  return () => {
    computed ??= compute();
    return computed;
  };
}

/** A frozen run's embeddings from its maps, which are of half precision, are those from pictures. */
async function expectSameFromPictures(run: Run): Promise<void> {
  const { featureCache: _, ...manifest } = run.manifest;
  const ids = (dresses.split("val").images.get("dress") ?? []).slice(0, 3);
  const queries = ids.map((reference) => ({ reference, text: "is red with long sleeves" }));
  const embed = ({ embedder }: RunEmbedder) =>
    Promise.all([embedder.embedImages(ids), embedder.embedQueries(queries)]);
  const ofMaps = await withEmbedder(run, dresses, {}, embed);
  const ofPictures = await withEmbedder({ ...run, manifest }, dresses, {}, embed);
  for (const [kind, vectors] of ofMaps.entries()) {
    for (const [i, value] of vectors.entries())
      expect(value).toBeCloseTo(ofPictures[kind]?.[i] ?? Number.NaN, 2);
  }
}

async function mapShapes(model: Run["model"], cacheDir: string) {
  const images = new ImageCache((id) => dresses.imagePath(id), { sizePx: resizePx });
  const imagePath = (id: string) => dresses.imagePath(id);
  const features = await FrozenBackbone.open(model, {
    images,
    imagePath,
    imagePx,
    imageFit: "squash",
    cacheDir,
  });
  await features.release();
  return features.shapes;
}

/** What the evaluation ranks the dresses by. */
async function evaluated(run: Run): Promise<CategoryTask> {
  let found: CategoryTask | undefined;
  const onCategory = async (task: CategoryTask) => {
    found = task;
  };
  const { mean } = await withEmbedder(run, dresses, {}, ({ embedder }) =>
    evaluate(dresses, embedder, {
      model: run.config.model,
      seed: 1,
      commit: "none",
      split: "val",
      protocol: { ...defaultProtocol, name: "original" },
      onCategory,
    }),
  );
  expect(mean.r50).toBe(100); // of 21
  if (!found) throw new Error("nothing was evaluated");
  return found;
}

async function index(bundle: string, place: string): Promise<void> {
  const encoder = await openBundle(bundle, session);
  const install = async (to: string) => cpSync(bundle, to, { recursive: true });
  const opened = await CatalogueIndex.openOrCreate(place, encoder, install, { store: { kind: "exact" } });
  expect(await indexCatalogue(opened, encoder, { file: table })).toMatchObject({ added: 21, errors: 0 });
  await opened.close();
  await encoder.close();
}

async function answerOf(response: Promise<Response>): Promise<SearchResponse> {
  const answered = await response;
  const body = await answered.json();
  expect(answered.status, JSON.stringify(body)).toBe(200);
  return body as SearchResponse;
}

/** The same scores as the evaluation's, up to float32 sums in another order, and so the same ranking. */
function expectRankedAs({ items }: SearchResponse, { task, galleryIds }: CategoryTask, query: number): void {
  const score = scorerOf(task);
  const expected = new Map(galleryIds.map((id, row) => [id, score(query, row)]));
  const tolerance = 1e-4 * Math.max(1, ...[...expected.values()].map(Math.abs));
  for (const { item, score: found } of items)
    expect(Math.abs((found ?? Number.NaN) - (expected.get(item.id) ?? Number.NaN)), item.id).toBeLessThan(
      tolerance,
    );
  const inOrder = items.map(({ item }) => expected.get(item.id) ?? Number.NaN);
  for (const [i, value] of inOrder.entries())
    if (i > 0) expect(value).toBeLessThan((inOrder[i - 1] ?? Number.NaN) + tolerance);
}

/** A picture alone finds by the picture's own embedding; a text alone is answered by a model that reads. */
async function expectHalves(
  service: Awaited<ReturnType<typeof start>>,
  textOnlyPicture: "regions of zeros" | "refused",
): Promise<void> {
  const [first] = dresses.split("val").images.get("dress") ?? [];
  const alone = { queries: [{ reference: { id: first } }], includeReferences: true, limit: 1 };
  const { items } = await answerOf(service.search(alone));
  expect(items[0]?.item.id).toBe(first);
  expect(items[0]?.score).toBeCloseTo(1, 4);
  const text = service.search({ queries: [{ text: "is red" }] });
  if (textOnlyPicture === "refused") {
    expect((await text).status).toBe(400);
    return;
  }
  for (const { score } of (await answerOf(text)).items) expect(score).toBeTypeOf("number");
}
