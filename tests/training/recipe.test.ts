/** What the recipe's fields do, and what stops or warns, on real files. */
import { readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runProgram } from "../../src/cli/run-program.js";
import { openFashionIq } from "../../src/data/datasets/fashion-iq.js";
import { ConfigError, DivergenceError, EnvironmentError, ImageError } from "../../src/errors.js";
import { openRun } from "../../src/runs/open-run.js";
import { resolveRunConfig } from "../../src/runs/run-config.js";
import { readManifest, readMetrics } from "../../src/runs/run-files.js";
import { resumeTraining, type TrainEvent, type TrainOptions, train } from "../../src/training/train.js";
import { recordingContext } from "../cli/recording-context.js";
import { session, tinyCatalogue, tinyFields, tinySdfn } from "./tiny-training.js";

const { folder, data } = tinyCatalogue();
const plain = { ...tinySdfn, randomCrop: false, flip: false, dropout: 0 };

let runs = 0;
async function trained(fields: object, options: Partial<TrainOptions> = {}) {
  runs += 1;
  const runDir = join(folder, `run-${runs}`);
  const events: TrainEvent[] = [];
  const work = train({
    dataset: openFashionIq(data),
    config: resolveRunConfig({ file: { ...tinySdfn, ...fields } }),
    runDir,
    session,
    ...options,
    onEvent(event) {
      events.push(event);
      options.onEvent?.(event);
    },
  });
  const failure = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  const notes = events.flatMap((event) => (event.kind === "note" ? [event.text] : []));
  const start = events.find((event) => event.kind === "start");
  return { runDir, notes, start, failure, bytes: () => readFileSync(join(runDir, "parameters.safetensors")) };
}

const lossesOf = (runDir: string) =>
  readMetrics(runDir).flatMap((entry) => (entry.kind === "step" ? [entry.loss] : []));

describe("the weight average", () => {
  it("is what is saved, and changes nothing of the training", async () => {
    const without = await trained({ epochs: 1 });
    const average = await trained({ epochs: 1, weightAverage: 0.9 });
    expect(lossesOf(average.runDir)).toEqual(lossesOf(without.runDir));
    expect(average.bytes().equals(without.bytes())).toBe(false);
    expect(readManifest(average.runDir).kept).toMatchObject({ weightAverage: 0.9, rule: "last", epoch: 1 });
  });
});

describe("the warm-up", () => {
  it("is noted where it is no shorter than the training, and only there", async () => {
    const long = await trained({ epochs: 1, warmupSteps: 7500 });
    expect(long.notes).toContainEqual(
      expect.stringMatching(/^warmupSteps 7,500 is no less than the \d steps in all: the rate never reaches/),
    );
    const short = await trained({ epochs: 1, warmupSteps: 2 });
    expect(short.notes.filter((text) => text.includes("warmupSteps"))).toEqual([]);
  });
});

describe("the epoch that is kept", () => {
  it("is the best on held-out items, training stops when patience runs out, and the run says all of it", async () => {
    // Without decay, a run of fewer epochs is the beginning of a longer one.
    const fields = { decayAt: 1, learningRate: 1e-3, patience: 2 };
    const best = await trained({ ...fields, keep: "best", epochs: 30 });
    expect(best.failure).toBeUndefined();
    const { kept, stoppedEarly = 0, heldOut, status } = readManifest(best.runDir);
    expect(status).toBe("complete");
    expect(stoppedEarly).toBe((kept?.epoch ?? 0) + 2);
    expect(heldOut).toMatchObject({ by: "item" });
    expect(kept?.chosenOn).toBe(
      `${heldOut?.triplets} triplets held out of the train split by item: mean of R@1, R@10 and R@50`,
    );
    const recalls = readMetrics(best.runDir).flatMap((entry) =>
      entry.kind === "epoch" && entry.validation
        ? [(entry.validation.r1 + entry.validation.r10 + entry.validation.r50) / 3]
        : [],
    );
    expect(recalls).toHaveLength(stoppedEarly);
    expect(recalls.indexOf(Math.max(...recalls)) + 1).toBe(kept?.epoch);
    expect(best.notes.join()).toMatch(
      /stopped early: 2 epochs without a higher held-out recall than epoch \d+'s/,
    );
    const short = await trained({ ...fields, patience: 0, epochs: kept?.epoch });
    expect(best.bytes().equals(short.bytes())).toBe(true);
  });

  it("cannot be chosen on nothing", async () => {
    expect(() => resolveRunConfig({ set: ["keep=best", "patience=3", "holdOut=0"] })).toThrow(
      /keep: best goes by held-out triplets; got holdOut 0\n.*patience: goes by held-out triplets/,
    );
    const { failure } = await trained({ keep: "best", holdOut: 0.001 });
    expect(failure).toBeInstanceOf(ConfigError);
    expect(String(failure)).toMatch(/none can be held out of \d+/);
  });
});

describe("groups of parameters", () => {
  it("with a rate of 0 keep their values, and statistics that are frozen stay", async () => {
    const { runDir } = await trained({
      epochs: 1,
      backboneRate: 0,
      wordRate: 0,
      backboneStatistics: "frozen",
    });
    const begun = await trained({ epochs: 1, learningRate: 1e-30, backboneStatistics: "frozen" });
    const [now, before] = [openRun(runDir).model.stateDict(), openRun(begun.runDir).model.stateDict()];
    const changed = [...now]
      .filter(([name, { data: values }]) =>
        values.some((value, i) => Math.abs(value - (before.get(name)?.data[i] ?? 0)) > 1e-9),
      )
      .map(([name]) => name);
    expect(changed).toContain("image.proj.weight");
    expect(changed.filter((name) => /^image\.backbone\.|^text\.embedding\./.test(name))).toEqual([]);
    const moving = await trained({ epochs: 1, learningRate: 1e-30, backboneStatistics: "batch" });
    const statistics = openRun(moving.runDir).model.stateDict().get("image.backbone.bn1.running_mean");
    expect(statistics?.data).not.toEqual(before.get("image.backbone.bn1.running_mean")?.data);
  });
});

describe("one category", () => {
  it("is all that is trained on, and all that is evaluated", async () => {
    const { runDir, start } = await trained({ category: "dress", holdOut: 0 });
    const triplets = openFashionIq(data)
      .split("train")
      .triplets.filter(({ category }) => category === "dress");
    expect(start).toMatchObject({ triplets: triplets.length });
    const context = recordingContext();
    expect(await runProgram(["evaluate", "--run", runDir, "--data", data, "--json"], context)).toBe(0);
    expect(Object.keys(JSON.parse(context.output()).perCategory)).toEqual(["dress"]);
  });
});

describe("a stored teacher", () => {
  it("gives what a snapshot gives where nothing is augmented", async () => {
    const [snapshot, stored] = [await trained(plain), await trained({ ...plain, teacher: "stored" })];
    const [a, b] = [lossesOf(snapshot.runDir), lossesOf(stored.runDir)];
    const first = a.length / 2; // of the second epoch, which is the first with a teacher
    expect(b.slice(0, first)).toEqual(a.slice(0, first));
    expect(b[first]?.distillation).not.toBe(0);
    expect(b[first]?.distillation).toBeCloseTo(a[first]?.distillation ?? 0, 4);
    expect(b.at(-1)?.total).toBeCloseTo(a.at(-1)?.total ?? 0, 2);
  });
});

describe("guards", () => {
  it("name the step and where NaN showed first", async () => {
    const { failure, runDir } = await trained({ learningRate: 1e30, epochs: 1 });
    expect(failure).toBeInstanceOf(DivergenceError);
    expect(String(failure)).toMatch(
      /step \d+ \(epoch 1\): .* not finite: (first the loss's part|gradients of|every gradient)/,
    );
    expect(readManifest(runDir).status).toBe("diverged");
  });

  it("stop at a loss that stays above its limit", async () => {
    const { failure, runDir } = await trained({ lossLimit: 0.01, lossLimitSteps: 3 });
    expect(failure).toBeInstanceOf(DivergenceError);
    expect(String(failure)).toMatch(
      /step 4 \(epoch 1\): the loss was above .* for 3 steps on end; .*raise lossLimit/,
    );
    expect(readManifest(runDir)).toMatchObject({ status: "diverged", step: 4 });
  });

  it("look at the routers after every epoch, also where nothing is held out", async () => {
    const epochsOf = (runDir: string) => readMetrics(runDir).filter((entry) => entry.kind === "epoch");
    const { runDir } = await trained({ holdOut: 0 });
    expect(epochsOf(runDir)).toHaveLength(2);
    for (const { validation, routerEntropy = [], routeWeights = [] } of epochsOf(runDir)) {
      expect(validation).toBeUndefined();
      expect(routerEntropy.map((entropy) => entropy > 0.5 && entropy <= 1)).toEqual([true, true]);
      expect(routeWeights.map((weights) => weights.length)).toEqual([4, 4]);
    }
    const other = join(folder, "without-routers");
    const config = resolveRunConfig({ file: { ...tinyFields, model: "sum", epochs: 1, holdOut: 0 } });
    await train({ dataset: openFashionIq(data), config, runDir: other, session });
    expect(epochsOf(other)).toHaveLength(1);
    expect(epochsOf(other)[0]).not.toHaveProperty("routerEntropy");
  });

  it("report words that no batch had", async () => {
    const { notes, runDir } = await trained({ maxWords: 3, epochs: 1 });
    const { unseenWords } = readManifest(runDir);
    expect(unseenWords?.count).toBeGreaterThan(0);
    expect(notes.join()).toContain(`${unseenWords?.count} words of the vocabulary were in no batch`);
  });

  it("refuse what the memory cannot hold before the first step, and leave the folder usable", async () => {
    const { failure, runDir } = await trained({}, { availableBytes: 100e6 });
    expect(failure).toBeInstanceOf(EnvironmentError);
    expect(String(failure)).toMatch(/would need about 0\.\d GB of memory .* 0\.1 GB are free/);
    expect((await trained({ epochs: 1 }, { runDir })).failure).toBeUndefined();
  });

  it("stop at an image that is gone, name it, and continue with the same bits when it is back", async () => {
    const whole = await trained({}, { imageBudgetBytes: 0 });
    const dataset = openFashionIq(data);
    const first = dataset.split("train").triplets[0]?.reference ?? "";
    const path = dataset.imagePath(first) ?? "";
    let isGone = false;
    const broken = await trained(
      {},
      {
        imageBudgetBytes: 0,
        onEvent(event) {
          if (event.kind === "step" && event.step === 2) {
            renameSync(path, `${path}.away`);
            isGone = true;
          }
        },
      },
    );
    expect(isGone).toBe(true);
    expect(broken.failure).toBeInstanceOf(ImageError);
    expect(String(broken.failure)).toMatch(
      new RegExp(
        `${first}.*\\n.*saved up to step \\d+; when that is fixed, resume with: sdfn train --resume`,
      ),
    );
    expect(readManifest(broken.runDir).status).toBe("interrupted");
    renameSync(`${path}.away`, path);
    await resumeTraining({ dataset, runDir: broken.runDir, session });
    expect(broken.bytes().equals(whole.bytes())).toBe(true);
  });
});
