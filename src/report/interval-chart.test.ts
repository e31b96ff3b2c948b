import { describe, expect, it } from "vitest";
import { intervalChart, intervalChartFile } from "./interval-chart.js";
import { intervalLayout, niceTicks } from "./interval-layout.js";

describe("niceTicks", () => {
  it("holds the ends, in steps of 1, 2 or 5 times a power of ten", () => {
    expect(niceTicks(27.3, 34.9, 4)).toEqual([26, 28, 30, 32, 34, 36]);
    expect(niceTicks(-0.4, 3.1, 7)).toEqual([-0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5]);
    expect(niceTicks(0, 100, 7)).toEqual([0, 20, 40, 60, 80, 100]);
  });
  it("has a width where all values are one", () => {
    for (const value of [0, 50, -3.2]) {
      const ticks = niceTicks(value, value, 7);
      expect(ticks.length).toBeGreaterThan(1);
      expect(ticks[0]).toBeLessThanOrEqual(value);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(value);
    }
  });
});

describe("intervalLayout", () => {
  it("puts the ends of the axis at its ends, and rows below each other", () => {
    const layout = intervalLayout([0, 100], { rowCount: 3, nameLength: 4, isNarrow: false });
    expect([layout.x(0), layout.x(100), layout.x(50)]).toEqual([layout.leftPx, layout.rightPx, 500]);
    expect(layout.y(1) - layout.y(0)).toBe(layout.rowPx);
    expect(layout.y(2)).toBeLessThan(layout.heightPx);
  });

  it("leaves room for long names on wide pages", () => {
    const layout = (nameLength: number) =>
      intervalLayout([0, 1], { rowCount: 1, nameLength, isNarrow: false });
    expect(layout("TIRG".length).leftPx).toBe(190);
    expect(layout("Css-Net (CoSMo reconstruction)".length).leftPx).toBeGreaterThan(30 * 7);
  });
});

describe("intervalChart", () => {
  const row = { name: "<sdfn>", mean: 30, values: [28, 32], text: "30.0 ± 2.8" };
  const options = { description: "Recall of <sdfn>", note: "a note", hasZero: false };

  it("draws each seed, the mean and the intervals, escaped", () => {
    const { markup } = intervalChart(
      [{ ...row, broad: { low: 29, high: 31 }, thin: { low: 20, high: 40 } }],
      options,
    );
    // Once for wide and once for narrow columns.
    expect(markup.match(/<circle/g)).toHaveLength(4);
    expect(markup.match(/<rect/g)).toHaveLength(4);
    expect(markup).toContain("&lt;sdfn&gt;</text>");
    expect(markup).not.toContain("<sdfn>");
    expect(markup).toContain("30.0 ± 2.8");
  });

  it("shows a broad interval wider where it is wider", () => {
    const widthOf = (low: number, high: number) => {
      const { markup } = intervalChart(
        [{ ...row, broad: { low, high }, thin: { low: 0, high: 60 } }],
        options,
      );
      return Number(/<rect[^>]* width="([\d.]+)"[^>]*height="12"/.exec(markup)?.[1]);
    };
    expect(widthOf(20, 40)).toBeCloseTo(2 * widthOf(25, 35), 0);
  });

  it("is a file of its own with its colours, and nothing without rows", () => {
    const file = intervalChartFile([row], options);
    expect(file).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    expect(file).toContain("--series-1: #");
    expect(intervalChart([], options).markup).toBe("");
  });
});
