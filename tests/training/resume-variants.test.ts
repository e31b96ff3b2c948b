/** Every way to train that has a state of its own resumes to the same bits: frozen, by micro-batches, with a stored teacher. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openFashionIq } from "../../src/data/datasets/fashion-iq.js";
import { Random } from "../../src/engine/tensor/random.js";
import { ResNet } from "../../src/models/backbones/resnet.js";
import { resolveRunConfig } from "../../src/runs/run-config.js";
import { readManifest, readMetrics } from "../../src/runs/run-files.js";
import { writeSafetensors } from "../../src/tensor-files/safetensors.js";
import { resumeTraining, type TrainEvent, train } from "../../src/training/train.js";
import { session, tinyCatalogue, tinySdfn } from "./tiny-training.js";

const { folder, data } = tinyCatalogue();

/** Steps of an epoch, of which there are two: the second has a teacher. */
const epochSteps = 6;

function resultOf(runDir: string) {
  const { status, step, kept } = readManifest(runDir);
  return {
    status,
    step,
    kept,
    parameters: createHash("sha256")
      .update(readFileSync(join(runDir, "parameters.safetensors")))
      .digest("hex"),
    metrics: readMetrics(runDir).map((entry) => ({ ...entry, seconds: 0, imagesPerSecond: 0 })),
  };
}

describe.each([
  ["frozen backbone", { freezeBackbone: true }],
  [
    "frozen backbone, micro-batches and stored teacher",
    { freezeBackbone: true, microBatchSize: 2, teacher: "stored" },
  ],
  // Running statistics move with each micro-batch.
  ["micro-batches", { microBatchSize: 4, imageNorm: "batch" }],
  ["micro-batches and stored teacher", { microBatchSize: 4, teacher: "stored", weightAverage: 0.9 }],
] as const)("a run with %s", (name, fields) => {
  it("that is stopped at an epoch's end, and crashes in the next epoch, ends with the same bits", async () => {
    const place = (what: string) => join(folder, `${name} ${what}`);
    const begin = (what: string) => ({
      dataset: openFashionIq(data),
      config: resolveRunConfig({ file: { ...tinySdfn, ...fields } }),
      runDir: place(what),
      featureCacheDir: place(`${what} maps`),
      session,
    });
    // A frozen backbone comes from a file, which a resumed run does not ask for again.
    const backboneWeights = place("backbone.safetensors");
    writeSafetensors(backboneWeights, new ResNet("resnet18", new Random(9), { width: 1 / 16 }).stateDict());
    const initial = "freezeBackbone" in fields ? { backboneWeights } : {};
    expect(await train({ ...begin("whole"), initial })).toMatchObject({
      status: "complete",
      steps: 2 * epochSteps,
    });

    const { runDir, ...options } = begin("stopped");
    const controller = new AbortController();
    const stopAt = (step: number, stop: () => void) => (event: TrainEvent) => {
      if (event.kind === "step" && event.step === step) stop();
    };
    const stopped = await train({
      ...options,
      runDir,
      initial,
      signal: controller.signal,
      onEvent: stopAt(epochSteps, () => controller.abort()),
    });
    expect(stopped).toMatchObject({ status: "interrupted", steps: epochSteps });

    const crash = new Error("the machine is gone");
    const crashed = resumeTraining({
      ...options,
      runDir,
      checkpointMinutes: 0,
      onEvent: stopAt(epochSteps + 4, () => {
        throw crash;
      }),
    });
    await expect(crashed).rejects.toBe(crash);
    expect(readManifest(runDir)).toMatchObject({ status: "training", step: epochSteps });

    // Feature maps that are gone are computed once more, by the same backbone: its hash is the folder's name.
    const backbonesIn = (what: string) => (existsSync(place(what)) ? readdirSync(place(what)) : []);
    expect(backbonesIn("stopped maps")).toHaveLength("freezeBackbone" in fields ? 1 : 0);
    rmSync(place("stopped maps"), { recursive: true, force: true });
    expect(await resumeTraining({ ...options, runDir })).toMatchObject({ status: "complete" });
    expect(backbonesIn("stopped maps")).toEqual(backbonesIn("whole maps"));
    const [, second] = readManifest(runDir).resumed ?? [];
    expect(second?.step).toBe(epochSteps + 3);
    expect(resultOf(runDir)).toEqual(resultOf(place("whole")));
    const last = readMetrics(runDir).findLast((entry) => entry.kind === "step");
    expect(last?.loss.distillation).toBeGreaterThan(0);
  });
});
