/** Where a run's queries fail: ranks, words, and the length of texts. */
import {
  rankHistogram,
  recallByLength,
  recallByWord,
  type WordRecall,
} from "../evaluation/query-analysis.js";
import type { QueryRanks } from "../evaluation/query-ranks.js";
import { formatCount } from "../number-text.js";
import { barFigure } from "./bar-figure.js";
import { countOf, formatPercent } from "./format.js";
import { type Html, html } from "./html.js";
import { countsTable } from "./triplet-samples.js";

export const runFailuresCss = `
.failures { display: grid; gap: 1.25rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); align-items: start; }
.failures > div { display: grid; gap: 0.6rem; }
.failures > .wide { grid-column: 1 / -1; }
`;

/** Words listed at either end. */
const listedWords = 15;

/** Rank histogram, hardest and easiest words, recall by length. */
export function runFailures(ranks: QueryRanks): Html {
  const queries = Object.values(ranks).flat();
  // Below a handful of queries a word's recall says nothing.
  const minQueries = Math.max(5, Math.ceil(queries.length / 200));
  const words = recallByWord(queries, { minQueries });
  return html`<div class="failures"><div class="wide">${histogram(queries.map(({ rank }) => rank))}</div>
<div><h3>Hardest words</h3>${wordTable(words.slice(0, listedWords))}</div>
<div><h3>Easiest words</h3>${wordTable(words.slice(-listedWords).reverse())}</div>
<div><h3>By length of the text</h3>${countsTable(
    ["Words", "Queries", "R@10"],
    recallByLength(queries).map(({ from, to, queries: count, r10 }) => [
      from === to ? String(from) : `${from} to ${to}`,
      formatCount(count),
      formatPercent(r10),
    ]),
  )}</div></div>
<p class="small soft" style="margin-top: 0.75rem">Recall@10 of the queries whose text has the word; words of fewer than ${countOf(minQueries, "query", "queries")} are left out.</p>`;
}

function wordTable(words: readonly WordRecall[]): Html {
  return countsTable(
    ["Word", "Queries", "R@10"],
    words.map(({ word, queries, r10 }) => [word, formatCount(queries), formatPercent(r10)]),
  );
}

function histogram(ranks: readonly number[]): Html {
  const buckets = rankHistogram(ranks);
  const labels = buckets.map(({ from, to }) =>
    to === Number.POSITIVE_INFINITY ? `${from}+` : from === to ? String(from) : `${from}–${to}`,
  );
  const shares = buckets.map(({ count }) => (100 * count) / Math.max(1, ranks.length));
  return barFigure({
    caption: `Percent of ${countOf(ranks.length, "query", "queries")} by the rank of the target; those that nothing can answer are in the last bar`,
    labels,
    narrowLabels: labels.map((label) => label.replace("–", "–\n")),
    heightPx: 260,
    yMax: Math.max(10, Math.ceil(Math.max(...shares) / 10) * 10),
    format: formatPercent,
    description: `Percent of queries by the rank of their target. ${labels.map((label, i) => `${label}: ${formatPercent(shares[i] ?? 0)}`).join(", ")}.`,
    groups: [{ name: "queries", colourIndex: 0, values: shares }],
  });
}
