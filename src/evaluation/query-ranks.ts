/** The rank of every query, so that models can be compared query by query. */
import { z } from "zod";
import type { CategoryTask } from "./category-task.js";
import { unranked } from "./recall.js";

const queryRankSchema = z.strictObject({
  reference: z.string(),
  target: z.string(),
  text: z.string(),
  /** From 1; `unranked` for a query that no model can answer, null in JSON. */
  rank: z
    .number()
    .int()
    .min(1)
    .nullable()
    .transform((rank) => rank ?? unranked),
});

/** By category, the queries in the order in which they were asked. */
export const queryRanksSchema = z.record(z.string(), z.array(queryRankSchema));

/** One query and the rank of its best hit. */
export type QueryRank = z.output<typeof queryRankSchema>;
export type QueryRanks = z.output<typeof queryRanksSchema>;

/** The ranks of one category, without its embeddings. JSON writes `unranked` as null, which the schema reads. */
export function queryRanksOf({ asked, ranks }: Pick<CategoryTask, "asked" | "ranks">): QueryRank[] {
  return asked.map(({ triplet: { reference, target }, text }, i) => ({
    reference,
    target,
    text,
    rank: ranks[i] ?? unranked,
  }));
}
