/** The methods that have golden files, by the names of these. */
import type { GoldenComparison } from "./golden-comparison.js";
import { artemisCase } from "./methods/artemis.js";
import { clvcGlobalCase, clvcLocalCase, clvcLossCase } from "./methods/clvc-net.js";
import { cosmoCase } from "./methods/cosmo.js";
import { dcnetCase, dcnetLossCase } from "./methods/dcnet.js";
import { tirgCase } from "./methods/tirg.js";
import { valCase, valLossCase } from "./methods/val.js";

export const methodCases: Readonly<Record<string, (comparison: GoldenComparison) => Promise<void>>> = {
  artemis: artemisCase,
  clvc_global: clvcGlobalCase,
  clvc_local: clvcLocalCase,
  clvc_loss: clvcLossCase,
  dcnet: dcnetCase,
  dcnet_loss: dcnetLossCase,
  tirg: tirgCase,
  cosmo: cosmoCase,
  val: valCase,
  val_loss: valLossCase,
};
