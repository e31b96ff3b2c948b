/** The methods that have golden files, by the names of these. */
import type { GoldenComparison } from "./golden-comparison.js";
import { amcCase, amcLossCase } from "./methods/amc.js";
import { artemisCase } from "./methods/artemis.js";
import { clvcGlobalCase, clvcLocalCase, clvcLossCase } from "./methods/clvc-net.js";
import { comqueryFormerCase, comqueryFormerLossCase } from "./methods/comqueryformer.js";
import { cosmoCase } from "./methods/cosmo.js";
import { cssNetCase, cssNetLossCase } from "./methods/css-net.js";
import { datirCase } from "./methods/datir.js";
import { dcnetCase, dcnetLossCase } from "./methods/dcnet.js";
import { eerCase } from "./methods/eer.js";
import { fashionVlpCase } from "./methods/fashionvlp.js";
import { filmCase } from "./methods/film.js";
import { filmRticCase } from "./methods/film-rtic.js";
import { limnCase, limnLossCase } from "./methods/limn.js";
import { maafCase } from "./methods/maaf.js";
import { mcrCase } from "./methods/mcr.js";
import { mrnCase } from "./methods/mrn.js";
import { tirgCase } from "./methods/tirg.js";
import { valCase, valLossCase } from "./methods/val.js";

export const methodCases: Readonly<Record<string, (comparison: GoldenComparison) => Promise<void>>> = {
  film: filmCase,
  film_rtic: filmRticCase,
  amc: amcCase,
  amc_loss: amcLossCase,
  comqueryformer: comqueryFormerCase,
  comqueryformer_loss: comqueryFormerLossCase,
  maaf: maafCase,
  mrn: mrnCase,
  artemis: artemisCase,
  clvc_global: clvcGlobalCase,
  clvc_local: clvcLocalCase,
  clvc_loss: clvcLossCase,
  dcnet: dcnetCase,
  dcnet_loss: dcnetLossCase,
  tirg: tirgCase,
  cosmo: cosmoCase,
  datir: datirCase,
  mcr: mcrCase,
  eer: eerCase,
  fashionvlp: fashionVlpCase,
  limn_reconstruction: limnCase,
  limn_reconstruction_loss: limnLossCase,
  css_net: cssNetCase,
  css_net_loss: cssNetLossCase,
  val: valCase,
  val_loss: valLossCase,
};
