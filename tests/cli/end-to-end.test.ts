import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runProgram } from "../../src/cli/run-program.js";
import { recordingContext, withoutWarnings } from "./recording-context.js";

let root: string;
let data: string;
let runDir: string;
let configFile: string;

/** Small enough for a second an epoch; nothing is learned. */
const tiny = {
  backbone: "resnet18",
  backboneWidth: 0.125,
  embedDim: 16,
  wordDim: 8,
  imagePx: 32,
  resizePx: 32,
  batchSize: 8,
  epochs: 2,
  maxWords: 12,
  holdOut: 0.2,
};

async function run(...args: string[]) {
  const context = recordingContext();
  const code = await runProgram(args, context);
  return { code, output: context.output(), errors: context.errors() };
}

/** Runs a command that must succeed, and reads its one line of JSON. */
async function runJson(...args: string[]) {
  const { code, output, errors } = await run(...args, "--json");
  expect(withoutWarnings(errors)).toBe("");
  expect(code).toBe(0);
  expect(output.trimEnd().split("\n")).toHaveLength(1);
  return JSON.parse(output);
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "sdfn-cli-"));
  [data, runDir, configFile] = [join(root, "data"), join(root, "run"), join(root, "tiny.json")];
  writeFileSync(configFile, JSON.stringify(tiny));
  await runJson("data", "synthetic", "--out", data, "--items", "20", "--triplets", "60", "--size", "32");
  const trained = await runJson(
    "train",
    "--data",
    data,
    "--out",
    runDir,
    "--config",
    configFile,
    "--set",
    "heads=2",
  );
  expect(trained).toMatchObject({ run: runDir, model: "sdfn", status: "complete", steps: 12 });
  expect(trained.validation).toMatchObject({ queries: 12, r10: expect.any(Number) });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("sdfn train", () => {
  it("leaves configuration, vocabulary, metrics and parameters", () => {
    expect(readdirSync(runDir).sort()).toEqual([
      "metrics.jsonl",
      "parameters.safetensors",
      "phrases.json",
      "run.json",
      "vocabulary.json",
    ]);
    const { config, status } = JSON.parse(readFileSync(join(runDir, "run.json"), "utf8"));
    expect(status).toBe("complete");
    expect(config).toMatchObject({ ...tiny, heads: 2, model: "sdfn", seed: 1 });
  });

  it("tells people how it goes, and what comes next", async () => {
    const out = join(root, "tirg");
    const { code, output } = await run(
      "train",
      "--data",
      data,
      "--out",
      out,
      "--config",
      configFile,
      "--model",
      "tirg",
      "--seed",
      "5",
      "--set",
      "epochs=1",
      "initialScale=4",
    );
    expect(code).toBe(0);
    expect(output).toMatch(
      /^48 triplets \(12 more held out\), \d+ words, [\d,]+ parameters, 6 steps; needs about [\d.]+ GB of memory\n/,
    );
    expect(output).toMatch(/epoch 1\/1 {2}loss \d+\.\d{3} {2}held-out R@1 .* R@10 .* \(12 queries\)/);
    expect(output).toContain(`next: sdfn evaluate --run ${out} --data ${data}\n`);
    const { config } = JSON.parse(readFileSync(join(out, "run.json"), "utf8"));
    expect(config).toMatchObject({ model: "tirg", seed: 5, epochs: 1, initialScale: 4 });
  });

  it("trains with a frozen backbone, says what that costs, and evaluates from the same maps", async () => {
    const [out, cache] = [join(root, "frozen"), join(root, "feature-cache")];
    const { code, errors, output } = await run(
      "train",
      "--data",
      data,
      "--out",
      out,
      "--config",
      configFile,
      "--set",
      "heads=2",
      "--freeze-backbone",
      "--feature-cache",
      cache,
    );
    expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining("complete") });
    expect(errors).toMatch(/^frozen backbone: \d+ feature maps \[64, 1, 1\] float16, .*\d+ to compute/);
    const { config, featureCache } = JSON.parse(readFileSync(join(out, "run.json"), "utf8"));
    expect(config.freezeBackbone).toBe(true);
    expect(featureCache).toBe(cache);
    const files = () => readdirSync(cache, { recursive: true }).length;
    const evaluated = await runJson("evaluate", "--run", out, "--data", data);
    const before = files();
    expect(await runJson("evaluate", "--run", out, "--data", data)).toEqual(evaluated);
    expect(files()).toBe(before);
    rmSync(cache, { recursive: true });
    expect(await runJson("evaluate", "--run", out, "--data", data)).toMatchObject({
      dataset: evaluated.dataset,
    });
    expect(existsSync(cache)).toBe(false);
  });

  it("does not write over another run", async () => {
    const { code, errors } = await run("train", "--data", data, "--out", runDir, "--config", configFile);
    expect(code).toBe(1);
    expect(errors).toMatch(/^RUN_INVALID: .*holds a run; resume it: sdfn train --resume/);
  });

  it("stops when asked to, keeps what it has, and says so by its exit code", async () => {
    const abort = new AbortController();
    const context = recordingContext({ signal: abort.signal });
    const out = join(root, "stopped");
    const running = runProgram(["train", "--data", data, "--out", out, "--config", configFile], context);
    // The line before the first step.
    while (!context.output().includes(" steps; needs about"))
      await new Promise((resolve) => setTimeout(resolve, 5));
    abort.abort();
    expect(await running).toBe(130);
    expect(context.output()).toMatch(/interrupted after \d+ steps/);
    expect(JSON.parse(readFileSync(join(out, "run.json"), "utf8")).status).toBe("interrupted");
    expect((await run("evaluate", "--run", out, "--data", data)).code).toBe(0);
  });
});

describe("sdfn evaluate", () => {
  it("reports recall by category with protocol, galleries, seed and commit", async () => {
    const result = await runJson("evaluate", "--run", runDir, "--data", data);
    expect(result).toMatchObject({ model: "sdfn", split: "val", protocol: "val-split", seed: 1 });
    expect(Object.keys(result.perCategory)).toEqual(["dress", "shirt", "toptee"]);
    expect(result.perCategory.dress).toMatchObject({ queries: 15, gallery: 21 });
    expect(result.commit).toEqual(expect.any(String));
  });

  it("measures what each half answers, and asks in as many wordings as it is told to", async () => {
    const result = await runJson("evaluate", "--run", runDir, "--data", data);
    // The built-in catalogue words each query in four ways; the halves are ranked in the same galleries.
    const { shortcuts, paraphrases } = result;
    expect(Object.keys(shortcuts.perCategory)).toEqual(Object.keys(result.perCategory));
    expect(paraphrases).toMatchObject({ wordings: 4, mean: { queries: 45, of: 45 } });
    const { r1, r10, r50 } = result.mean;
    expect(paraphrases.mean.byWording[0]).toEqual({ r1, r10, r50 });
    const two = await runJson("evaluate", "--run", runDir, "--data", data, "--wordings", "2");
    expect(two.paraphrases.mean.byWording).toEqual(paraphrases.mean.byWording.slice(0, 2));
    const { paraphrases: _, ...others } = result;
    expect(await runJson("evaluate", "--run", runDir, "--data", data, "--wordings", "1")).toEqual(others);
  });

  it("prints a table for people, under the protocol asked for", async () => {
    const { output } = await run("evaluate", "--run", runDir, "--data", data, "--protocol", "original");
    expect(output).toMatch(
      /picture alone .*\nwords alone .*\neither: shortcuts .*\nboth, on the other queries /,
    );
    expect(output).toMatch(/45 of 45 queries in 4 wordings each/);
    expect(output).toMatch(/^sdfn on fashioniq val, protocol original, /);
    expect(output).toMatch(/^mean +\d+\.\d +\d+\.\d +\d+\.\d +45 +63$/m);
  });
});

describe("sdfn search", () => {
  const search = () => ["search", "--run", runDir, "--data", data, "--text", "is red"];
  const anyId = () => JSON.parse(readFileSync(join(data, "image_splits", "split.dress.val.json"), "utf8"))[0];

  it("ranks for an image of the data set, which it does not answer itself", async () => {
    const found = await runJson(...search(), "--image", anyId(), "-k", "5");
    expect(found.items.map(({ rank }: { rank: number }) => rank)).toEqual([1, 2, 3, 4, 5]);
    const scores = found.items.map(({ score }: { score: number }) => score);
    expect(scores).toEqual(scores.toSorted((a: number, b: number) => b - a));
    for (const { id, path } of found.items) {
      expect(id).not.toBe(anyId());
      expect(existsSync(path)).toBe(true);
    }
    expect(found.gallery).toBe(63);
  });

  it("gives the query's route weights, which sum to 1 over the sources", async () => {
    const { routes, modules } = await runJson(...search(), "--image", anyId());
    expect(modules).toEqual(["JRM", "CAM", "GTM", "RCM"]);
    expect(routes.map((layer: number[][]) => [layer.length, layer[0]?.length])).toEqual([
      [4, 4],
      [4, 4],
      [4, 1],
    ]);
    for (const layer of routes as number[][][]) {
      for (const destination of (layer[0] ?? []).keys()) {
        expect(layer.reduce((sum, row) => sum + (row[destination] ?? 0), 0)).toBeCloseTo(1, 5);
      }
    }
    const { output } = await run(...search(), "--image", anyId());
    expect(output).toMatch(/^rank +score +id\n1 /);
    expect(output).toContain("layer 3 to the embedding\n");
  });

  it.each(["png", "jpeg", "webp"] as const)(
    "takes a %s of the user's own, and writes a page",
    async (format) => {
      const image = join(root, `own.${format}`);
      const html = join(root, "pages", `${format}.html`);
      await sharp({ create: { width: 90, height: 120, channels: 3, background: "#c03" } })
        .toFormat(format)
        .toFile(image);
      const found = await runJson(
        ...search(),
        "--image",
        image,
        "--category",
        "shirt",
        "--html",
        html,
        "-k",
        "3",
      );
      expect(found).toMatchObject({ reference: image, gallery: 21, html });
      const page = readFileSync(html, "utf8");
      for (const { id } of found.items) expect(page).toContain(`: ${id}"`);
      expect(page.match(/src="data:image\/jpeg;base64,/g)).toHaveLength(4);
      expect(page).toContain("JRM · ");
      expect(page).not.toContain("✓");
    },
  );

  it("refuses an image that is missing or damaged, and a category that is not there", async () => {
    const missing = await run(...search(), "--image", join(root, "none.jpg"));
    expect(missing).toMatchObject({ code: 2, errors: expect.stringMatching(/^USAGE: .*none\.jpg/) });
    const damaged = join(root, "damaged.jpg");
    writeFileSync(damaged, Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]));
    expect(await run(...search(), "--image", damaged)).toMatchObject({
      code: 1,
      errors: expect.stringMatching(/^IMAGE_INVALID: .*damaged\.jpg/),
    });
    expect(await run(...search(), "--image", anyId(), "--category", "hat")).toMatchObject({
      code: 2,
      errors: "USAGE: --category must be one of dress, shirt, toptee; got hat\n",
    });
  });
});
