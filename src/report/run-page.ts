/** The page of one run: training, recall, where it fails, routers, data and configuration. */
import type { ImageProblem } from "../data/presence/check-images.js";
import type { RouteStatistics } from "../embedding/route-statistics.js";
import type { SeedEvaluation } from "../evaluation/comparison.js";
import type { SplitSummary } from "../evaluation/dataset-summary.js";
import type { RunInstruments } from "../evaluation/instruments/run-instruments.js";
import { headlines, metricTitle } from "../evaluation/metrics.js";
import { formatCount } from "../number-text.js";
import type { Metrics } from "../runs/metrics.js";
import { type Fact, factTable } from "./fact-list.js";
import { countOf, formatDuration, formatPercent } from "./format.js";
import { type Html, html } from "./html.js";
import { page, type Section } from "./page.js";
import { queryAnswers } from "./query-answers.js";
import { queryScoreSections } from "./query-scores.js";
import { recallTable } from "./recall-table.js";
import { chosenEpoch, type RecordedRun, runFacts } from "./run-facts.js";
import { runFailures } from "./run-failures.js";
import { runInstruments } from "./run-instruments.js";
import { runRouters } from "./run-routers.js";
import { routeSection } from "./search-page.js";
import { trainingCurves } from "./training-curves.js";
import { epochsOf } from "./training-series.js";
import { countsTable } from "./triplet-samples.js";
import type { KeyFigure, ModuleName, QueryAnswer, QueryRoutes } from "./types.js";

/** What an evaluation adds to the page. */
export interface RunEvaluation extends SeedEvaluation {
  /** Low ranks with the clearest lead, and high ranks. */
  readonly best: readonly QueryAnswer[];
  readonly worst: readonly QueryAnswer[];
  /** By layer; empty for models without routers. */
  readonly routeStatistics: readonly RouteStatistics[];
  /** How the first of the best queries went through the network. */
  readonly routes?: QueryRoutes | undefined;
}

export interface RunPage {
  readonly runDir: string;
  readonly model: string;
  readonly manifest: RecordedRun;
  readonly metrics: readonly Metrics[];
  /** Operation modules, in the order of the route weights; empty for models without. */
  readonly modules: readonly ModuleName[];
  /** Images of the training split that could not be used. */
  readonly unusable: readonly ImageProblem[];
  readonly data?: readonly SplitSummary[] | undefined;
  readonly evaluation?: RunEvaluation | undefined;
  /** Undefined where the run was not looked into. */
  readonly instruments?: RunInstruments | undefined;
  readonly facts: readonly Fact[];
}

/** The whole document. */
export function runPage(content: RunPage): string {
  const { model, manifest, metrics, evaluation, data, facts } = content;
  const routers = runRouters({ ...content, statistics: evaluation?.routeStatistics });
  const sections: Section[] = [
    {
      id: "training",
      title: "How training went",
      lead: chosenEpoch(manifest),
      body: html`${warnings(metrics)}${trainingCurves([{ model, metrics }])}`,
    },
    ...(evaluation ? evaluationSections(evaluation) : []),
  ];
  if (routers) {
    sections.push({
      id: "routers",
      title: "What the routers do",
      lead: "How much each operation module gives to the next layer.",
      body: routers,
    });
  }
  if (content.instruments) {
    sections.push({
      id: "instruments",
      title: "Instruments",
      lead: "What is behind the figures: nothing was trained for this, and no split that results are reported on was looked at.",
      body: runInstruments(content.instruments, content.modules),
    });
  }
  const [answer] = evaluation?.best ?? [];
  if (evaluation?.routes && answer) {
    sections.push(
      routeSection(evaluation.routes, { which: "the first of the best queries", text: answer.text }),
    );
  }
  sections.push(
    { id: "data", title: "Data", body: dataTables(content, data) },
    {
      id: "configuration",
      title: "Configuration",
      body: factTable(
        Object.entries(manifest.config).map(([name, value]): Fact => [name, JSON.stringify(value)]),
      ),
    },
  );
  return page(
    {
      eyebrow: "SDFN · a run",
      title: `${model}, ${manifest.status} after ${countOf(manifest.step, "step")}`,
      lead: content.runDir,
      figures: figures(content),
      facts: [...runFacts(manifest), ...facts],
    },
    sections,
  );
}

function evaluationSections({ result, ranks, best, worst }: RunEvaluation): readonly Section[] {
  return [
    {
      id: "recall",
      title: "How often the right picture is found",
      body: recallTable([result]),
    },
    ...queryScoreSections(result),
    {
      id: "failures",
      title: "Where queries fail",
      body: runFailures(ranks),
    },
    {
      id: "worst",
      title: "The worst queries",
      lead: "The highest rank of the target, in turn from each category.",
      body: queryAnswers(worst),
    },
    {
      id: "best",
      title: "The best queries",
      lead: "The target is first, with the widest lead in cosine, in turn from each category.",
      body: best.length > 0 ? queryAnswers(best) : html`<p>No target came first.</p>`,
    },
  ];
}

/** What training found odd. */
function warnings(metrics: readonly Metrics[]): Html | false {
  const lines = epochsOf(metrics).flatMap(({ epoch, warnings: found = [] }) =>
    found.map((text) => `epoch ${epoch}: ${text}`),
  );
  return lines.length > 0 && html`<ul class="small">${lines.map((line) => html`<li>${line}</li>`)}</ul>`;
}

/** Unusable images that the page names; the run's own file has all. */
const listedImages = 20;

function dataTables({ unusable, manifest }: RunPage, data: readonly SplitSummary[] | undefined): Html {
  const counts = data?.flatMap(({ split, perCategory }) =>
    Object.entries(perCategory).map(([category, { queries, images, emptyCaptions, targetIsReference }]) => [
      `${split}, ${category}`,
      ...[queries, images, emptyCaptions, targetIsReference].map(formatCount),
    ]),
  );
  return html`${counts && countsTable(["Split, category", "Queries", "Images", "Empty captions", "Target is reference"], counts)}
<p class="small soft" style="margin: 1rem 0">${unusable.length === 0 ? "Every image that training asked for could be used." : `${countOf(unusable.length, "image")} could not be used; what needed them was left out of training.`}${heldOut(manifest)}${unseen(manifest)}</p>
${
  unusable.length > 0 &&
  countsTable(
    ["Image", "State", "Reason"],
    [
      ...unusable.slice(0, listedImages).map(({ id, state, reason }) => [id, state, reason]),
      ...(unusable.length > listedImages
        ? [[`and ${formatCount(unusable.length - listedImages)} more`, "", ""]]
        : []),
    ],
  )
}`;
}

/** The held-out triplets, in words. */
function heldOut({ heldOut: held }: RecordedRun): string {
  if (held === undefined || held.triplets === 0) return "";
  const neither = held.leftOut > 0 ? `, and ${formatCount(held.leftOut)} more are in neither part` : "";
  return ` ${countOf(held.triplets, "triplet")} of train were held out by ${held.by}${neither}.`;
}

/** Words whose vectors never got a gradient. */
function unseen({ unseenWords, step }: RecordedRun): string {
  if (unseenWords === undefined) return "";
  const { count, words } = unseenWords;
  const more = count > words.length ? ", ..." : "";
  return ` No batch of the ${countOf(step, "step")} had ${countOf(count, "word")} of the vocabulary, so that their vectors are as they began: ${words.join(", ")}${more}.`;
}

function figures({ metrics, evaluation, manifest }: RunPage): readonly KeyFigure[] {
  const last = epochsOf(metrics).at(-1);
  const { result } = evaluation ?? {};
  return [
    ...(result
      ? headlines(result.compared.of).map((name, i) => ({
          label: metricTitle(name),
          value: `${formatPercent(result.mean[name] ?? 0)} %`,
          note: i === 0 ? `${result.split}, protocol ${result.protocol}` : "mean over categories",
        }))
      : []),
    ...(last?.validation
      ? [
          {
            label: "Held-out Recall@10",
            value: `${formatPercent(last.validation.r10)} %`,
            note: `${countOf(last.validation.queries, "query", "queries")} kept out of training`,
          },
        ]
      : []),
    { label: "Trained for", value: formatDuration(manifest.seconds), note: manifest.status },
  ];
}
