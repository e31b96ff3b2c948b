import { describe, expect, it } from "vitest";
import { RequestError } from "../errors.js";
import { Slots } from "./slots.js";

const codeOf = (work: () => void) => {
  try {
    work();
    return "taken";
  } catch (error) {
    return error instanceof RequestError ? error.code : error;
  }
};

describe("slots", () => {
  it("are taken as work goes on, and free when it ends, however it ends", async () => {
    const slots = new Slots({ what: "things", limit: 5, perAddress: 5 });
    await slots.during("a", async (take) => {
      take(2);
      take(1);
      expect([slots.taken, slots.free]).toEqual([3, 2]);
    });
    expect([slots.taken, slots.free]).toEqual([0, 5]);
    const failed = slots.during("a", async (take) => {
      take(4);
      throw new Error("no");
    });
    expect(slots.taken).toBe(4);
    await expect(failed).rejects.toThrow("no");
    expect(slots.taken).toBe(0);
  });

  it("are freed once, and not taken afterwards", () => {
    const slots = new Slots({ what: "things", limit: 5, perAddress: 5 });
    const [one, two] = [slots.hold("a"), slots.hold("a")];
    one.take(2);
    two.take(3);
    one.release();
    one.release();
    one.take(2);
    expect(slots.taken).toBe(3);
  });

  it("are bounded in all, and for each address apart from callers without one", () => {
    const slots = new Slots({ what: "things", limit: 10, perAddress: 4 });
    const [a, more, b, key] = [slots.hold("a"), slots.hold("a"), slots.hold("b"), slots.hold(undefined)];
    a.take(3);
    expect(codeOf(() => more.take(2))).toBe("CONCURRENCY_LIMITED");
    more.take(1);
    b.take(1);
    key.take(5);
    expect(codeOf(() => b.take(1))).toBe("OVERLOADED");
    expect(codeOf(() => key.take(1))).toBe("OVERLOADED");
    expect(slots.taken).toBe(10);
    a.release();
    more.take(3);
    expect(slots.taken).toBe(10);
  });

  it("let one request through that is larger than they are, alone", () => {
    const slots = new Slots({ what: "things", limit: 4, perAddress: 2 });
    const [large, next] = [slots.hold("a"), slots.hold("b")];
    large.take(3);
    large.take(3);
    expect([slots.taken, slots.free]).toEqual([6, 0]);
    expect(codeOf(() => next.take(1))).toBe("OVERLOADED");
    large.release();
    expect(codeOf(() => next.take(1))).toBe("taken");
  });

  it("know for how long they have been full", async () => {
    const slots = new Slots({ what: "things", limit: 4, perAddress: 4, least: 2 });
    const hold = slots.hold("a");
    hold.take(2);
    expect(slots.fullForMs).toBe(0);
    hold.take(1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(slots.fullForMs).toBeGreaterThan(0);
    hold.release();
    expect(slots.fullForMs).toBe(0);
  });
});
