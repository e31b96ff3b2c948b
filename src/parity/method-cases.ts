/** The methods that have golden files, by the names of these. */
import type { GoldenComparison } from "./golden-comparison.js";
import { tirgCase } from "./methods/tirg.js";

export const methodCases: Readonly<Record<string, (comparison: GoldenComparison) => Promise<void>>> = {
  tirg: tirgCase,
};
