import { describe, expect, it } from "vitest";
import { recordingContext } from "../../../tests/cli/recording-context.js";
import { seedEvaluation } from "../../../tests/fixtures/seed-evaluation.js";
import { planCells } from "../../experiments/grid-cells.js";
import { gridView } from "./grid-view.js";

const { cells } = planCells({
  rows: [{ name: "tirg", title: "tirg", model: "tirg" }],
  seeds: [1, 2, 3, 4],
  set: [],
});
const [first, second] = cells;
const { result } = seedEvaluation({ dress: [1, 20] });
const start = {
  ...({
    kind: "start",
    step: 0,
    memory: {
      graph: { resultBytes: 0, parameterBytes: 0, spareBytes: 0 },
      modelBytes: 0,
      hasTeacher: false,
      hasAverage: false,
      imageBytes: 0,
    },
    memoryBytes: 1,
    totalSteps: 90,
    stepsPerEpoch: 45,
    triplets: 1,
    heldOut: 0,
  } as const),
  vocabulary: 1,
  parameters: 1,
};
const step = (index: number) => ({
  ...({ kind: "step", step: index, epoch: 1, gradientNorm: 1, learningRate: 1, imagesPerSecond: 1 } as const),
  loss: { total: 1.5, classification: 1.5, distillation: 0, consistency: 0 },
});

function viewOf({ json = false, done = 0 } = {}) {
  const context = recordingContext();
  let nowMs = 0;
  const view = gridView(context, { json, now: () => nowMs });
  view.start(4, done);
  const wait = (seconds: number) => {
    nowMs += seconds * 1000;
  };
  return { context, view, wait };
}

describe("gridView", () => {
  it("tells the time left for all cells, of the cells and the part of one that are over", () => {
    const { context, view, wait } = viewOf();
    if (!first || !second) throw new Error("no cells");
    view.begin(first);
    view.onEvent(start);
    view.onEvent(step(1));
    wait(30);
    view.onEvent(step(50)); // 0.9 · 50 / 90 = half of a cell in 30 s: three and a half to go.
    expect(context.errors()).toMatch(/1\/4 tirg, seed 1 50\/90 .* loss 1\.500 · 3 min 30 s for all\n/);
    wait(30);
    view.evaluating();
    view.finished(result);
    expect(context.output()).toBe(
      "1/4 tirg, seed 1  R@1  50.0  R@10  50.0  R@50 100.0  (3 min 00 s left for all)\n",
    );
  });

  it("does not count cells that were finished before as time", () => {
    const { context, view, wait } = viewOf({ done: 2 });
    if (!first || !second) throw new Error("no cells");
    view.begin(first);
    wait(60);
    view.finished(result);
    view.begin(second);
    view.failed({ code: "TRAINING_DIVERGED", message: "loss NaN\nmore" });
    expect(context.output()).toContain("3/4 tirg, seed 1  R@1");
    expect(context.output()).toContain("(1 min 00 s left for all)");
    expect(context.output()).toContain("4/4 tirg, seed 2  FAILED: TRAINING_DIVERGED: loss NaN\n");
  });

  it("does not count steps that a cell had done before as time", () => {
    const { context, view, wait } = viewOf();
    if (!first) throw new Error("no cells");
    view.begin(first);
    view.onEvent({ ...start, step: 50 }); // half of a cell, as above
    wait(45);
    view.evaluating();
    view.finished(result); // the other half: three cells to go, of 90 s each
    expect(context.output()).toContain("1/4 tirg, seed 1  resumed at step 50\n");
    expect(context.output()).toContain("(4 min 30 s left for all)");
  });

  it("says nothing to programs", () => {
    const { context, view, wait } = viewOf({ json: true });
    if (!first) throw new Error("no cells");
    view.begin(first);
    view.onEvent(start);
    wait(60);
    view.onEvent(step(2));
    view.finished(result);
    view.close();
    expect(context.output() + context.errors()).toBe("");
  });
});
