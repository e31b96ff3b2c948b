import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { untilAborted } from "./until-aborted.js";

describe("untilAborted", () => {
  it("gives the work's result, or its error", async () => {
    const { signal } = new AbortController();
    expect(await untilAborted(signal, async () => 3)).toBe(3);
    const failing = () => Promise.reject(new TypeError("x"));
    await expect(untilAborted(signal, failing)).rejects.toThrow(TypeError);
  });

  it("does not begin the work of one that is aborted already", async () => {
    let isBegun = false;
    const work = async () => {
      isBegun = true;
    };
    await expect(untilAborted(AbortSignal.abort("enough"), work)).rejects.toBe("enough");
    expect(isBegun).toBe(false);
  });

  it("does not wait for the work once it is aborted", async () => {
    const abort = new AbortController();
    const never = new Promise<never>(() => undefined);
    const waiting = untilAborted(abort.signal, () => never);
    await sleep(1);
    abort.abort();
    await expect(waiting).rejects.toBe(abort.signal.reason);
  });
});
