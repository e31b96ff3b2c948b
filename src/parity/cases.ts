/** The kinds of golden file, and how each is checked. */
import { adamCase } from "./adam-case.js";
import {
  crossAttentionCase,
  fusionLayerCase,
  fusionNetworkCase,
  globalTransformCase,
  imageRouterCase,
  jointReasoningCase,
  textRouterCase,
} from "./fusion-cases.js";
import type { GoldenComparison } from "./golden-comparison.js";
import { attentionCase, layerNormCase, textEncoderCase } from "./layer-cases.js";
import { lossCase } from "./loss-cases.js";
import { methodCases } from "./method-cases.js";
import { resNetCase } from "./resnet-case.js";
import { towerCase } from "./tower-case.js";

/** How one kind of golden file is checked. */
export interface GoldenCase {
  /** Builds our modules from a file, runs them and compares. `batchOrder` counts from 0, see `adamCase`. */
  readonly run: (comparison: GoldenComparison, batchOrder: number) => Promise<void>;
  /** In how many orders of its examples a batch may be tried where rounding is amplified. */
  readonly batchOrderCount: number;
}

const runs: Readonly<Record<string, GoldenCase["run"]>> = {
  resnet18: resNetCase("resnet18"),
  resnet34: resNetCase("resnet34"),
  resnet50: resNetCase("resnet50"),
  resnet101: resNetCase("resnet101"),
  text_encoder: textEncoderCase,
  mha: attentionCase,
  layernorm: layerNormCase,
  jrm: jointReasoningCase,
  cam: crossAttentionCase,
  gtm: globalTransformCase,
  image_router: imageRouterCase,
  text_router: textRouterCase,
  fusion_layer: fusionLayerCase,
  fusion: fusionNetworkCase,
  loss: lossCase,
  adam: adamCase,
  ...methodCases,
  clip: towerCase,
  siglip: towerCase,
  dinov2: towerCase,
  open_clip: towerCase,
};

export const caseNames = Object.keys(runs);

/** Where it is more than 1. */
const batchOrderCounts: Readonly<Record<string, number>> = { adam: 3 };

/** The case of a file by its name without ending: the longest that it is, or begins with before a "_". */
export function caseOf(fileName: string): GoldenCase | undefined {
  const matching = caseNames.filter((name) => fileName === name || fileName.startsWith(`${name}_`));
  const [longest] = matching.toSorted((a, b) => b.length - a.length);
  const run = runs[longest ?? ""];
  return run && { run, batchOrderCount: batchOrderCounts[longest ?? ""] ?? 1 };
}
