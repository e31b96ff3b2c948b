import { describe, expect, it } from "vitest";
import { ModelTime } from "./model-time.js";

describe("model time", () => {
  /** Six seconds a minute: a tenth. */
  const sixSeconds = () => {
    const clock = { ms: 1000 };
    return { clock, time: new ModelTime(6000, () => clock.ms) };
  };

  it("is there at once, is paid by what it took, and comes back evenly", () => {
    const { clock, time } = sixSeconds();
    expect(time.waitMs("a")).toBe(0);
    time.spend("a", 2000);
    expect(time.waitMs("a")).toBe(0);
    time.spend("a", 5000);
    // A debt of 1000 ms and the first millisecond above it, ten times as slow as it is spent.
    expect(time.waitMs("a")).toBe(10_010);
    clock.ms += 10_000;
    expect(time.waitMs("a")).toBe(10);
    clock.ms += 10;
    expect(time.waitMs("a")).toBe(0);
  });

  it("of one address is not another's", () => {
    const { time } = sixSeconds();
    time.spend("a", 60_000);
    expect(time.waitMs("a")).toBeGreaterThan(500_000);
    expect(time.waitMs("b")).toBe(0);
  });

  it("does not add up beyond a minute's worth", () => {
    const { clock, time } = sixSeconds();
    time.spend("a", 100);
    clock.ms += 3_600_000;
    time.spend("a", 6000);
    expect(time.waitMs("a")).toBe(10);
  });

  it("is kept for a bounded number of addresses, and not forgotten for those that continue", () => {
    const { time } = sixSeconds();
    time.spend("early", 7000);
    time.spend("busy", 7000);
    for (let i = 0; i < 9_999; i += 1) time.spend(`address ${i}`, 1);
    expect(time.waitMs("early")).toBe(0);
    expect(time.waitMs("busy")).toBeGreaterThan(0);
  });
});
