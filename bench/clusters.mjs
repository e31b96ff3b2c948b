// Synthetic catalogues: unit vectors in clusters, with categories, prices and attributes.

import { Random } from "../dist/engine/tensor/random.js";
import { tagOf } from "../dist/search/store/filter.js";

const itemsPerCentre = 100;
/** Length of the noise around a centre of length 1; queries have it too. */
const spread = 0.7;

/** Vectors around centres. Noise is read from a long table at random places, which is quick and as good as drawn anew. */
export function clusters(count, embedDim) {
  const random = new Random(1);
  const noise = Float32Array.from({ length: 2 ** 22 }, () => random.normal() / Math.sqrt(embedDim));
  const near = (centre, length) => {
    const at = random.integer(noise.length - embedDim);
    return unit(
      Float32Array.from({ length: embedDim }, (_, d) => (centre?.[d] ?? 0) + length * noise[at + d]),
    );
  };
  const centres = Array.from({ length: Math.max(1, Math.round(count / itemsPerCentre)) }, () =>
    near(undefined, 1),
  );
  const centre = () => centres[random.integer(centres.length)];
  return {
    item: (i) => ({
      id: `item-${i}`,
      hash: String(i),
      category: `c${random.integer(20)}`,
      price: random.integer(100) + 1,
      tags: [tagOf("shop", `s${random.integer(1000)}`), tagOf("colour", `colour ${random.integer(12)}`)],
      details: JSON.stringify({ title: `Item ${i} of the catalogue`, picture: `images/${i}.jpg` }),
      vector: near(centre(), spread),
    }),
    queries: (n) => Array.from({ length: n }, () => near(centre(), spread)),
  };
}

function unit(vector) {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const length = Math.sqrt(squares);
  return vector.map((value) => value / length);
}
