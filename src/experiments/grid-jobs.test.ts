import { describe, expect, it } from "vitest";
import { jobsFor } from "./grid-jobs.js";

const gb = 1e9;
const plenty = { cores: 16, cellBytes: [gb, gb, gb], availableBytes: 64 * gb };

describe("jobsFor", () => {
  it("is what was asked for where cores and memory allow it", () => {
    expect(jobsFor({ ...plenty, asked: 3 })).toEqual({ jobs: 3, reasons: [] });
    expect(jobsFor({ ...plenty, cellBytes: [], asked: 16 })).toEqual({ jobs: 16, reasons: [] });
  });

  it("is lowered to the cores, with the reason", () => {
    expect(jobsFor({ ...plenty, cores: 2, asked: 8 })).toEqual({
      jobs: 2,
      reasons: ["--jobs: 2 at a time, not 8: there are 2 cores"],
    });
  });

  it("is lowered to what fits into memory when the largest come together, with the reason", () => {
    const cellBytes = [gb, 5 * gb, gb, 4 * gb];
    expect(jobsFor({ ...plenty, cellBytes, availableBytes: 9 * gb, asked: 4 })).toEqual({
      jobs: 2,
      reasons: [
        "--jobs: 2 at a time, not 4: the 4 largest cells would need about 11.0 GB of memory together, and 9.0 GB are free",
      ],
    });
  });

  it("is one where not even one fits: the cell itself is refused then", () => {
    expect(jobsFor({ ...plenty, cellBytes: [9 * gb], availableBytes: gb, asked: 2 }).jobs).toBe(1);
  });
});
