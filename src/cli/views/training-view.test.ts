import { describe, expect, it } from "vitest";
import { recordingContext } from "../../../tests/cli/recording-context.js";
import type { StepMetrics } from "../../runs/metrics.js";
import { trainingView } from "./training-view.js";

const loss = { total: 1.25, classification: 1, margin: 0.25 };
const start = {
  kind: "start",
  step: 0,
  memory: {
    graph: { resultBytes: 0, parameterBytes: 0, spareBytes: 0 },
    modelBytes: 0,
    hasTeacher: false,
    hasAverage: false,
    imageBytes: 0,
  },
  memoryBytes: 1.26e9,
  totalSteps: 8,
  stepsPerEpoch: 4,
  triplets: 5320,
  heldOut: 280,
  vocabulary: 312,
  parameters: 1_770_527,
} as const;

function step(index: number): StepMetrics {
  const epoch = Math.ceil(index / 4);
  return { kind: "step", step: index, epoch, loss, gradientNorm: 1, learningRate: 0.1, imagesPerSecond: 9 };
}

/** A view whose clock moves on by ten seconds a step. */
function view({ json = false, isTTY = false } = {}) {
  const context = recordingContext({ isTTY });
  let nowMs = 0;
  const shown = trainingView(context, { json, epochs: 2, batchSize: 16, now: () => nowMs });
  return {
    context,
    shown,
    wait(seconds: number) {
      nowMs += seconds * 1000;
    },
    runSteps(from: number, to: number) {
      for (let index = from; index <= to; index += 1) {
        nowMs += 10_000;
        shown.onEvent(step(index));
      }
    },
  };
}

describe("trainingView", () => {
  it("says what is trained, and a line for each epoch", () => {
    const { context, shown, runSteps } = view();
    shown.onEvent(start);
    runSteps(1, 4);
    const validation = { r1: 10, r10: 41.54, r50: 80, queries: 280, gallery: 500 };
    shown.onEvent({ kind: "epoch", epoch: 1, step: 4, loss, validation, seconds: 18.2 });
    shown.onEvent({
      kind: "epoch",
      epoch: 2,
      step: 8,
      loss: { total: 1.25, classification: 1.25 },
      seconds: 18.2,
    });
    expect(context.output()).toBe(
      "5,320 triplets (280 more held out), 312 words, 1,770,527 parameters, 8 steps; needs about 1.3 GB of memory\n" +
        "epoch 1/2  loss 1.250 (classification 1.000, margin 0.250)  held-out R@1  10.0  R@10  41.5  R@50  80.0  (280 queries)  18 s\n" +
        "epoch 2/2  loss 1.250  18 s\n",
    );
  });

  it("shows loss, images per second and the time left, in this epoch and in all", () => {
    const { context, shown, runSteps } = view();
    shown.onEvent(start);
    runSteps(1, 3);
    // 32 images a step, ten seconds a step, five of eight steps to go.
    expect(context.errors()).toContain("epoch 1/2 96/128");
    expect(context.errors()).toMatch(/images\/s · \d+ s left · loss 1\.250 · 50 s to the end\n$/);
  });

  it("starts a bar anew for every epoch, and ends it when asked to", () => {
    const { context, shown, runSteps } = view({ isTTY: true });
    shown.onEvent(start);
    runSteps(1, 4);
    shown.onEvent({ kind: "epoch", epoch: 1, step: 4, loss, seconds: 1 });
    runSteps(5, 6);
    shown.close();
    shown.close();
    expect(context.errors()).toContain("epoch 1/2");
    expect(context.errors()).toContain("100% 128/128");
    expect(context.errors()).toContain("50% 64/128");
  });

  it("shows how feature maps come along, and does not count that as training", () => {
    const { context, shown, wait, runSteps } = view();
    shown.onEvent(start);
    shown.onEvent({ kind: "features", stage: "check", done: 400, total: 400 });
    for (const done of [100, 200, 400]) {
      shown.onEvent({ kind: "features", stage: "compute", done: done - 100, total: 400 });
      wait(20);
      shown.onEvent({ kind: "features", stage: "compute", done, total: 400 });
    }
    expect(context.errors()).toContain("feature maps 200/400 · 5.00 maps/s · 40 s left");
    runSteps(1, 2);
    expect(context.errors()).toMatch(/epoch 1\/2 64\/128 .* 1 min 00 s to the end\n$/);
  });

  it("passes notes on, also to those who read JSON", () => {
    const { context, shown, runSteps } = view({ json: true });
    shown.onEvent(start);
    shown.onEvent({ kind: "note", text: "missing images: dropped 3 of 10 images" });
    runSteps(1, 4);
    shown.onEvent({ kind: "epoch", epoch: 1, step: 4, loss, seconds: 1 });
    expect(context.output()).toBe("");
    expect(context.errors()).toBe("missing images: dropped 3 of 10 images\n");
  });
});
