import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { BatchQueue } from "./batch-queue.js";

/** A queue that doubles numbers, and the batches that it made; a negative number fails its batch. */
function doubling(limits: { maxBatch: number; windowMs: number }, tookMs = 5) {
  const batches: (readonly number[])[] = [];
  let under = 0;
  const queue = new BatchQueue<number, number>(async (batch) => {
    under += 1;
    expect(under).toBe(1);
    batches.push(batch);
    await wait(tookMs);
    under -= 1;
    if (batch.some((n) => n < 0)) throw new Error(`cannot do ${batch}`);
    return batch.map((n) => 2 * n);
  }, limits);
  return { queue, batches };
}

describe("BatchQueue", () => {
  it("joins what comes within the window, and gives everyone their own results", async () => {
    const { queue, batches } = doubling({ maxBatch: 8, windowMs: 20 });
    const results = await Promise.all([queue.addAll("queries", [1, 2]), queue.addAll("queries", [3])]);
    expect(results).toEqual([[2, 4], [6]]);
    expect(batches).toEqual([[1, 2, 3]]);
  });

  it("starts a full batch at once and never makes a larger one", async () => {
    const { queue, batches } = doubling({ maxBatch: 2, windowMs: 60_000 });
    const start = performance.now();
    expect(await queue.addAll("pictures", [1, 2, 3, 4, 5])).toEqual([2, 4, 6, 8, 10]);
    expect(performance.now() - start).toBeLessThan(5000); // the rest follows without a window
    expect(batches).toEqual([[1, 2], [3, 4], [5]]);
  });

  it("lets the lines take turns", async () => {
    const { queue, batches } = doubling({ maxBatch: 2, windowMs: 0 });
    const pictures = queue.addAll("pictures", [1, 2, 3, 4, 5, 6]);
    await wait(1);
    await queue.addAll("queries", [70]);
    await pictures;
    expect(batches).toEqual([[1, 2], [70], [3, 4], [5, 6]]);
  });

  it("fails the items of a batch that failed, and continues", async () => {
    const { queue } = doubling({ maxBatch: 2, windowMs: 0 });
    const results = await Promise.allSettled([1, -2, 3].map((n) => queue.addAll("queries", [n])));
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
    expect(await queue.addAll("queries", [4])).toEqual([8]);
  });

  it("does what it has when it is closed, and takes no more", async () => {
    const { queue, batches } = doubling({ maxBatch: 2, windowMs: 60_000 });
    const accepted = queue.addAll("queries", [1]);
    const other = queue.addAll("pictures", [2]);
    await Promise.all([queue.close(), queue.close()]);
    expect(batches).toHaveLength(2);
    expect([await accepted, await other]).toEqual([[2], [4]]);
    await expect(queue.addAll("queries", [3])).rejects.toThrow("closed");
    await queue.close();
  });

  it("gives an empty list at once, and refuses limits that cannot be meant", async () => {
    expect(await doubling({ maxBatch: 1, windowMs: 60_000 }).queue.addAll("queries", [])).toEqual([]);
    expect(() => doubling({ maxBatch: 0, windowMs: 1 })).toThrow(RangeError);
    expect(() => doubling({ maxBatch: 1, windowMs: Number.NaN })).toThrow(RangeError);
  });
});
