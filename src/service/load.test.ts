import { describe, expect, it } from "vitest";
import { Load } from "./load.js";

describe("load", () => {
  it("tells a crowd from slots that never get free", async () => {
    const load = new Load({
      maxWaiting: 2,
      requestsPerAddress: 2,
      modelMsPerAddress: 1000,
      bodyTimeoutMs: 1000,
      timeoutMs: 20,
    });
    const [one, two] = [load.queries.hold("a"), load.queries.hold("b")];
    const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    one.take(1);
    two.take(1);
    expect(load.slots.queries).toEqual({ taken: 2, free: 0 });
    expect(load.stuck).toBeUndefined();
    await after(40);
    expect(load.stuck).toBe("queries");
    one.release();
    expect(load.stuck).toBeUndefined();
    two.release();
    // What is left of the memory holds no picture.
    const keyed = load.uploads.hold(undefined);
    keyed.take(load.uploads.free - 1000);
    await after(40);
    expect(load.stuck).toBe("bytes of pictures");
    keyed.release();
    expect(load.stuck).toBeUndefined();
  });
});
