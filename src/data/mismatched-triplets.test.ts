import { describe, expect, it } from "vitest";
import { Random } from "../engine/tensor/random.js";
import { FixedSplit } from "./fixed-split.js";
import { mismatchedSplit, mismatchTriplets } from "./mismatched-triplets.js";
import type { DatasetSplit, Triplet } from "./triplet.js";

const triplets = Array.from(
  { length: 11 },
  (_, i): Triplet => ({
    reference: `r${i}`,
    target: `t${i}`,
    captions: [`text ${i}`, "more"],
    category: "dress",
  }),
);
const textsOf = (list: readonly Triplet[]) => list.map(({ captions }) => captions[0]);
const moved = (list: readonly Triplet[]) =>
  list.filter(({ captions }, i) => captions !== triplets[i]?.captions);

describe("mismatchTriplets", () => {
  it.each([
    [0.2, 2],
    [0.5, 6],
    [1, 11],
  ])("of %d gives %i of 11 triplets another's text, and every text stays once", (share, count) => {
    const mixed = mismatchTriplets(triplets, share, new Random(3));
    expect(moved(mixed.triplets)).toHaveLength(count);
    expect(mixed).toMatchObject({ mismatched: count, equal: 0 });
    expect(textsOf(mixed.triplets).toSorted()).toEqual(textsOf(triplets).toSorted());
    expect(mixed.triplets.map(({ reference, target }) => [reference, target])).toEqual(
      triplets.map(({ reference, target }) => [reference, target]),
    );
  });

  it("draws by the stream, and leaves one triplet and none as they are", () => {
    const draw = (seed: number) => textsOf(mismatchTriplets(triplets, 0.5, new Random(seed)).triplets);
    expect(draw(3)).toEqual(draw(3));
    expect(draw(3)).not.toEqual(draw(4));
    for (const few of [[], triplets.slice(0, 1)]) {
      expect(mismatchTriplets(few, 1, new Random(3))).toEqual({ triplets: few, mismatched: 0, equal: 0 });
    }
  });

  it("counts texts that another triplet has too", () => {
    const alike = triplets.map((triplet) => ({ ...triplet, captions: ["is red"] }));
    expect(mismatchTriplets(alike, 1, new Random(3))).toMatchObject({ mismatched: 11, equal: 11 });
  });
});

describe("mismatchedSplit", () => {
  const images = new Map([["dress", triplets.flatMap(({ reference, target }) => [reference, target])]]);
  it("is the split itself for a share of 0", () => {
    const split = new FixedSplit({ name: "train", triplets, images });
    expect(mismatchedSplit(split, 0, new Random(1)).split).toBe(split);
  });

  it("draws wrong texts anew with every epoch where triplets are drawn", () => {
    const drawn: DatasetSplit = {
      name: "train",
      triplets: [],
      untargeted: [],
      images,
      epochTripletCount: 11,
      trainingTexts: () => ["text"],
      drawEpoch: () => triplets,
      restrict: () => drawn,
    };
    const { split } = mismatchedSplit(drawn, 0.5, new Random(1));
    const epoch = (seed: number) => split.drawEpoch(new Random(seed));
    expect(moved(epoch(1))).toHaveLength(6);
    expect(textsOf(epoch(1))).toEqual(textsOf(epoch(1)));
    expect(textsOf(epoch(1))).not.toEqual(textsOf(epoch(2)));
    expect([...(split.trainingTexts?.() ?? [])]).toEqual(["text"]);
    expect(moved(split.restrict(() => true).drawEpoch(new Random(1)))).toHaveLength(6);
  });
});
