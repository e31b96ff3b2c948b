import { describe, expect, it } from "vitest";
import { normalTensor, numbersOf } from "../../tests/fixtures/drawn-features.js";
import { Input } from "../engine/graph/value.js";
import { constant } from "../engine/ops/constant.js";
import { repeatForBatch } from "../engine/ops/repeat.js";
import { concat, pad, slice } from "../engine/ops/shape.js";
import { Random } from "../engine/tensor/random.js";
import { AttentionBlock, firstAfterBlocks } from "./attention-block.js";
import { ForwardPass } from "./forward-pass.js";

const [batch, length, keys, width] = [2, 3, 5, 8];
const random = new Random(7);
const drawn = (...shape: number[]) => constant(normalTensor(random, shape));
const pass = ForwardPass.inference();

function expectClose(found: readonly number[], expected: readonly number[]): void {
  expect(found).toHaveLength(expected.length);
  for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 5);
}

describe("AttentionBlock", () => {
  it("is two layer norms of the query where attention and the feed-forward network give 0", async () => {
    const block = new AttentionBlock(2, random, { heads: 1 });
    for (const [name, { data }] of block.state()) if (!name.startsWith("norm")) data.fill(0);
    const y = block.forward(constant(normalTensor(random, [1, 1, 2])), pass, { memory: drawn(1, 4, 2) });
    // A norm over two numbers gives 1 and -1, whatever they are.
    const [first = 0, second = 0] = await numbersOf(y);
    expect(Math.abs(first)).toBeCloseTo(1, 3);
    expect(second).toBeCloseTo(-first, 5);
  });

  it.each(["packed", "separate"] as const)(
    "passes masked keys over, with %s projections",
    async (projections) => {
      const block = new AttentionBlock(width, random, { heads: 2, projections });
      const [query, memory] = [drawn(batch, length, width), drawn(batch, keys, width)];
      const longer = pad(memory, { axis: 1, before: 0, after: 2 });
      const data = Uint8Array.from({ length: batch * (keys + 2) }, (_, i) => (i % (keys + 2) < keys ? 1 : 0));
      const keyMask = constant({ dtype: "bool", shape: [batch, keys + 2], data });
      const expected = await numbersOf(block.forward(query, pass, { memory }));
      expectClose(await numbersOf(block.forward(query, pass, { memory: longer, keyMask })), expected);
      expect(await numbersOf(block.forward(query, pass, { memory: longer }))).not.toEqual(expected);
    },
  );

  it("drops after attention and after the feed-forward network, in training only", () => {
    const block = new AttentionBlock(width, random, { heads: 2, dropout: 0.1 });
    const training = ForwardPass.training();
    block.forward(new Input("x", "float32", [batch, length, width]), training);
    expect(training.dropoutMasks.map(({ input }) => input.shape)).toEqual([
      [batch, length, width],
      [batch, length, width],
    ]);
  });
});

describe("firstAfterBlocks", () => {
  it.each(["packed", "separate"] as const)(
    "takes sequences of any length, with %s projections",
    (projections) => {
      const blocks = [1, 2].map(() => new AttentionBlock(width, random, { heads: 2, projections }));
      const texts = new Input("texts", "float32", ["batch", "words", width]);
      const tokens = concat([repeatForBatch(drawn(1, width), texts), texts], { axis: 1 });
      expect(firstAfterBlocks(blocks, tokens, { pass, kept: 1 }).shape).toEqual(["batch", 1, width]);
      expect(blocks[0]?.forward(texts, pass, { memory: tokens }).shape).toEqual(texts.shape);
    },
  );

  it("gives what all blocks give at the first positions", async () => {
    const blocks = [1, 2].map(() => new AttentionBlock(width, random, { heads: 2 }));
    const tokens = drawn(batch, length, width);
    const whole = blocks.reduce(
      (x, block) => block.forward(x, pass),
      tokens as Parameters<AttentionBlock["forward"]>[0],
    );
    const expected = await numbersOf(slice(whole, { axis: 1, start: 0, end: 2 }));
    expectClose(await numbersOf(firstAfterBlocks(blocks, tokens, { pass, kept: 2 })), expected);
  });
});
