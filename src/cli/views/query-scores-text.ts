/** What one half of a query answers, and the spread over wordings, as text. */
import type { Paraphrases, Recalls, Shortcuts } from "../../evaluation/result.js";
import { formatPercent, formatPercentIfAny, formatSpread } from "../../report/format.js";
import { cutoffs } from "../../report/recall-table.js";
import { textTable } from "../terminal/text-table.js";

const head = ["", ...cutoffs.map(({ name }) => name)];

/** Shares of queries that the picture or the words alone answer, mean over categories. */
export function shortcutsText({ mean: { picture, words, either, rest } }: Shortcuts): string {
  const row = (name: string, recalls: { readonly [Recall in keyof Recalls]: number | null }) => [
    name,
    ...cutoffs.map(({ key }) => formatPercentIfAny(recalls[key])),
  ];
  return `\nwhat one half of a query answers, percent of queries\n${textTable([
    head,
    row("picture alone", picture),
    row("words alone", words),
    row("either: shortcuts", either),
    row("both, on the other queries", rest),
  ])}`;
}

/** Recall over wordings, and how many queries are answered in all of them, mean over categories. */
export function paraphrasesText(paraphrases: Paraphrases | null): string {
  if (paraphrases === null) return "\nno paraphrases: the data set has one wording of each query\n";
  const { queries, of, spread, answered, rankSpread } = paraphrases.mean;
  const shares = (share: "all" | "some" | "none") =>
    cutoffs.map(({ key }) => formatPercent(answered[key][share]));
  const table = textTable([
    head,
    ["mean over wordings", ...cutoffs.map(({ key }) => formatSpread(spread[key]))],
    ["in every wording", ...shares("all")],
    ["in some", ...shares("some")],
    ["in none", ...shares("none")],
  ]);
  const apart =
    rankSpread === null
      ? ""
      : `ranks of a query in its wordings lie ${formatPercent(rankSpread)} apart in the mean\n`;
  return `\n${queries} of ${of} queries in ${paraphrases.wordings} wordings each, percent of queries\n${table}${apart}`;
}
