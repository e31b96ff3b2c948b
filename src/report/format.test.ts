import { describe, expect, it } from "vitest";
import {
  countOf,
  formatDuration,
  formatInterval,
  formatNumber,
  formatPercent,
  formatPoints,
  formatShare,
  formatSpread,
} from "./format.js";

describe("numbers for readers", () => {
  it("gives percent one decimal, zero included", () => {
    expect([0, 75.94, 100].map(formatPercent)).toEqual(["0.0", "75.9", "100.0"]);
  });
  it("never shows a share that exists as 0 %", () => {
    expect([0, 0.001, 0.284, 1].map(formatShare)).toEqual(["0 %", "<1 %", "28 %", "100 %"]);
  });
  it("keeps three digits of a number of any size", () => {
    expect([0, 0.00015, 0.0015, 2.3456, 1234.5].map(formatNumber)).toEqual([
      "0",
      "1.5e-4",
      "0.0015",
      "2.35",
      "1,230",
    ]);
  });
  it("writes durations in the units of a clock", () => {
    expect([1.234, 41.6, 48.4, 59.7, 185, 200, 3600, 7500].map(formatDuration)).toEqual([
      "1.2 s",
      "42 s",
      "48 s",
      "1 min 00 s",
      "3 min 05 s",
      "3 min 20 s",
      "1 h 00 min",
      "2 h 05 min",
    ]);
  });
  it("knows one from many", () => {
    expect([countOf(1, "query", "queries"), countOf(5000, "query", "queries")]).toEqual([
      "1 query",
      "5,000 queries",
    ]);
  });
});

describe("differences", () => {
  it("have a sign, unless they round to nothing", () => {
    expect([3.14, -0.44, 0.04, -0.04, 0].map(formatPoints)).toEqual(["+3.1", "−0.4", "0.0", "0.0", "0.0"]);
  });
  it("have intervals in brackets, or a dash", () => {
    expect(formatInterval({ low: -1.25, high: 3 })).toBe("[−1.3, +3.0]");
    expect(formatInterval(null)).toBe("–");
  });
  it("have a deviation where there is one", () => {
    expect(formatSpread({ mean: 27.45, deviation: 0.81 })).toBe("27.4 ± 0.8");
    expect(formatSpread({ mean: 27.45, deviation: null })).toBe("27.4");
  });
});
