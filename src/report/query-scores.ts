/** Sections on queries: what the picture or the words alone answer, and the same query in other words. */
import type { EvaluationResult, Paraphrases, Recalls, Shortcuts } from "../evaluation/result.js";
import { formatCount } from "../number-text.js";
import { barFigure } from "./bar-figure.js";
import type { BarGroup } from "./chart.js";
import { formatPercent, formatPercentIfAny, formatSpread } from "./format.js";
import { html } from "./html.js";
import type { Section } from "./page.js";
import { cutoffs } from "./recall-table.js";
import { countsTable } from "./triplet-samples.js";

const labels = cutoffs.map(({ name }) => name);

type MaybeRecalls = { readonly [Recall in keyof Recalls]: number | null };

/** Queries that one half answers, and recall on the others. */
export function shortcutSection(
  { mean, perCategory }: Shortcuts,
  { model, mean: recall }: Pick<EvaluationResult, "model" | "mean">,
): Section {
  const parts = [
    { name: "Picture alone", of: (scores: typeof mean): MaybeRecalls => scores.picture },
    { name: "Words alone", of: (scores: typeof mean): MaybeRecalls => scores.words },
    { name: "Either: a shortcut", of: (scores: typeof mean): MaybeRecalls => scores.either },
    { name: "Both, on the other queries", of: (scores: typeof mean): MaybeRecalls => scores.rest },
  ];
  const columns = [["mean", mean] as const, ...Object.entries(perCategory)];
  return {
    id: "shortcuts",
    title: "What one half of a query answers",
    lead: `${model} is asked with the picture alone and with the words alone. A query that either answers is a shortcut: it says nothing of how the two are brought together, so recall on the others stands apart.`,
    body: html`<div class="recall">${barFigure({
      caption: "Percent of queries whose target is among the first 1, 10 or 50, mean over categories",
      ...bars([
        ["Both", recall],
        ["Picture alone", mean.picture],
        ["Words alone", mean.words],
        ["Both, on the other queries", mean.rest],
      ]),
    })}${countsTable(
      ["Percent", ...columns.flatMap(([name]) => labels.map((label) => `${name}, ${label}`))],
      parts.map(({ name, of }) => [
        name,
        ...columns.flatMap(([, scores]) => cutoffs.map(({ key }) => formatPercentIfAny(of(scores)[key]))),
      ]),
    )}</div>`,
  };
}

/** Recall by wording, and how many queries are answered in all of them. */
export function paraphraseSection(paraphrases: Paraphrases | null): Section {
  const frame = { id: "paraphrases", title: "The same in other words" };
  if (paraphrases === null) {
    return {
      ...frame,
      body: html`<p>The data set has one wording of each query, so that there is nothing to compare.</p>`,
    };
  }
  const { wordings, mean } = paraphrases;
  const { answered, byWording, spread, rankSpread } = mean;
  const apart =
    rankSpread === null
      ? ""
      : ` From its best wording to its worst, a query's target moves by ${formatPercent(rankSpread)} ranks in the mean.`;
  const share = (of: "all" | "some" | "none"): Recalls => ({
    r1: answered.r1[of],
    r10: answered.r10[of],
    r50: answered.r50[of],
  });
  return {
    ...frame,
    lead: `${formatCount(mean.queries)} of ${formatCount(mean.of)} queries, each in ${formatCount(wordings)} wordings of the same change.${apart}`,
    body: html`<div class="recall">${barFigure({
      caption:
        "Percent of queries whose target is among the first 1, 10 or 50 in all wordings, in some and in none, mean over categories",
      ...bars([
        ["In all", share("all")],
        ["In some", share("some")],
        ["In none", share("none")],
      ]),
    })}${countsTable(
      ["Percent", ...labels],
      [
        ...byWording.map((recalls, i) => [
          i === 0 ? "Own wording" : `Wording ${i + 1}`,
          ...cutoffs.map(({ key }) => formatPercent(recalls[key])),
        ]),
        ["Mean ± deviation", ...cutoffs.map(({ key }) => formatSpread(spread[key]))],
      ],
    )}</div>`,
  };
}

/** The sections of a result, where it has what they show. */
export function queryScoreSections(result: EvaluationResult): readonly Section[] {
  const { shortcuts, paraphrases } = result;
  return [
    ...(shortcuts ? [shortcutSection(shortcuts, result)] : []),
    ...(paraphrases === undefined ? [] : [paraphraseSection(paraphrases)]),
  ];
}

/** Series of bars at 1, 10 and 50, those that lack a number left out, and what they say in words. */
function bars(series: readonly (readonly [name: string, recalls: MaybeRecalls])[]) {
  const groups = series.flatMap(([name, recalls], colourIndex): readonly BarGroup[] => {
    const values = cutoffs.flatMap(({ key }) => recalls[key] ?? []);
    return values.length === cutoffs.length ? [{ name, colourIndex, values }] : [];
  });
  const described = groups.map(
    ({ name, values }) =>
      `${name}: ${values.map((value, i) => `${labels[i]} ${formatPercent(value)}`).join(", ")}`,
  );
  return {
    groups,
    labels,
    yMax: 100,
    format: (value: number) => value.toFixed(0),
    description: `Percent of queries. ${described.join(". ")}.`,
  };
}
