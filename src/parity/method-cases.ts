/** The methods that have golden files, by the names of these. */
import type { GoldenComparison } from "./golden-comparison.js";
import { cosmoCase } from "./methods/cosmo.js";
import { tirgCase } from "./methods/tirg.js";
import { valCase, valLossCase } from "./methods/val.js";

export const methodCases: Readonly<Record<string, (comparison: GoldenComparison) => Promise<void>>> = {
  tirg: tirgCase,
  cosmo: cosmoCase,
  val: valCase,
  val_loss: valLossCase,
};
