import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { startProgress } from "./progress.js";

/** A stream that keeps what is written, as a terminal or as a pipe. */
function recorder(isTTY: boolean): { stream: NodeJS.WriteStream; text: () => string } {
  const chunks: string[] = [];
  const through = new PassThrough();
  through.on("data", (chunk: Buffer) => chunks.push(chunk.toString()));
  const stream = Object.assign(through, { isTTY, columns: 120, rows: 40 }) as unknown as NodeJS.WriteStream;
  return { stream, text: () => chunks.join("") };
}

describe("startProgress", () => {
  it("writes one plain line every ten seconds when the stream is not a terminal", () => {
    const { stream, text } = recorder(false);
    let nowMs = 0;
    const progress = startProgress("drawing", 1000, {
      stream,
      json: false,
      unit: "images",
      now: () => nowMs,
    });
    for (const [ms, done] of [
      [5_000, 100],
      [10_000, 200],
      [12_000, 300],
      [20_000, 500],
    ] as const) {
      nowMs = ms;
      progress.update(done, "loss 1.5");
    }
    progress.stop();
    expect(text()).toBe(
      "drawing 200/1000 · 20.0 images/s · 40 s left · loss 1.5\ndrawing 500/1000 · 25.0 images/s · 20 s left · loss 1.5\n",
    );
  });

  it("is silent when a program reads along", () => {
    const { stream, text } = recorder(true);
    const progress = startProgress("drawing", 10, { stream, json: true });
    progress.update(10);
    progress.stop();
    expect(text()).toBe("");
  });

  it("draws a bar with count and rate on a terminal", () => {
    const { stream, text } = recorder(true);
    let nowMs = 0;
    const progress = startProgress("drawing", 40, { stream, json: false, unit: "images", now: () => nowMs });
    nowMs = 2_000;
    progress.update(40);
    progress.stop();
    progress.stop();
    expect(text()).toContain("drawing");
    expect(text()).toContain("100% 40/40 · 20.0 images/s");
  });
});
