/** SDFN's configuration: every decision the paper leaves open is a field here (docs/model.md lists them). */
import { z } from "zod";
import { encoderFields } from "../encoder-config.js";
import { parseConfig } from "../parse-config.js";

/** The paper's four operation modules, in its order. */
export const operationModuleNames = ["jrm", "cam", "gtm", "rcm"] as const;
export type OperationModuleName = (typeof operationModuleNames)[number];

/** Fields and defaults. "Choice" marks this project's decisions; the defaults give the paper's text. */
export const sdfnSchema = z.strictObject({
  ...encoderFields,
  /** L, number of fusion layers. */
  layers: z.int().min(1).max(12).default(3),
  /** Operation modules of every layer; any subset. */
  modules: z
    .array(z.enum(operationModuleNames))
    .min(1)
    .refine((names) => new Set(names).size === names.length, "a module is named twice")
    .default([...operationModuleNames]),
  /** Choice. Attention heads in JRM and CAM; embedDim must be a multiple. */
  heads: z.int().min(1).max(64).default(8),
  /** Choice. Width F of JRM's feed-forward network; null is 2 · embedDim. */
  ffnWidth: z.int().min(1).max(65536).nullable().default(null),
  /** Choice. Residual connections and layer norms inside JRM; the paper names a norm for CAM only. */
  jrmResidual: z.boolean().default(true),
  /** Choice. Biases of GTM's two linear layers at the start: 1 and 0 start it near the identity. */
  gammaBias: z.number().min(-100).max(100).default(1),
  betaBias: z.number().min(-100).max(100).default(0),
  /** Choice. Dropout after attention and after the feed-forward network. */
  dropout: z.number().min(0).lt(1).default(0.1),
  /** How modules are weighted (Table 3): uniformly, by one router on image and sentence, or by one for each. */
  router: z.enum(["none", "shared", "modality-specific"]).default("modality-specific"),
  /** Choice. How image and text router are joined: mean of probabilities, or softmax of the summed logits. */
  routerMerge: z.enum(["mean", "product"]).default("mean"),
  /** Choice. What a router's softmax runs over: a destination's sources, or a source's destinations. */
  routerSoftmax: z.enum(["sources", "destinations"]).default("sources"),
  /** Choice. Hidden width R of the routers; null is embedDim / 4, rounded down. */
  routerWidth: z.int().min(1).max(65536).nullable().default(null),
  /** Choice. Temperature of self path distillation, applied to each router's logits before the merge. */
  tau: z.number().positive().max(1000).default(4),
  /** Choice. Mean over all (layer, destination) pairs, or over layers of the mean over destinations. */
  distillationMean: z.enum(["pairs", "layers"]).default("pairs"),
  /** Choice. KL both ways, from u's distribution to q's, or from q's to u's. */
  consistencyForm: z.enum(["symmetric", "q-to-u", "u-to-q"]).default("symmetric"),
  /** Choice, per data set. Weight of self path distillation. */
  lambda1: z.number().min(0).max(1000).default(1),
  /** Choice, per data set. Weight of consistency. */
  lambda2: z.number().min(0).max(1000).default(1),
  /** Beyond the paper: JRM and CAM become x + a · module(x), `a` learned from this start; null leaves them as they are. */
  residual: z.number().min(-10).max(10).nullable().default(null),
  /** Beyond the paper: q = mean over regions + s. */
  sentenceSkip: z.boolean().default(false),
});

/** A complete configuration of SDFN. */
export type SdfnConfig = z.output<typeof sdfnSchema>;
/** A configuration as written: what is left out has its default. */
export type SdfnConfigInput = z.input<typeof sdfnSchema>;

/** @throws ConfigError that lists every problem at once. */
export function parseSdfnConfig(given: unknown): SdfnConfig {
  return parseConfig("sdfn", sdfnSchema, given, refusedSdfnCombinations);
}

/** F of JRM's feed-forward network. */
export function ffnWidthOf({ ffnWidth, embedDim }: SdfnConfig): number {
  return ffnWidth ?? 2 * embedDim;
}

/** R of the routers. */
export function routerWidthOf({ routerWidth, embedDim }: SdfnConfig): number {
  return routerWidth ?? Math.max(1, Math.floor(embedDim / 4));
}

/** What is wrong with fields that are right one by one. */
export function refusedSdfnCombinations({
  embedDim,
  heads,
  layers,
  lambda2,
  modules,
}: Partial<SdfnConfig>): string[] {
  const problems: string[] = [];
  const attends = modules === undefined || modules.includes("jrm") || modules.includes("cam");
  if (attends && embedDim !== undefined && heads !== undefined && embedDim % heads !== 0) {
    problems.push(`heads: embedDim must be a multiple of heads; got embedDim ${embedDim}, heads ${heads}`);
  }
  if (layers === 1 && lambda2 !== undefined && lambda2 > 0) {
    problems.push(
      `lambda2: with one layer u is the reference's own embedding, and the consistency loss pulls the query back to it; got layers 1, lambda2 ${lambda2}; set lambda2 to 0 or layers to 2 or more`,
    );
  }
  return problems;
}
