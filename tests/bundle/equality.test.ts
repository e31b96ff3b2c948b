/** Bundles of really trained runs give the numbers of the model that was trained. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exportBundle } from "../../src/bundle/export-bundle.js";
import { openBundle } from "../../src/bundle/open-bundle.js";
import type { EncoderQuery } from "../../src/embedding/encoder.js";
import { withEmbedder } from "../../src/evaluation/run-embedder.js";
import type { Run } from "../../src/runs/open-run.js";
import { type TrainedRuns, trainedRuns } from "./trained-run.js";

let runs: TrainedRuns;
beforeAll(async () => {
  runs = await trainedRuns();
});
afterAll(() => runs.remove());

const texts = [
  "is red with long sleeves",
  "is Shorter",
  "has a zorgly collar and more than eleven words in all of its text",
  "blue ?",
];
/** Largest difference anywhere. */
const apart = (a: readonly Float32Array[], b: readonly Float32Array[]) =>
  Math.max(
    ...a.map((row, i) => Math.max(...row.map((value, d) => Math.abs(value - (b[i]?.[d] ?? Number.NaN))))),
  );

/** What the training model gives for the first seven pictures, and for queries of them. */
async function expected(run: Run, queries: readonly { reference: string; text: string }[]) {
  const { featureCache: _, ...manifest } = run.manifest; // its maps are of half precision
  return withEmbedder({ ...run, manifest }, runs.dataset, {}, async ({ embedder }) => {
    const flat = await embedder.embedImages(runs.ids.slice(0, 7));
    return {
      pictures: Array.from({ length: 7 }, (_, i) =>
        flat.slice(i * embedder.embedDim, (i + 1) * embedder.embedDim),
      ),
      queries: await Promise.all(queries.map((query) => embedder.embedQuery(query))),
    };
  });
}

const cases: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  // Every other model's ranking over HTTP is compared in tests/training/method-lives.test.ts.
  ["sdfn", {}],
  ["image-only", { model: "image-only" }],
  ["text-only", { model: "text-only" }],
  ["sdfn with a frozen backbone", { freezeBackbone: true }],
  [
    "sdfn of every beyond-the-paper field, padded pictures",
    { imageFit: "pad", imageNorm: "batch", textNorm: "layer", residual: 0.3, sentenceSkip: true },
  ],
  ["sdfn without CAM and routers", { modules: ["gtm", "rcm"], router: "none" }],
];

describe("a bundle", () => {
  it.each(cases)("of %s gives the trained model's numbers at every batch size", async (name, fields) => {
    const run = await runs.train(name, fields);
    const dir = join(runs.root, `bundle of ${name}`);
    exportBundle(run, dir);
    const pathOf = (id: string) => runs.dataset.imagePath(id) ?? "";
    const asked = texts.map((text, i) => ({ reference: runs.ids[i] ?? "", text }));
    const wanted = await expected(run, asked);
    for (const maxBatch of [1, 3, 8]) {
      const encoder = await openBundle(dir, { threadCount: 1, maxBatch });
      try {
        const pictures = await encoder.embedPictures(runs.ids.slice(0, 7).map(pathOf));
        expect(apart(wanted.pictures, pictures as Float32Array[])).toBeLessThan(1e-4);
        const queries = asked.map(
          ({ reference, text }): EncoderQuery => ({ picture: readFileSync(pathOf(reference)), text }),
        );
        const answers = await encoder.embedQueries(queries);
        expect(
          apart(
            wanted.queries.map(({ embedding }) => embedding),
            answers.map(({ embedding }) => embedding),
          ),
        ).toBeLessThan(1e-4);
        const flat = (routes: (typeof answers)[number]["routes"]) => [Float32Array.from(routes.flat(2))];
        for (const [i, { routes }] of answers.entries()) {
          expect(routes.map((layer) => layer.map((row) => row.length))).toEqual(
            wanted.queries[i]?.routes.map((layer) => layer.map((row) => row.length)),
          );
          if (routes.length > 0)
            expect(apart(flat(routes), flat(wanted.queries[i]?.routes ?? []))).toBeLessThan(1e-4);
        }
        const attends = fields.model === undefined || fields.model === "sdfn";
        expect(answers[0]?.attention !== undefined).toBe(attends && fields.modules === undefined);
      } finally {
        await encoder.close();
      }
    }
  });

  // python3-onnx of Debian 12 is older than opset 20; a newer one can be named by the environment.
  const python = process.env.SDFN_ONNX_PYTHON ?? "/usr/bin/python3";
  const script =
    "import onnx, sys\nprint(onnx.defs.onnx_opset_version())\nfor f in sys.argv[1:]: onnx.checker.check_model(onnx.load(f), full_check=True)";
  const newest = (() => {
    try {
      return Number(
        execFileSync(python, ["-c", script], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }),
      );
    } catch {
      return 0;
    }
  })();
  if (newest < 20)
    console.warn(`SKIPPED: ${python} has no ONNX of opset 20; set SDFN_ONNX_PYTHON to one that has`);
  it.skipIf(newest < 20)("passes ONNX's checker, types and shapes included", () => {
    const bundles = readdirSync(runs.root).filter((name) => name.startsWith("bundle of "));
    expect(bundles).toHaveLength(cases.length);
    const files = bundles.flatMap((name) =>
      ["image-encoder.onnx", "query-encoder.onnx"].map((file) => join(runs.root, name, file)),
    );
    expect(files.every((file) => existsSync(file))).toBe(true);
    expect(execFileSync(python, ["-c", script, ...files], { encoding: "utf8" })).toBe(`${newest}\n`);
  });
});
