/** Checks an evaluation that was written to disk. */
import { z } from "zod";
import { type MetricName, metricNames, referenceRules, splitNames } from "../data/triplet.js";
import { captionJoins, protocolNames } from "./protocols.js";
import { queryRanksSchema } from "./query-ranks.js";
import type { EvaluationResult } from "./result.js";

const recalls = { r1: z.number(), r10: z.number(), r50: z.number() };
/** The three recalls; other metrics where they were measured. */
const measured = {
  ...(Object.fromEntries(metricNames.map((name) => [name, z.number().optional()])) as Record<
    MetricName,
    z.ZodOptional<z.ZodNumber>
  >),
  ...recalls,
};
const count = z.number().int().nonnegative();
const recallsSchema = z.strictObject(recalls);
const spread = z.strictObject({ mean: z.number(), deviation: z.number().nullable() });
const shares = z.strictObject({ all: z.number(), some: z.number(), none: z.number() });
const atEachK = <Value extends z.ZodType>(value: Value) =>
  z.strictObject({ r1: value, r10: value, r50: value });

const shortcutScores = z.strictObject({
  picture: recallsSchema,
  words: recallsSchema,
  either: recallsSchema,
  rest: atEachK(z.number().nullable()),
});
const paraphraseScores = z.strictObject({
  queries: count,
  of: count,
  byWording: z.array(recallsSchema),
  spread: atEachK(spread),
  answered: atEachK(shares),
  rankSpread: z.number().nullable(),
});
const dropped = { dropped: count, of: count };

const resultSchema = z.strictObject({
  model: z.string(),
  dataset: z.string(),
  split: z.enum(splitNames),
  protocol: z.enum(protocolNames),
  reference: z.enum(referenceRules),
  captions: z.enum(captionJoins),
  perCategory: z.record(
    z.string(),
    z.strictObject({ ...measured, queries: count, gallery: count, unanswerable: count }),
  ),
  mean: z.strictObject({ ...measured, r10r50: z.number() }),
  compared: z.strictObject({ of: z.array(z.enum(metricNames)), value: z.number() }),
  dropped: z.strictObject({
    images: z.strictObject({ ...dropped, broken: count }),
    triplets: z.strictObject(dropped),
    galleryEntries: z.strictObject(dropped),
  }),
  shortcuts: z
    .strictObject({ perCategory: z.record(z.string(), shortcutScores), mean: shortcutScores })
    .optional(),
  paraphrases: z
    .strictObject({
      wordings: count,
      perCategory: z.record(z.string(), paraphraseScores),
      mean: paraphraseScores,
    })
    .nullable()
    .optional(),
  seed: count,
  commit: z.string().nullable(),
}) satisfies z.ZodType<EvaluationResult>;

/** A result with the rank of every query. */
export const evaluationFileSchema = z.strictObject({
  format: z.literal(1),
  result: resultSchema,
  ranks: queryRanksSchema,
});
