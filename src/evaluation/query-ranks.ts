/** The rank of every query, so that models can be compared query by query. */
import { z } from "zod";
import { type CategoryTask, placesOf } from "./category-task.js";
import { unranked } from "./recall.js";

/** From 1; `unranked` for what no model can find, null in JSON. */
const rankSchema = z
  .number()
  .int()
  .min(1)
  .nullable()
  .transform((rank) => rank ?? unranked);

const queryRankSchema = z.strictObject({
  reference: z.string(),
  target: z.string(),
  text: z.string(),
  rank: rankSchema,
  /** Of the target among the images of the query's subset. */
  subsetRank: rankSchema.optional(),
  /** Of all relevant images, best first. */
  relevantRanks: z.array(rankSchema).readonly().optional(),
});

/** By category, the queries in the order in which they were asked. */
export const queryRanksSchema = z.record(z.string(), z.array(queryRankSchema));

/** One query and where its right answers came. */
export type QueryRank = z.output<typeof queryRankSchema>;
export type QueryRanks = z.output<typeof queryRanksSchema>;

/** The ranks of one category, without its embeddings. JSON writes `unranked` as null, which the schema reads. */
export function queryRanksOf({
  asked,
  ...ranked
}: Pick<CategoryTask, "asked" | "ranks" | "subsetRanks" | "relevantRanks">): QueryRank[] {
  const places = placesOf(ranked);
  return asked.map(({ triplet: { reference, target }, text }, i) => ({
    reference,
    target,
    text,
    ...(places[i] ?? { rank: unranked }),
  }));
}
