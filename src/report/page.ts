/** A report as one self-contained HTML file: no script, no address outside the file. */

import { barFigureCss } from "./bar-figure.js";
import { costSectionCss } from "./cost-section.js";
import { curvesCss } from "./curve-figure.js";
import { type Fact, factList, factTableCss } from "./fact-list.js";
import { type Html, html, trustedHtml } from "./html.js";
import { intervalChartCss } from "./interval-chart.js";
import { queryAnswersCss } from "./query-answers.js";
import { recallTableCss } from "./recall-table.js";
import { routeDiagramCss } from "./route-diagram.js";
import { runFailuresCss } from "./run-failures.js";
import { runInstrumentsCss } from "./run-instruments.js";
import { frameCss, themeCss } from "./theme.js";
import { tripletSamplesCss } from "./triplet-samples.js";
import type { KeyFigure } from "./types.js";

/** One part of a page, with an entry in its table of contents. */
export interface Section {
  /** Anchor: letters, digits and dashes. */
  readonly id: string;
  readonly title: string;
  /** A sentence or two on how to read what follows. */
  readonly lead?: string;
  readonly body: Html;
}

/** What stands above and below the sections. */
export interface PageFrame {
  readonly title: string;
  /** A few words above the title. */
  readonly eyebrow?: string;
  /** What the page shows, in a sentence or two. */
  readonly lead?: string;
  readonly figures?: readonly KeyFigure[];
  /** At the foot: seed, commit, date. */
  readonly facts?: readonly Fact[];
}

const css = [
  themeCss,
  frameCss,
  queryAnswersCss,
  routeDiagramCss,
  recallTableCss,
  costSectionCss,
  barFigureCss,
  curvesCss,
  tripletSamplesCss,
  intervalChartCss,
  factTableCss,
  runFailuresCss,
  runInstrumentsCss,
].join("");

/** The whole document. */
export function page(frame: PageFrame, sections: readonly Section[]): string {
  const { title, eyebrow, lead, figures = [], facts = [] } = frame;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="sdfn">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${trustedHtml(css)}</style>
</head>
<body>
<header class="wrap hero">
${eyebrow !== undefined && html`<p class="eyebrow">${eyebrow}</p>`}
<h1>${title}</h1>
${lead !== undefined && html`<p class="lead">${lead}</p>`}
${figures.length > 0 && html`<dl class="figures">${figures.map(figureTile)}</dl>`}
</header>
${sections.length > 1 && contents(sections)}
<main class="wrap">
${sections.map(sectionElement)}
</main>
${facts.length > 0 && html`<footer class="wrap foot">${factList(facts)}</footer>`}
</body>
</html>
`.markup;
}

function figureTile({ label, value, note }: KeyFigure): Html {
  return html`<div class="card figure-tile"><dt>${label}</dt><dd class="value">${value}</dd>${
    note !== undefined && html`<dd class="note">${note}</dd>`
  }</div>`;
}

function contents(sections: readonly Section[]): Html {
  const links = sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`);
  return html`<nav class="contents" aria-label="Contents"><div class="wrap"><ul>${links}</ul></div></nav>`;
}

function sectionElement({ id, title, lead, body }: Section): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title">
<div class="section-head"><h2 id="${id}-title">${title}</h2>${lead !== undefined && html`<p class="lead">${lead}</p>`}</div>
${body}
</section>
`;
}
