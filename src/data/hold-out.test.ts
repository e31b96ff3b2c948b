import { describe, expect, it } from "vitest";
import { Random } from "../engine/tensor/random.js";
import { FixedSplit } from "./fixed-split.js";
import { type HeldOut, holdOut } from "./hold-out.js";
import type { Triplet } from "./triplet.js";

const triplet = (reference: string, target: string): Triplet => ({
  reference,
  target,
  captions: [`${reference} to ${target}`],
  category: "dress",
});
const splitOf = (triplets: readonly Triplet[]) =>
  new FixedSplit({ name: "train", triplets, images: new Map() });
const itemsOf = (triplets: readonly Triplet[] = []) =>
  new Set(triplets.flatMap(({ reference, target }) => [reference, target]));

function expectDisjoint({ training, validation }: HeldOut): void {
  const held = itemsOf(validation?.triplets);
  expect([...itemsOf(training.triplets)].filter((id) => held.has(id))).toEqual([]);
}

describe("holding out by item", () => {
  it("takes whole groups where there are enough, and leaves nothing out", () => {
    const groups = Array.from({ length: 40 }, (_, g) =>
      [0, 1, 2, 3, 4].map((i) => triplet(`${g}-${i}`, `${g}-${(i + 1) % 5}`)),
    ).flat();
    const parts = holdOut(splitOf(groups), { fraction: 0.1, by: "item" }, new Random(1));
    expect(parts.validation?.triplets).toHaveLength(20);
    expect(parts.training.triplets).toHaveLength(180);
    expect(parts.leftOut).toBe(0);
    expectDisjoint(parts);
    const other = holdOut(splitOf(groups), { fraction: 0.1, by: "item" }, new Random(2));
    expect(itemsOf(other.validation?.triplets)).not.toEqual(itemsOf(parts.validation?.triplets));
  });

  it("cuts a part out of one large group along few triplets", () => {
    const ring = Array.from({ length: 200 }, (_, i) => triplet(String(i), String((i + 1) % 200)));
    const parts = holdOut(splitOf(ring), { fraction: 0.1, by: "item" }, new Random(1));
    expect(parts.validation?.triplets).toHaveLength(20);
    expect(parts.leftOut).toBe(2); // the two ends of an arc
    expect(parts.training.triplets).toHaveLength(178);
    expectDisjoint(parts);
  });

  it("keeps everything with a fraction of 0, and copes with one triplet and with an image that answers itself", () => {
    const one = splitOf([triplet("a", "a")]);
    expect(holdOut(one, { fraction: 0, by: "item" }, new Random(1)).training).toBe(one);
    expect(holdOut(one, { fraction: 0.3, by: "item" }, new Random(1)).validation).toBeUndefined();
    const parts = holdOut(one, { fraction: 0.5, by: "item" }, new Random(1));
    expect([parts.training.triplets.length, parts.validation?.triplets.length]).toEqual([0, 1]);
  });
});

describe("what is held out", () => {
  it.each(["item", "triplet"] as const)(
    "has its targets alone, by %s: no image besides is looked at",
    (by) => {
      const judged = Array.from({ length: 40 }, (_, i) => ({
        ...triplet(`r${i}`, `t${i}`),
        subset: [`t${i}`, "other"],
        relevant: [`t${i}`, "another"],
      }));
      const { training, validation } = holdOut(splitOf(judged), { fraction: 0.25, by }, new Random(1));
      expect(validation?.triplets).toHaveLength(10);
      for (const own of validation?.triplets ?? []) expect(Object.keys(own)).not.toContain("subset");
      for (const own of validation?.triplets ?? []) expect(Object.keys(own)).not.toContain("relevant");
      expect(training.triplets[0]?.subset).toContain("other");
    },
  );
});

describe("holding out by triplet", () => {
  it("takes exactly the fraction, whatever images they share", () => {
    const star = Array.from({ length: 100 }, (_, i) => triplet("centre", String(i)));
    const parts = holdOut(splitOf(star), { fraction: 0.1, by: "triplet" }, new Random(1));
    expect([parts.validation?.triplets.length, parts.training.triplets.length, parts.leftOut]).toEqual([
      10, 90, 0,
    ]);
  });
});
