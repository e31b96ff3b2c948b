import { describe, expect, it } from "vitest";
import { type GridCell, planCells } from "../../experiments/grid-cells.js";
import { GridClock } from "./grid-clock.js";

const rows = ["sdfn", "sum"].map((model) => ({ name: model, title: model, model }));
const { cells } = planCells({ rows, seeds: [1, 2, 3], set: [] });
const [sdfn1, sum1, sdfn2, sum2] = cells as [GridCell, GridCell, GridCell, GridCell];

describe("GridClock", () => {
  it("knows nothing before the first step, and counts what is left by the rows' own times", () => {
    let nowMs = 0;
    const clock = new GridClock(cells, 1, () => nowMs);
    expect(clock.secondsLeft()).toBeUndefined();
    clock.begin(sdfn1);
    expect(clock.secondsLeft()).toBeUndefined();
    nowMs = 90_000;
    clock.end(sdfn1);
    expect(clock.secondsLeft()).toBe(5 * 90); // of sum nothing is known yet
    clock.begin(sum1);
    nowMs = 100_000;
    clock.end(sum1);
    expect(clock.secondsLeft()).toBe(2 * 90 + 2 * 10);
    clock.begin(sdfn2);
    nowMs = 145_000;
    clock.step(sdfn2, 5, 9);
    expect(clock.partsUnderWay()).toBe(0.5);
    expect(clock.secondsLeft()).toBeCloseTo(45 + 90 + 2 * 10);
  });

  it("does not go by a cell that has hardly begun where others say more", () => {
    let nowMs = 0;
    const clock = new GridClock([sdfn1, sum1], 1, () => nowMs);
    clock.begin(sum1);
    nowMs = 20_000;
    clock.step(sum1, 1, 100); // of which 19 s went into looking at images
    expect(clock.secondsLeft()).toBeGreaterThan(2000);
    nowMs = 40_000;
    clock.end(sum1);
    clock.begin(sdfn1);
    nowMs = 60_000;
    clock.step(sdfn1, 1, 100);
    expect(clock.secondsLeft()).toBeCloseTo(40 * 0.991);
  });

  it("divides by the cells that run side by side, but never says less than the longest takes", () => {
    let nowMs = 0;
    const clock = new GridClock([sdfn1, sum1, sdfn2, sum2], 4, () => nowMs);
    clock.begin(sdfn1);
    clock.begin(sum1);
    nowMs = 10_000;
    clock.end(sum1);
    nowMs = 90_000;
    clock.end(sdfn1);
    expect(clock.secondsLeft()).toBe(90);
  });
});
