/** Which triplets belong together because they share images, directly or by way of others. */
import type { Triplet } from "../triplet.js";

/** Names the connected component of each triplet's images: triplets are edges between reference and target. */
export function neighbourhoods(
  triplets: readonly Pick<Triplet, "reference" | "target">[],
): (triplet: Pick<Triplet, "reference">) => string {
  const parent = new Map<string, string>();
  const rootOf = (id: string): string => {
    let root = id;
    for (let next = parent.get(root); next !== undefined; next = parent.get(root)) root = next;
    if (root !== id) parent.set(id, root); // shorter next time
    return root;
  };
  for (const { reference, target } of triplets) {
    const [a, b] = [rootOf(reference), rootOf(target)];
    if (a !== b) parent.set(a, b);
  }
  return ({ reference }) => rootOf(reference);
}
