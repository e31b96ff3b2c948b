/** A bundle in use: what queries may be, overlapping calls, a free event loop, threads that end, and closing. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exportBundle } from "../../src/bundle/export-bundle.js";
import { openBundle } from "../../src/bundle/open-bundle.js";
import { inferenceGraphs } from "../../src/embedding/inference-graphs.js";
import { runOnce } from "../../src/engine/runtime/session.js";
import { Random } from "../../src/engine/tensor/random.js";
import type { Tensor } from "../../src/engine/tensor/tensor.js";
import { BundleError, EncoderError, ImageError, UsageError } from "../../src/errors.js";
import { centreCrop, stackCrops } from "../../src/images/crops.js";
import { ImageCache } from "../../src/images/image-cache.js";
import { createModel } from "../../src/models/registry.js";
import type { Run } from "../../src/runs/open-run.js";
import { resolveRunConfig } from "../../src/runs/run-config.js";
import { encodeTexts } from "../../src/text/encode-texts.js";
import { type TrainedRuns, trainedRuns } from "./trained-run.js";

let runs: TrainedRuns;
let run: Run;
let dir: string;
let paths: string[];
beforeAll(async () => {
  runs = await trainedRuns();
  run = await runs.train("sdfn");
  dir = join(runs.root, "bundle");
  exportBundle(run, dir);
  paths = runs.ids.map((id) => runs.dataset.imagePath(id) ?? "");
});
afterAll(() => runs.remove());

const options = { threadCount: 1 };
const path = (i: number) => paths[i] ?? "";

/** Largest difference. */
const apart = (a: Float32Array, b: Float32Array) =>
  Math.max(...a.map((value, d) => Math.abs(value - (b[d] ?? Number.NaN))));

/** Opens, uses, and closes; `worker` is the thread of the moment. */
async function withEncoder(
  use: (encoder: Awaited<ReturnType<typeof openBundle>>, worker: () => Worker) => Promise<void>,
  given: Parameters<typeof openBundle>[1] = options,
  bundle = dir,
): Promise<void> {
  let newest: Worker | undefined;
  const remember = (worker: Worker) => {
    newest = worker;
  };
  process.on("worker", remember);
  try {
    const encoder = await openBundle(bundle, given);
    try {
      await use(encoder, () => newest as Worker);
    } finally {
      await encoder.close();
    }
  } finally {
    process.off("worker", remember);
  }
}

/** [T, N] from the trained model itself. */
async function attentionOf(picture: string, text: string): Promise<Float32Array> {
  const [imagePx, sizePx] = [70, 76];
  const graphs = inferenceGraphs(run.model, { imagePx });
  const source = new ImageCache(() => picture, { sizePx });
  const crops = [centreCrop(sizePx, imagePx)];
  const { regions } = await runOnce(graphs.images, {
    images: await stackCrops(source, ["it"], { crops, cropPx: imagePx }),
  });
  const { attention } = graphs;
  if (!attention) throw new Error("the model has no attention");
  const feeds = { regions: regions as Tensor, ...encodeTexts(run.vocabulary, [text], 11) };
  return (await runOnce({ attention }, feeds)).attention.data as Float32Array;
}

describe("a query", () => {
  it("without words is its picture, as a catalogue's is embedded", () =>
    withEncoder(async (encoder) => {
      const [picture] = await encoder.embedPictures([path(0)]);
      const answers = await encoder.embedQueries([
        { picture: path(0) },
        { picture: path(0), text: " \u0007 " },
      ]);
      for (const { embedding, ...rest } of answers) {
        expect(rest).toEqual({ routes: [], unknownWords: [] });
        expect(apart(embedding, picture as Float32Array)).toBeLessThan(1e-5);
      }
    }));

  it("without a picture has routes, no attention, and depends on its words", () =>
    withEncoder(async (encoder) => {
      const [red, blue] = await encoder.embedQueries([{ text: "is red" }, { text: "is blue" }]);
      expect(red?.routes).toHaveLength(2);
      expect(red?.attention).toBeUndefined();
      expect(red?.embedding).not.toEqual(blue?.embedding);
      expect(Math.hypot(...(red?.embedding ?? []))).toBeCloseTo(1, 5);
    }));

  it("says which words the model does not know, and where the words attend", () =>
    withEncoder(async (encoder) => {
      const text = "is Zorgly, red \u{1f457} ZORGLY? and zOrgly";
      const [answer] = await encoder.embedQueries([{ picture: path(1), text }]);
      expect(answer?.unknownWords).toEqual(["Zorgly", "\u{1f457}", "ZORGLY", "zOrgly"]);
      const { words, rows, columns, weights } = answer?.attention ?? { words: [], weights: [] };
      expect(words).toEqual(["is", "zorgly", ",", "red", "\u{1f457}", "zorgly", "?", "and", "zorgly"]);
      expect([rows, columns]).toEqual([3, 3]);
      const expected = await attentionOf(path(1), text);
      expect(apart(weights as Float32Array, expected.slice(0, words.length * 9))).toBeLessThan(1e-4);
      // Every region's shares are 1 in all.
      for (let region = 0; region < 9; region += 1) {
        const shares = words.map((_, t) => weights[t * 9 + region] ?? Number.NaN);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 4);
      }
    }));

  it("needs a half that the model looks at, and a picture that can be read", async () => {
    await withEncoder(async (encoder) => {
      await expect(encoder.embedQueries([{ text: "is red" }, { text: " " }])).rejects.toThrow(UsageError);
      await expect(encoder.embedQueries([{}])).rejects.toThrow(/needs a picture, or a text with a word/);
      const damaged = readFileSync(path(0)).subarray(0, 200);
      await expect(encoder.embedQueries([{ picture: damaged, text: "is red" }])).rejects.toThrow(ImageError);
      const results = await encoder.embedPictures([path(0), damaged, "/no/such.jpg", path(1)]);
      expect(results.map((result) => result instanceof ImageError)).toEqual([false, true, true, false]);
      expect(await encoder.embedQueries([])).toEqual([]);
    });
    const other = await runs.train("image-only", { model: "image-only" });
    const bundle = join(runs.root, "image-only-bundle");
    exportBundle(other, bundle);
    await withEncoder(
      async (encoder) => {
        await expect(encoder.embedQueries([{ text: "is red" }])).rejects.toThrow(/image-only does not read/);
        expect(await encoder.embedQueries([{ picture: path(0), text: "is red" }])).toHaveLength(1);
      },
      options,
      bundle,
    );
  });
});

describe("an encoder", () => {
  it("gives each of many overlapping calls its own answer, in few batches", () =>
    withEncoder(
      async (encoder, worker) => {
        const alone: Float32Array[] = [];
        for (let i = 0; i < 6; i += 1) {
          const [answer] = await encoder.embedQueries([
            { picture: path(i), text: i % 2 ? "is red" : "is shorter" },
          ]);
          alone.push(answer?.embedding ?? new Float32Array());
        }
        let batches = 0;
        worker().on("message", () => {
          batches += 1;
        });
        const wrong = encoder.embedQueries([{ picture: "/no/such.jpg", text: "is red" }]);
        wrong.catch(() => undefined);
        const together = await Promise.all(
          alone.map(async (_, i) => {
            const [answer] = await encoder.embedQueries([
              { picture: path(i), text: i % 2 ? "is red" : "is shorter" },
            ]);
            return answer?.embedding ?? new Float32Array();
          }),
        );
        await expect(wrong).rejects.toThrow(ImageError);
        expect(batches).toBe(2); // 6 queries that can be read, 5 at a time
        for (const [i, embedding] of together.entries()) {
          expect(apart(embedding, alone[i] ?? new Float32Array())).toBeLessThan(1e-5);
        }
        expect(apart(together[0] ?? new Float32Array(), together[2] ?? new Float32Array())).toBeGreaterThan(
          1e-3,
        );
      },
      // A window, for pictures are decoded two at a time and come to an idle model one after the other.
      { ...options, maxBatch: 5, windowMs: 1000 },
    ));

  it("gives queries of all kinds in one batch what they get alone", () =>
    withEncoder(async (encoder) => {
      const queries = [
        { text: "is blue" },
        { picture: path(2), text: "is red" },
        { picture: path(3) },
        { text: "is shorter" },
        { picture: path(4), text: "is blue" },
      ];
      const together = await encoder.embedQueries(queries);
      for (const [i, query] of queries.entries()) {
        const [alone] = await encoder.embedQueries([query]);
        const { embedding, routes, attention } = together[i] ?? {};
        expect(apart(embedding ?? new Float32Array(), alone?.embedding ?? new Float32Array())).toBeLessThan(
          1e-5,
        );
        expect(routes?.flat(2)).toHaveLength(alone?.routes.flat(2).length ?? -1);
        expect(attention?.words).toEqual(alone?.attention?.words);
        const none = new Float32Array();
        if (attention) expect(apart(attention.weights, alone?.attention?.weights ?? none)).toBeLessThan(1e-5);
      }
    }));

  it("leaves the event loop free while it works", async () => {
    // Wide enough for batches of several hundred milliseconds.
    const config = resolveRunConfig({
      file: { ...run.config.fields, backboneWidth: 0.5, imagePx: 256, resizePx: 256 },
    });
    const { vocabulary } = run;
    const model = createModel("sdfn", config.modelConfig, {
      vocabularySize: vocabulary.size,
      imagePx: 64,
      random: new Random(3),
    });
    const bundle = join(runs.root, "slow-bundle");
    exportBundle({ ...run, config, model }, bundle);
    await withEncoder(
      async (encoder) => {
        const delay = monitorEventLoopDelay({ resolution: 5 });
        delay.enable();
        await wait(50); // the first delay is measured from the second tick on
        const start = performance.now();
        await encoder.embedPictures(Array.from({ length: 4 }, () => paths.slice(0, 16)).flat());
        const tookMs = performance.now() - start;
        await wait(50);
        delay.disable();
        expect(tookMs).toBeGreaterThan(300);
        // 50 ms and what a machine at its limits adds; a loop that waits for the batch is late by all of it.
        expect(delay.max / 1e6).toBeLessThan(150);
      },
      { ...options, maxBatch: 64 },
      bundle,
    );
  });

  it("fails only the batch under way when its thread is killed, and starts another one", async () => {
    let onBatch: () => void = () => undefined;
    await withEncoder(
      async (encoder, worker) => {
        const [before] = await encoder.embedQueries([{ picture: path(0), text: "is red" }]);
        let second: ReturnType<typeof encoder.embedPictures> | undefined;
        onBatch = () => {
          onBatch = () => undefined;
          second = encoder.embedPictures(paths.slice(1, 2)); // waits for the next batch
          void worker().terminate();
        };
        const first = encoder.embedPictures(paths.slice(0, 1));
        await expect(first).rejects.toThrow(EncoderError);
        await expect(first).rejects.toThrow(/its thread ended before it answered/);
        expect(await second).toHaveLength(1);
        const [after] = await encoder.embedQueries([{ picture: path(0), text: "is red" }]);
        expect(after).toEqual(before);
        await worker().terminate(); // while nothing is asked
        expect(await encoder.embedQueries([{ picture: path(0), text: "is red" }])).toEqual([before]);
      },
      { ...options, maxBatch: 1, onBatch: () => onBatch() },
    );
  });

  it("answers what it accepted before it closes, and takes no more", async () => {
    const encoder = await openBundle(dir, { ...options, maxBatch: 2, windowMs: 60_000 });
    const accepted = Promise.all(paths.slice(0, 5).map((picture) => encoder.embedPictures([picture])));
    const closing = encoder.close();
    await expect(encoder.embedPictures([path(0)])).rejects.toThrow(EncoderError);
    expect((await accepted).flat().filter((row) => row instanceof Float32Array)).toHaveLength(5);
    await closing;
    await encoder.close();
    await expect(encoder.embedQueries([{ text: "is red" }])).rejects.toThrow(/was closed/);
  });

  it("names the same model for the same run only", async () => {
    const again = exportBundle(run, join(runs.root, "again"));
    const other = await runs.train("other", { seed: 2 });
    const ids = [again.modelId, exportBundle(other, join(runs.root, "other-bundle")).modelId];
    await withEncoder(async ({ modelId, model, embedDim }) => {
      expect(modelId).toBe(ids[0]);
      expect(modelId).not.toBe(ids[1]);
      expect({ model, embedDim }).toEqual({ model: "sdfn", embedDim: 48 });
    });
    await expect(openBundle(join(runs.root, "nothing"))).rejects.toThrow(BundleError);
  });
});
