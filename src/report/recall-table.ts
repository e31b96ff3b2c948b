/** Recall@K of several models on one data set: a chart to see it, a table to quote it. */
import type { DropReport } from "../data/presence/missing-images.js";
import { type MetricName, metricNames } from "../data/triplet.js";
import { labelNotes, metricLabel } from "../evaluation/metrics.js";
import type { EvaluationResult, Measured, Recalls } from "../evaluation/result.js";
import { formatCount } from "../number-text.js";
import { barFigure } from "./bar-figure.js";
import { factList } from "./fact-list.js";
import { formatPercent } from "./format.js";
import { type Html, html } from "./html.js";

export const recallTableCss = `
.recall { display: grid; gap: 1.25rem; }
.data-table th, .data-table td { padding: 0.6rem 0.8rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
.data-table thead th { font-size: 0.8125rem; font-weight: 600; color: var(--ink-soft); }
.data-table th[scope=row], .data-table thead tr:first-child th:first-child { text-align: left; position: sticky; left: 0; background: var(--surface); }
.data-table tbody tr:last-child > * { border-bottom: 0; }
.data-table .group { text-align: center; color: var(--ink); font-size: 0.9rem; }
.data-table .group small { display: block; font-weight: 400; color: var(--ink-soft); }
.data-table .starts-group { border-left: 1px solid var(--line); }
.data-table .best { font-weight: 700; }
.recall .facts { padding-inline: 0.25rem; font-size: 0.875rem; }
`;

/** Where recall of the halves of queries and of other wordings is measured, in the order of columns. */
export const cutoffs = [
  { key: "r1", name: "R@1" },
  { key: "r10", name: "R@10" },
  { key: "r50", name: "R@50" },
] as const satisfies readonly { key: keyof Recalls; name: string }[];

/** One line of the table. */
export type RecallRow = Pick<EvaluationResult, "model" | "mean" | "perCategory">;

/** Standard deviation of a number in the table; undefined where there is none to show. */
export type DeviationOf = (row: number, metric: MetricName, category?: string) => number | undefined;

/**
 * Results of several models under one protocol, in the order given; the best of a column is bold
 * and the protocol, the galleries, what was dropped, seed and commit stand below.
 */
export function recallTable(results: readonly EvaluationResult[]): Html {
  return html`<div class="recall">${recallChart(results)}${recallNumbers(results)}${recallProvenance(results)}</div>`;
}

/** The metrics that any of the results has, in the order of columns. */
function columnsOf(results: readonly RecallRow[]): readonly MetricName[] {
  return metricNames.filter((name) => results.some(({ mean }) => mean[name] !== undefined));
}

function recallChart(results: readonly RecallRow[]): Html {
  const columns = columnsOf(results);
  const notes = labelNotes(columns);
  return barFigure({
    caption:
      notes === ""
        ? "Percent of queries whose target is among the first 1, 10 or 50, mean over categories"
        : `Percent, mean over categories. ${notes}`,
    labels: columns.map(metricLabel),
    narrowLabels:
      columns.length > cutoffs.length
        ? columns.map((name) => metricLabel(name).replace("@", "\n@"))
        : undefined,
    yMax: 100,
    format: (value: number) => value.toFixed(0),
    description: `Mean recall in percent. ${results
      .map(
        ({ model, mean }) =>
          `${model}: ${columns.map((name) => `${metricLabel(name)} ${formatPercent(mean[name] ?? 0)}`).join(", ")}`,
      )
      .join(". ")}.`,
    groups: results.map(({ model, mean }, colourIndex) => ({
      name: model,
      colourIndex,
      values: columns.map((name) => mean[name] ?? 0),
    })),
  });
}

/** The table alone; with deviations, "27.5 ± 0.8". */
export function recallNumbers(
  results: readonly RecallRow[],
  deviationOf: DeviationOf = () => undefined,
): Html {
  const metrics = columnsOf(results);
  const categories = [...new Set(results.flatMap(({ perCategory }) => Object.keys(perCategory)))];
  const groups = [
    {
      title: "Mean",
      category: undefined,
      sizes: undefined,
      of: ({ mean }: RecallRow): Measured | undefined => mean,
    },
    ...categories.map((category) => {
      const sizes = results
        .map(({ perCategory }) => perCategory[category])
        .find((found) => found !== undefined);
      return {
        title: category,
        category,
        sizes: sizes && `${formatCount(sizes.queries)} queries, ${formatCount(sizes.gallery)} pictures`,
        of: ({ perCategory }: RecallRow): Measured | undefined => perCategory[category],
      };
    }),
  ];
  const columns = groups.flatMap((group) =>
    metrics.map((metric, index) => {
      const values = results.map((result) => group.of(result)?.[metric]);
      const deviations = results.map((_, row) => deviationOf(row, metric, group.category));
      return {
        name: metricLabel(metric),
        values,
        deviations,
        best: bestOf(values),
        startsGroup: index === 0,
      };
    }),
  );
  return html`<div class="card scroll-x" tabindex="0" role="region" aria-label="Recall by category"><table class="data-table">
<caption class="visually-hidden">Recall in percent by model and category; the best value of a column is bold</caption>
<thead>
<tr><th rowspan="2" scope="col">Model</th>${groups.map(
    ({ title, sizes }) =>
      html`<th class="group starts-group" colspan="${metrics.length}" scope="colgroup">${title}${sizes !== undefined && html`<small>${sizes}</small>`}</th>`,
  )}</tr>
<tr>${columns.map(({ name, startsGroup }) => html`<th scope="col"${startsGroup && html` class="starts-group"`}>${name}</th>`)}</tr>
</thead>
<tbody>${results.map(
    ({ model }, row) =>
      html`<tr><th scope="row">${model}</th>${columns.map(({ values, deviations, best, startsGroup }) =>
        cell(values[row], { deviation: deviations[row], best, startsGroup }),
      )}</tr>`,
  )}</tbody>
</table></div>`;
}

function cell(
  value: number | undefined,
  {
    deviation,
    best,
    startsGroup,
  }: {
    readonly deviation: number | undefined;
    readonly best: number | undefined;
    readonly startsGroup: boolean;
  },
): Html {
  const classes = [startsGroup && "starts-group", value !== undefined && value === best && "best"].filter(
    Boolean,
  );
  return html`<td class="${classes.join(" ")}">${value === undefined ? "–" : formatPercent(value)}${
    deviation !== undefined && html`<small class="soft"> ± ${formatPercent(deviation)}</small>`
  }</td>`;
}

/** The highest value, where there is more than one to compare. */
function bestOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length > 1 ? Math.max(...known) : undefined;
}

/** What the numbers were measured on, and by which program. */
export function recallProvenance(results: readonly EvaluationResult[]): Html {
  const distinct = (read: (result: EvaluationResult) => string | number) =>
    [...new Set(results.map(read))].join(" / ");
  return factList([
    ["Data", distinct(({ dataset, split }) => `${dataset}, ${split} split`)],
    ["Protocol", distinct(({ protocol }) => protocol)],
    [
      "Reference",
      distinct(({ reference }) => `${reference} ${reference === "removed" ? "from" : "in"} the ranking`),
    ],
    ["Captions", distinct(({ captions }) => captionWords[captions])],
    ["Missing or broken images", distinct(({ dropped }) => describeDropped(dropped))],
    ["Seed", distinct(({ seed }) => seed)],
    ["Commit", distinct(({ commit }) => commit ?? "unknown")],
  ]);
}

const captionWords: Readonly<Record<EvaluationResult["captions"], string>> = {
  and: "joined with “and”",
  swapped: "joined in both orders",
  each: "one query each",
};

function describeDropped({ images, triplets, galleryEntries }: DropReport): string {
  if (images.dropped === 0) return "none";
  return [
    `${formatCount(images.dropped)} of ${formatCount(images.of)} images${images.broken > 0 ? ` (${formatCount(images.broken)} broken)` : ""}`,
    `${formatCount(triplets.dropped)} of ${formatCount(triplets.of)} queries`,
    `${formatCount(galleryEntries.dropped)} of ${formatCount(galleryEntries.of)} gallery entries dropped`,
  ].join(", ");
}
