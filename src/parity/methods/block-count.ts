/** How many numbered modules a file has parameters of. */
import type { GoldenComparison } from "../golden-comparison.js";

/** `param/blocks.0.`, `param/blocks.1.`, ... -> 2 */
export function blockCount(comparison: GoldenComparison, field: string): number {
  const names = comparison.namesAfter(`param/${field}.`);
  return new Set(names.map((name) => name.split(".")[0])).size;
}
