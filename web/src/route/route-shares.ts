/** How much of a query came through each operation module. */
import { formatPercent } from "../words.js";
import { moduleWords } from "./modules.js";

/** Route weights, [layer][module][destination]. */
export type Routes = readonly (readonly (readonly number[])[])[];

/**
 * Share of the query that came through each module, [layer][module], by route weights:
 *
 *   share[l, i] = sum_j p[l, i -> j] · share[l + 1, j],   share of the query itself = 1
 *
 * scaled to sum to 1 in every layer, which only changes models whose weights are probabilities over destinations.
 */
export function moduleShares(routes: Routes): readonly (readonly number[])[] {
  const shares: (readonly number[])[] = [];
  let next: readonly number[] = [1];
  for (const layer of routes.toReversed()) {
    const of = next;
    const sums = layer.map((row) => row.reduce((sum, weight, j) => sum + weight * (of[j] ?? 0), 0));
    const total = sums.reduce((sum, share) => sum + share, 0);
    next = sums.map((share) => (total > 0 ? share / total : 0));
    shares.unshift(next);
  }
  return shares;
}

/** Share of each module over all layers, the largest first. */
export function rankedModules(
  routes: Routes,
  modules: readonly string[],
): readonly { readonly module: string; readonly share: number }[] {
  const shares = moduleShares(routes);
  return modules
    .map((module, i) => ({
      module,
      share: shares.reduce((sum, layer) => sum + (layer[i] ?? 0), 0) / Math.max(1, shares.length),
    }))
    .sort((a, b) => b.share - a.share);
}

/** A lead that is smaller than this is not worth a word. */
const noticeable = 0.05;

/** What dominated, as a sentence. */
export function leadSentence(routes: Routes, modules: readonly string[]): string {
  const [first, second] = rankedModules(routes, modules);
  if (first === undefined) return "";
  const part = ({ module, share }: { module: string; share: number }) =>
    `${moduleWords(module).did} (${formatPercent(share)})`;
  if (second === undefined || second.share < noticeable) return `It ${part(first)}.`;
  if (first.share - 1 / modules.length < noticeable)
    return "It gave all its ways of working about the same say.";
  return first.share - second.share < noticeable
    ? `It ${part(first)} and ${part(second)}.`
    : `It mostly ${part(first)}, then ${part(second)}.`;
}
