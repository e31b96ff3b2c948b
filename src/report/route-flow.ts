/** How much of a query's embedding came through each operation module. */
import { ShapeError } from "../errors.js";
import type { QueryRoutes } from "./types.js";

/**
 * Share of the query embedding that came through each module, [L][M], by route weights:
 *
 *   share[l, i] = sum_j p[l, i -> j] · share[l + 1, j],   share of the embedding itself = 1
 *
 * As the weights into a destination sum to 1, the shares of every layer sum to 1.
 * @throws ShapeError when the weights are not [M][J] with J as the next layer takes it.
 */
export function moduleShares({ modules, weights }: QueryRoutes): readonly (readonly number[])[] {
  const shares: (readonly number[])[] = [];
  let next: readonly number[] = [1];
  for (const [fromEnd, layer] of weights.toReversed().entries()) {
    requireShape(layer, {
      layer: weights.length - fromEnd,
      sources: modules.length,
      destinations: next.length,
    });
    const of = next;
    next = layer.map((row) =>
      row.reduce((sum, weight, destination) => sum + weight * (of[destination] ?? 0), 0),
    );
    shares.unshift(next);
  }
  return shares;
}

/** "layer 1 mostly GTM (38 %), then CAM (30 %)" for every layer. */
export function describeShares(
  routes: QueryRoutes,
  { format }: { readonly format: (share: number) => string },
): readonly string[] {
  return moduleShares(routes).map((shares, layer) => {
    const order = shares
      .map((share, index) => ({ share, name: routes.modules[index]?.name ?? "" }))
      .sort((a, b) => b.share - a.share)
      .map(({ share, name }) => `${name} (${format(share)})`);
    const [first = "", second] = order;
    return `layer ${layer + 1} mostly ${first}${second === undefined ? "" : `, then ${second}`}`;
  });
}

function requireShape(
  layer: readonly (readonly number[])[],
  expected: { readonly layer: number; readonly sources: number; readonly destinations: number },
): void {
  const { sources, destinations } = expected;
  if (layer.length === sources && layer.every((row) => row.length === destinations)) return;
  throw new ShapeError(
    `routes of layer ${expected.layer}`,
    `needs [${sources} modules][${destinations} destinations]`,
    { shape: `[${layer.length}][${[...new Set(layer.map((row) => row.length))]}]` },
  );
}
