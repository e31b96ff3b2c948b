/** The page of the demo: answers to held-out queries, one query's route, recall and training. */
import type { EvaluationResult } from "../evaluation/result.js";
import { formatCount } from "../number-text.js";
import type { Fact } from "./fact-list.js";
import { countOf, formatDuration, formatPercent } from "./format.js";
import { page, type Section } from "./page.js";
import { queryAnswers } from "./query-answers.js";
import { queryScoreSections } from "./query-scores.js";
import { recallTable } from "./recall-table.js";
import { routeSection } from "./search-page.js";
import { trainingCurves } from "./training-curves.js";
import type { KeyFigure, ModelTraining, QueryAnswer, QueryRoutes } from "./types.js";

export interface DemoPage {
  /** SDFN's first. */
  readonly results: readonly EvaluationResult[];
  readonly trainings: readonly ModelTraining[];
  readonly answers: readonly QueryAnswer[];
  /** How the first of the answers' queries went through the network. */
  readonly routes?: QueryRoutes | undefined;
  readonly seconds: number;
  readonly facts: readonly Fact[];
}

/** The whole document. */
export function demoPage({ results, trainings, answers, routes, seconds, facts }: DemoPage): string {
  const models = results.map(({ model }) => model);
  const [first] = answers;
  const sections: Section[] = [
    {
      id: "answers",
      title: "A picture and a sentence",
      lead: "Queries of garments that were never trained on, drawn at random. The model sees the reference picture and the sentence; the picture marked with a check is the one they were written for.",
      body: queryAnswers(answers),
    },
  ];
  if (routes && first) sections.push(routeSection(routes, { which: "the first of them", text: first.text }));
  sections.push(
    {
      id: "recall",
      title: "How often the right picture is found",
      lead: "Every query of the validation split against all pictures of its category. Most of those are near misses: one attribute away from the target, or from the reference.",
      body: recallTable(results),
    },
    ...(results[0] ? queryScoreSections(results[0]) : []),
    {
      id: "training",
      title: "How training went",
      lead: "All models have the same encoders, data and trainer; the lines differ in how picture and sentence are put together.",
      body: trainingCurves(trainings, { models }),
    },
  );
  return page(
    {
      eyebrow: "SDFN · composed image retrieval",
      title: "This one, but different",
      lead: "A picture and a sentence go in; the picture that matches both comes out. Everything on this page was drawn, trained and measured on this machine just now.",
      figures: figures(results, seconds),
      facts,
    },
    sections,
  );
}

function figures(results: readonly EvaluationResult[], seconds: number): readonly KeyFigure[] {
  const [main, ...others] = results;
  if (!main) return [];
  const categories = Object.values(main.perCategory);
  const queries = categories.reduce((sum, category) => sum + category.queries, 0);
  const gallery = Math.round(
    categories.reduce((sum, category) => sum + category.gallery, 0) / Math.max(1, categories.length),
  );
  const next = others.toSorted((a, b) => b.mean.r10 - a.mean.r10)[0];
  return [
    {
      label: `${main.model}, Recall@10`,
      value: `${formatPercent(main.mean.r10)} %`,
      note: `${countOf(queries, "query", "queries")}, ${formatCount(gallery)} pictures a category`,
    },
    {
      label: `${main.model}, Recall@50`,
      value: `${formatPercent(main.mean.r50)} %`,
      note: `protocol ${main.protocol}`,
    },
    ...(next
      ? [
          {
            label: `${next.model}, Recall@10`,
            value: `${formatPercent(next.mean.r10)} %`,
            note: "the best of the others",
          },
        ]
      : []),
    {
      label: "All of it took",
      value: formatDuration(seconds),
      note: countOf(results.length, "model trained", "models trained"),
    },
  ];
}
