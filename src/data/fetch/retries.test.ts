import { describe, expect, it } from "vitest";
import { AddressError, statusError } from "./address-error.js";
import { Retries, type RetryOptions } from "./retries.js";

const address = "http://host/file";
const { signal } = new AbortController();

function retries(options: Partial<RetryOptions> = {}): Retries {
  return new Retries({
    attempts: 3,
    firstDelayMs: 10,
    maxDelayMs: 1000,
    failuresInRow: 100,
    random: () => 0.5,
    now: Date.now,
    ...options,
  });
}

/** Fails with these statuses in turn, then succeeds; remembers when it was called. */
function failing(statuses: readonly number[], retryAfter?: string) {
  const calledAtMs: number[] = [];
  return {
    calledAtMs,
    attempt: async () => {
      const status = statuses[calledAtMs.length];
      calledAtMs.push(performance.now());
      if (status !== undefined) throw statusError(address, status, { retryAfter, nowMs: Date.now() });
      return "whole";
    },
  };
}

describe("Retries", () => {
  it.each([429, 500, 502, 503, 504, 408])("tries %i again", async (status) => {
    const { attempt, calledAtMs } = failing([status, status]);
    expect(await retries().run(address, signal, attempt)).toBe("whole");
    expect(calledAtMs).toHaveLength(3);
  });

  it.each([400, 401, 403, 404, 410, 451])("takes %i for the end", async (status) => {
    const { attempt, calledAtMs } = failing([status]);
    await expect(retries().run(address, signal, attempt)).rejects.toMatchObject({
      kind: "dead",
      reason: `HTTP ${status}`,
    });
    expect(calledAtMs).toHaveLength(1);
  });

  it("gives up after the last attempt with the last failure", async () => {
    const { attempt, calledAtMs } = failing([500, 500, 503, 500]);
    await expect(retries().run(address, signal, attempt)).rejects.toMatchObject({ reason: "HTTP 503" });
    expect(calledAtMs).toHaveLength(3);
  });

  it("waits longer each time, spread by chance", async () => {
    const { attempt, calledAtMs } = failing([500, 500, 500]);
    await retries({ attempts: 4, firstDelayMs: 40 }).run(address, signal, attempt);
    const waits = calledAtMs.slice(1).map((time, index) => time - (calledAtMs[index] ?? 0));
    // 40, 80, 160 ms, times 0.75
    expect(waits[0]).toBeGreaterThan(27);
    expect(waits[1]).toBeGreaterThan(57);
    expect(waits[2]).toBeGreaterThan(117);
    const hasty = failing([500]);
    await retries({ firstDelayMs: 400, random: () => 0, maxDelayMs: 40 }).run(address, signal, hasty.attempt);
    expect((hasty.calledAtMs[1] ?? 0) - (hasty.calledAtMs[0] ?? 0)).toBeLessThan(200);
  });

  it("waits as long as the server asks, and makes other files of the host wait too", async () => {
    const shared = retries({ maxDelayMs: 5000 });
    const first = failing([429], "1");
    const startMs = performance.now();
    const running = shared.run(address, signal, first.attempt);
    const others = [`${address}2`, "http://other/file"].map(async (other) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      const { attempt, calledAtMs } = failing([]);
      await shared.run(other, signal, attempt);
      return (calledAtMs[0] ?? 0) - startMs;
    });
    expect(await running).toBe("whole");
    expect((first.calledAtMs[1] ?? 0) - startMs).toBeGreaterThan(980);
    const [sameHost, otherHost] = await Promise.all(others);
    expect(sameHost).toBeGreaterThan(980);
    expect(otherHost).toBeLessThan(500);
  });

  it("understands dates, and does not wait for tomorrow", async () => {
    const soon = statusError(address, 503, { retryAfter: "Thu, 01 Jan 1970 00:01:00 GMT", nowMs: 30_000 });
    expect(soon.retryAfterMs).toBe(30_000);
    const { attempt, calledAtMs } = failing([503], "86400");
    await expect(retries().run(address, signal, attempt)).rejects.toMatchObject({ kind: "unavailable" });
    expect(calledAtMs).toHaveLength(1);
  });

  it("stops asking a host that gives nothing, and no other", async () => {
    const shared = retries({ attempts: 1, failuresInRow: 2 });
    const down = async () => {
      throw new AddressError(address, "unavailable", "cannot be reached");
    };
    for (let i = 0; i < 2; i += 1)
      await expect(shared.run(address, signal, down)).rejects.toThrow("cannot be reached");
    const third = failing([]);
    await expect(shared.run(address, signal, third.attempt)).rejects.toThrow("host failed 2 times in a row");
    expect(third.calledAtMs).toHaveLength(0);
    expect(await shared.run("http://other/", signal, failing([]).attempt)).toBe("whole");
  });

  it("counts a dead address as an answer", async () => {
    const shared = retries({ attempts: 1, failuresInRow: 2 });
    for (const status of [500, 404, 500, 404]) {
      await expect(shared.run(address, signal, failing([status]).attempt)).rejects.toThrow(`HTTP ${status}`);
    }
    expect(await shared.run(address, signal, failing([]).attempt)).toBe("whole");
  });

  it("ends a pause when it is told to, and lets other errors through", async () => {
    const abort = new AbortController();
    const running = retries({ firstDelayMs: 60_000, maxDelayMs: 60_000 }).run(
      address,
      abort.signal,
      failing([500]).attempt,
    );
    setTimeout(() => abort.abort(), 20);
    await expect(running).rejects.toMatchObject({ name: "AbortError" });
    const bug = async () => {
      throw new TypeError("bug");
    };
    await expect(retries().run(address, signal, bug)).rejects.toThrow(TypeError);
  });
});
