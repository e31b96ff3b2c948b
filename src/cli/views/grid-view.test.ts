import { describe, expect, it } from "vitest";
import { recordingContext } from "../../../tests/cli/recording-context.js";
import { seedEvaluation } from "../../../tests/fixtures/seed-evaluation.js";
import { type GridCell, planCells } from "../../experiments/grid-cells.js";
import { gridView } from "./grid-view.js";

const { cells } = planCells({
  rows: [{ name: "tirg", title: "tirg", model: "tirg" }],
  seeds: [1, 2, 3, 4],
  set: [],
});
const [first, second] = cells as [GridCell, GridCell];
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

function viewOf({ json = false, done = 0, jobs = 1 } = {}) {
  const context = recordingContext();
  let nowMs = 0;
  const view = gridView(context, {
    json,
    jobs,
    now: () => nowMs,
    timeIn: (seconds) => `+${Math.round(seconds)}`,
  });
  view.start(4, cells.slice(done));
  const wait = (seconds: number) => {
    nowMs += seconds * 1000;
  };
  return { context, view, wait };
}

describe("gridView", () => {
  it("shows cells done, the one under way with its rate, and the end of all that is expected", () => {
    const { context, view, wait } = viewOf();
    view.begin(first);
    view.event(first, start);
    view.event(first, step(0));
    wait(30);
    view.event(first, step(50)); // 0.9 · 50 / 90 = half of a cell in 30 s: three and a half to go.
    expect(context.errors()).toBe(
      "grid 0/4 cells · 3 min 30 s left, until +210 · 1/4 tirg, seed 1: step 50/90, loss 1.500, 1.7 steps/s\n",
    );
    wait(30);
    view.event(first, { kind: "evaluate" });
    view.finished(first, result.mean);
    expect(context.output()).toBe(
      "1/4 tirg, seed 1  R@1  50.0  R@10  50.0  R@50 100.0  (3 min 00 s left, until +180)\n",
    );
  });

  it("shows cells side by side, which end sooner together", () => {
    const { context, view, wait } = viewOf({ jobs: 2 });
    view.begin(first);
    view.begin(second);
    view.event(first, start);
    view.event(second, start);
    view.event(first, step(0));
    wait(5);
    view.event(first, step(25));
    wait(55);
    view.event(second, step(50)); // three quarters of a cell in 120 s: three and a quarter of 160 s to go, two at a time
    view.event(second, { kind: "note", text: "something" });
    expect(context.errors()).toMatch(
      /grid 0\/4 cells · 4 min 20 s left, until \+260 · 1\/4 tirg, seed 1: step 25\/90, .* · 2\/4 tirg, seed 2: step 50\/90, .*\n2\/4 tirg, seed 2: something\n/,
    );
  });

  it("does not count cells that were finished before as time", () => {
    const { context, view, wait } = viewOf({ done: 2 });
    view.begin(first);
    wait(60);
    view.finished(first, result.mean);
    view.begin(second);
    view.failed(second, { code: "TRAINING_DIVERGED", message: "loss NaN\nmore" });
    expect(context.output()).toContain("2 of 4 cells were finished before\n3/4 tirg, seed 1  R@1");
    expect(context.output()).toContain("(1 min 00 s left, until +60)");
    expect(context.output()).toContain("4/4 tirg, seed 2  FAILED: TRAINING_DIVERGED: loss NaN\n");
  });

  it("does not count steps that a cell had done before as time", () => {
    const { context, view, wait } = viewOf();
    view.begin(first);
    view.event(first, { ...start, step: 50 }); // half of a cell, as above
    wait(45);
    view.event(first, { kind: "evaluate" });
    view.finished(first, result.mean); // the other half: three cells to go, of 90 s each
    expect(context.output()).toContain("1/4 tirg, seed 1  resumed at step 50\n");
    expect(context.output()).toContain("(4 min 30 s left, until +270)");
  });

  it("says nothing to programs but notes", () => {
    const { context, view, wait } = viewOf({ json: true });
    view.begin(first);
    view.event(first, start);
    wait(60);
    view.event(first, step(2));
    view.event(first, { kind: "note", text: "something" });
    view.finished(first, result.mean);
    view.close();
    expect(context.output()).toBe("");
    expect(context.errors()).toBe("something\n");
  });
});
