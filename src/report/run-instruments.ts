/** What the instruments found about a run: what other routes would give, what losses reach, what routes follow. */
import type { KindRoutes, LayerInformation } from "../evaluation/instruments/route-information.js";
import type { RouteTrial } from "../evaluation/instruments/route-trials.js";
import type {
  GradientShares,
  RouteInstruments,
  RouteTrials,
  RunInstruments,
} from "../evaluation/instruments/run-instruments.js";
import { formatCount } from "../number-text.js";
import { countOf, formatInterval, formatNumber, formatPercent, formatPoints, formatShare } from "./format.js";
import { type Html, html } from "./html.js";
import { intervalChart } from "./interval-chart.js";
import type { ModuleName } from "./types.js";

export const runInstrumentsCss = `
.instruments { display: grid; gap: 0.9rem; }
.instruments > h3:not(:first-child) { margin-top: 1.75rem; }
.instruments .data-table td { min-width: 6rem; }
.gradient { display: grid; gap: 0.15rem; justify-items: end; }
.gradient i { display: block; width: 100%; height: 5px; border-radius: 3px; background: var(--sunken); overflow: hidden; }
.gradient i::before { content: ""; display: block; height: 100%; width: var(--part); background: var(--series-2); }
.instruments .shift { position: relative; }
.instruments .shift::before { content: ""; position: absolute; inset: 3px; border-radius: 6px; background: var(--tone); opacity: var(--strength); }
.instruments .shift span { position: relative; }
`;

/** Queries, batches and everything below them; models without routes have the gradients alone. */
export function runInstruments(
  { gradients, queries, from, routes }: RunInstruments,
  modules: readonly ModuleName[],
): Html {
  const where = `${countOf(queries, "triplet")} of train ${sourceWords[from]}`;
  return html`<div class="instruments">${routes?.trials && trialsPart(routes.trials, where)}${gradientsPart(gradients)}${routes && followsPart(routes, modules, where)}</div>`;
}

const sourceWords: Readonly<Record<RunInstruments["from"], string>> = {
  "held out": "that were held out",
  "trained on": "that were trained on, as none were held out",
  "other data": "of data that the run was not trained on",
};

function trialsPart({ trials, candidates, isExhaustive }: RouteTrials, where: string): Html {
  const paths = `${isExhaustive ? "all " : ""}${countOf(candidates, "path")} of one module a layer${isExhaustive ? "" : ", drawn at random"}`;
  return html`<h3>How much could any router gain?</h3>
<p class="lead">Recall along other routes, less that along the model's own: mean of R@1, R@10 and R@50, on ${where}. ${verdict(trials)}</p>
${intervalChart(trials.map(trialRow), {
  description: `Points of mean recall gained or lost along other routes: ${trials.map(({ name, difference }) => `${name} ${formatPoints(difference)}`).join(", ")}.`,
  hasZero: true,
  note: html`At the right R@1 · R@10 · R@50. Bar: 95 % over other queries of the kind. <b>Path</b>: ${paths}; <b>half</b>: the middle of such a path and the query's own route. <b>Best</b> is chosen on one half of the queries and used on the other: for all, or for each kind of change. <b>Oracle</b> takes the best for each query by looking at the target, so it gains by chance with every path; <b>random turns</b> is the same oracle over random moves of equal size, <b>others' moves</b> over those that the paths give to another query. Only what the oracle has beyond both could come from the query.`,
})}
<details><summary>The same as numbers</summary><div class="card scroll-x" tabindex="0" role="region" aria-label="Recall along other routes"><table class="data-table">
<thead><tr><th scope="col">Routes</th><th scope="col">R@1</th><th scope="col">R@10</th><th scope="col">R@50</th><th scope="col">Mean less its own [95 %]</th></tr></thead>
<tbody>${trials.map(
    ({ name, r1, r10, r50, difference, interval }) =>
      html`<tr><th scope="row">${name}</th>${[r1, r10, r50].map((value) => html`<td>${formatPercent(value)}</td>`)}<td>${formatPoints(difference)} ${formatInterval(interval)}</td></tr>`,
  )}</tbody></table></div></details>`;
}

/** Whether any of it is more than chance, in two sentences. */
function verdict(trials: readonly RouteTrial[]): string {
  const other = trials.find(({ name }) => name === "another query's route");
  const worth =
    other && other.interval.high < 0
      ? `Along another query's route it is ${formatPoints(other.difference)}: routes are the query's own.`
      : "Along another query's route it is no worse beyond chance: routes need not be the query's own.";
  return `${worth} ${gainInWords(trials)}`;
}

function gainInWords(trials: readonly RouteTrial[]): string {
  const isKnowing = ({ name }: RouteTrial) => /: best/.test(name);
  const better = trials.filter((trial) => isKnowing(trial) && trial.interval.low > 0);
  const gain = (name: string) => trials.find((trial) => trial.name === name)?.difference ?? 0;
  const families = trials.flatMap(({ name }) =>
    name.endsWith(": oracle") ? [name.replace(": oracle", "")] : [],
  );
  const beyond = families.filter(
    (family) =>
      gain(`${family}: oracle`) > Math.max(gain(`${family}: random turns`), gain(`${family}: others' moves`)),
  );
  const oracle =
    beyond.length > 0
      ? `the oracle over ${beyond.join(" and ")} routes gains more than its controls`
      : "the oracle gains no more than moves that know nothing of the query";
  return better.length > 0
    ? `Beyond chance is ${better.map(({ name, difference }) => `“${name}” (${formatPoints(difference)})`).join(", ")}; ${oracle}.`
    : `No choice for all queries, or for each kind of change, is better beyond chance; ${oracle}.`;
}

function trialRow({ name, r1, r10, r50, difference, interval }: RouteTrial) {
  const text = [r1, r10, r50].map(formatPercent).join(" · ");
  return { name, mean: difference, values: [], broad: interval, text };
}

function gradientsPart({ batches, parameters, losses }: GradientShares): Html {
  const sizes = losses.map(({ groups }) =>
    Object.values(groups).reduce((sum, { norm }) => sum + norm ** 2, 0),
  );
  return html`<h3>Which loss reaches which part?</h3>
<p class="lead">Gradients of each loss with its weight, on ${countOf(batches, "training batch", "training batches")}.</p>
<div class="card scroll-x" tabindex="0" role="region" aria-label="Gradients by loss and part"><table class="data-table">
<thead><tr><th scope="col">Part</th><th scope="col">Parameters</th>${losses.map(
    ({ loss, value }) => html`<th scope="col">${loss}<br>${formatNumber(value)}</th>`,
  )}</tr></thead>
<tbody>${Object.entries(parameters).map(
    ([group, count]) =>
      html`<tr><th scope="row">${group}</th><td>${formatCount(count)}</td>${losses.map(({ groups }, i) => {
        const { norm, agreement } = groups[group] ?? { norm: 0, agreement: null };
        const part = norm === 0 ? 0 : norm ** 2 / (sizes[i] ?? 1);
        return html`<td><div class="gradient"><span>${formatNumber(norm)}</span><i style="--part: ${(100 * part).toFixed(1)}%"></i><small class="soft">${formatShare(part)}${agreement !== null && html` · agrees ${formatSigned(agreement)}`}</small></div></td>`;
      })}</tr>`,
  )}</tbody></table></div>
<p class="small soft">In the head the loss before its weight. Size of the gradient (root of the mean square over batches), the part's share of the squared size, and how far batches agree: 1 all alike, 0 nothing but noise. Adam divides by a gradient's size, so that what is small still moves its parameters, along with its noise. The teacher of distillation is the run itself, as it is for the first step of an epoch: in the course of an epoch that loss is larger.</p>`;
}

/** Two decimals with a true minus; no zero has a sign. */
function formatSigned(value: number): string {
  const text = Math.abs(value).toFixed(2);
  return value < 0 && Number(text) > 0 ? `−${text}` : text;
}

function followsPart(
  { kindsFrom, information }: RouteInstruments,
  modules: readonly ModuleName[],
  where: string,
): Html {
  const { layers, kinds } = information;
  return html`<h3>Do routes follow the query?</h3>
<p class="lead">How much the route of one of ${where} says about it, in parts of the most that a choice of one module could say.</p>
<div class="card scroll-x" tabindex="0" role="region" aria-label="Information in route weights"><table class="data-table">
<thead><tr><th scope="col">Layer</th><th scope="col">Entropy</th><th scope="col">About the query</th><th scope="col">About the kind of change</th><th scope="col">By chance</th></tr></thead>
<tbody>${layers.map(layerRow)}</tbody></table></div>
${kinds.length > 0 && kindsTable(kinds, modules)}
<p class="small soft">Entropy: 100 % all modules alike, 0 one takes all. About the query: 0 if every query took the same route. Kinds are ${kindsFrom === "attributes" ? "the attributes that the triplet changes" : "frequent words of the text, as the data have no attributes"}; by chance: with kinds dealt out at random.${kinds.length > 0 && " The second table: mean weight of the queries of a kind less that of the others, in percentage points."}</p>`;
}

function layerRow(
  { entropy, aboutQuery, aboutKind, aboutKindByChance }: LayerInformation,
  layer: number,
): Html {
  const cells = [entropy, aboutQuery, aboutKind, aboutKindByChance];
  return html`<tr><th scope="row">layer ${layer + 1}</th>${cells.map((share) => html`<td>${formatPercent(100 * share)} %</td>`)}</tr>`;
}

/** Kinds shown; the most frequent ones. */
const shownKinds = 12;

function kindsTable(kinds: readonly KindRoutes[], modules: readonly ModuleName[]): Html {
  const shown = kinds.slice(0, shownKinds);
  const largest = Math.max(1e-9, ...shown.flatMap(({ shifts }) => shifts.map(Math.abs)));
  return html`<div class="card scroll-x" tabindex="0" role="region" aria-label="Route weights by kind of change"><table class="data-table">
<thead><tr><th scope="col">Asked for</th><th scope="col">Queries</th>${modules.map(({ name }) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${shown.map(
    ({ kind, queries, shifts }) =>
      html`<tr><th scope="row">${kind}</th><td>${formatCount(queries)}</td>${shifts.map((shift) => {
        const tone = shift < 0 ? "var(--series-2)" : "var(--series-1)";
        const strength = ((0.35 * Math.abs(shift)) / largest).toFixed(2);
        return html`<td class="shift" style="--tone: ${tone}; --strength: ${strength}"><span>${formatPoints(100 * shift)}</span></td>`;
      })}</tr>`,
  )}</tbody></table></div>`;
}
