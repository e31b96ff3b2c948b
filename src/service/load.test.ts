import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Load } from "./load.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

describe("load", () => {
  it("tells a crowd from slots that never get free", () => {
    const load = new Load({
      maxWaiting: 2,
      requestsPerAddress: 2,
      modelMsPerAddress: 1000,
      bodyTimeoutMs: 1000,
      timeoutMs: 20_000,
    });
    const [one, two] = [load.queries.hold("a"), load.queries.hold("b")];
    one.take(1);
    two.take(1);
    expect(load.slots.queries).toEqual({ taken: 2, free: 0 });
    vi.advanceTimersByTime(20_000);
    expect(load.stuck).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(load.stuck).toBe("queries");
    one.release();
    expect(load.stuck).toBeUndefined();
    two.release();
    // What is left of the memory holds no picture.
    const keyed = load.uploads.hold(undefined);
    keyed.take(load.uploads.free - 1000);
    vi.advanceTimersByTime(20_001);
    expect(load.stuck).toBe("bytes of pictures");
    keyed.release();
    expect(load.stuck).toBeUndefined();
  });
});
