/** Items for tests of stores: clustered vectors of length 1, and fields that filters can ask for. */

import { Random } from "../src/engine/tensor/random.js";
import { tagOf } from "../src/search/store/filter.js";
import type { StoredItem } from "../src/search/store/vector-store.js";

export const categories = ["dress", "o'shoe", 'böt"t;--', "100%_top"];
export const colours = ["red", "Dark  Blue", "o'range", "\\'); DROP TABLE items;--"];

/** A vector of length 1. */
export function unit(values: Float32Array): Float32Array {
  const length = Math.hypot(...values);
  return values.map((value) => value / length);
}

export function randomUnit(random: Random, embedDim: number): Float32Array {
  return unit(Float32Array.from({ length: embedDim }, () => random.normal()));
}

/** `count` items of ids `prefix0`, `prefix1`, ...; every fifth without a price, every seventh without a colour. */
export function manyItems(
  count: number,
  {
    embedDim,
    clusters = 20,
    seed = 1,
    prefix = "it'em ",
  }: {
    readonly embedDim: number;
    readonly clusters?: number;
    readonly seed?: number;
    readonly prefix?: string;
  },
): StoredItem[] {
  const random = new Random(seed);
  const centres = Array.from({ length: clusters }, () => randomUnit(random, embedDim));
  return Array.from({ length: count }, (_, i) => {
    const centre = centres[random.integer(centres.length)] as Float32Array;
    const colour = colours[random.integer(colours.length)] as string;
    return {
      id: `${prefix}${i}`,
      hash: `h${i}`,
      category: categories[random.integer(categories.length)] as string,
      price: i % 5 === 0 ? undefined : random.integer(100),
      tags: i % 7 === 0 ? [] : [tagOf("colour", colour), tagOf("a=b", "c"), tagOf("Colour", "upper")],
      details: JSON.stringify({ i }),
      vector: unit(centre.map((value) => value + (0.5 * random.normal()) / Math.sqrt(embedDim))),
    };
  });
}
