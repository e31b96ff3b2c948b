/** How training went: losses, held-out recall, learning rate, speed and router entropy. */

import { formatCount } from "../number-text.js";
import { type EpochMetrics, lossParts } from "../runs/metrics.js";
import type { Line, LineChartOptions } from "./chart.js";
import { type Curve, curveGrid, maxPoints } from "./curve-figure.js";
import { formatNumber, formatPercent } from "./format.js";
import { type Html, html } from "./html.js";
import { averaged, epochsOf, mean, type Point, stepsOf } from "./training-series.js";
import type { ModelTraining } from "./types.js";

/**
 * A chart for each quantity that any of the models recorded, and a table of the epochs. Steps are
 * averaged in groups, so that a long run stays readable.
 * @param models order of the colours; the trainings' own order by default.
 */
export function trainingCurves(
  trainings: readonly ModelTraining[],
  { models = trainings.map(({ model }) => model) }: { readonly models?: readonly string[] } = {},
): Html {
  const colourOf = (model: string) => Math.max(0, models.indexOf(model));
  const curves = [
    validationRecall(trainings, colourOf),
    totalLoss(trainings, colourOf),
    ...trainings.map(partsOfLoss),
    ...trainings.map(routerEntropy),
    learningRate(trainings, colourOf),
    throughput(trainings, colourOf),
  ];
  return html`${curveGrid(curves)}${epochTable(trainings)}`;
}

type ColourOf = (model: string) => number;

function validationRecall(trainings: readonly ModelTraining[], colourOf: ColourOf): Curve {
  return {
    title: "Recall@10 on held-out training queries",
    note: "Percent, after each epoch. Higher is better.",
    lines: perModel(trainings, colourOf, ({ metrics }) =>
      epochsOf(metrics).flatMap(({ epoch, validation }) =>
        validation ? [[epoch, validation.r10] as const] : [],
      ),
    ).map((line) => ({ ...line, hasDots: true })),
    options: { xName: "epoch", isXWhole: true, yMin: 0, yMax: 100, yInterval: 25 },
    format: (value) => `${formatPercent(value)} percent`,
  };
}

function totalLoss(trainings: readonly ModelTraining[], colourOf: ColourOf): Curve {
  return {
    title: "Training loss",
    note: "The sum that is minimised, averaged over neighbouring steps.",
    lines: perModel(trainings, colourOf, ({ metrics }) =>
      stepsOf(metrics).map(({ step, loss }) => [step, loss.total]),
    ),
    options: { ...stepAxis(trainings), yMin: 0 },
  };
}

/** Only for a model with more than one part: the others' total says it all. */
function partsOfLoss({ model, metrics }: ModelTraining): Curve {
  const steps = stepsOf(metrics);
  const names = [...new Set(steps.flatMap(({ loss }) => lossParts(loss).map(([name]) => name)))];
  const lines = names
    .map((name) => ({ name, points: steps.map(({ step, loss }): Point => [step, loss[name] ?? 0]) }))
    .map(({ name, points }) => ({ name, points: points.filter(([, value]) => value > 0) }))
    .filter(({ points }) => points.length > 0)
    .map(({ name, points }, colourIndex) => ({ name, colourIndex, points: averaged(points, maxPoints) }));
  return {
    title: `Parts of ${model}'s loss`,
    note: "Before their weights λ; logarithmic, as they differ by orders of magnitude.",
    lines: lines.length < 2 ? [] : lines,
    options: { ...stepAxis([{ model, metrics }]), isYLog: true },
  };
}

function routerEntropy({ model, metrics }: ModelTraining): Curve {
  const epochs = epochsOf(metrics);
  const layerCount = Math.max(0, ...epochs.map(({ routerEntropy = [] }) => routerEntropy.length));
  return {
    title: `How undecided ${model}'s routers are`,
    note: "Entropy of the route weights: 1 means all modules alike, 0 means one takes all.",
    lines: Array.from({ length: layerCount }, (_, layer) => ({
      name: `layer ${layer + 1}`,
      colourIndex: layer,
      hasDots: true,
      points: epochs.flatMap(({ epoch, routerEntropy = [] }): Point[] => {
        const entropy = routerEntropy[layer];
        return entropy === undefined ? [] : [[epoch, entropy]];
      }),
    })),
    options: { xName: "epoch", isXWhole: true, yMin: 0, yMax: 1, yInterval: 0.25 },
  };
}

function learningRate(trainings: readonly ModelTraining[], colourOf: ColourOf): Curve {
  return {
    title: "Learning rate",
    note: "Warm-up, then the schedule of the configuration.",
    lines: perModel(trainings, colourOf, ({ metrics }) =>
      stepsOf(metrics).map(({ step, learningRate: rate }) => [step, rate]),
    ),
    options: { ...stepAxis(trainings), yMin: 0 },
  };
}

function throughput(trainings: readonly ModelTraining[], colourOf: ColourOf): Curve {
  return {
    title: "Images per second",
    note: "References and targets, averaged over neighbouring steps.",
    lines: perModel(trainings, colourOf, ({ metrics }) =>
      stepsOf(metrics).map(({ step, imagesPerSecond }) => [step, imagesPerSecond]),
    ),
    options: { ...stepAxis(trainings), yMin: 0 },
  };
}

/** From 0 to the last step, so that averaging does not move the ends. */
function stepAxis(trainings: readonly ModelTraining[]): Pick<LineChartOptions, "xName" | "xMin" | "xMax"> {
  const last = trainings.map(({ metrics }) => stepsOf(metrics).at(-1)?.step ?? 0);
  return { xName: "step", xMin: 0, xMax: Math.max(1, ...last) };
}

function perModel(
  trainings: readonly ModelTraining[],
  colourOf: ColourOf,
  pointsOf: (training: ModelTraining) => readonly Point[],
): readonly Line[] {
  return trainings
    .map((training) => ({
      name: training.model,
      colourIndex: colourOf(training.model),
      points: averaged(pointsOf(training), maxPoints),
    }))
    .filter(({ points }) => points.length > 0);
}

function epochTable(trainings: readonly ModelTraining[]): Html | undefined {
  const rows = trainings.flatMap(({ model, metrics }) =>
    epochsOf(metrics).map((epoch) => ({ model, epoch, metrics })),
  );
  if (rows.length === 0) return undefined;
  const head = [
    "Model",
    "Epoch",
    "Steps",
    "Loss",
    "R@1",
    "R@10",
    "R@50",
    "Queries",
    "Gallery",
    "Images/s",
    "Seconds",
  ];
  return html`<details class="curves-table"><summary>All epochs as a table</summary>
<div class="card scroll-x" tabindex="0" role="region" aria-label="All epochs"><table class="data-table">
<thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map(
    ({ model, epoch, metrics }) =>
      html`<tr><th scope="row">${model}</th>${epochCells(epoch, {
        imagesPerSecond: mean(
          stepsOf(metrics)
            .filter((step) => step.epoch === epoch.epoch)
            .map((step) => step.imagesPerSecond),
        ),
      })}</tr>`,
  )}</tbody>
</table></div></details>`;
}

function epochCells(
  { epoch, step, loss, validation, seconds }: EpochMetrics,
  { imagesPerSecond }: { readonly imagesPerSecond: number },
): readonly Html[] {
  const percent = (value: number | undefined) => (value === undefined ? "–" : formatPercent(value));
  const count = (value: number | undefined) =>
    value === undefined || Number.isNaN(value) ? "–" : formatCount(value);
  return [
    String(epoch),
    formatCount(step),
    formatNumber(loss.total),
    percent(validation?.r1),
    percent(validation?.r10),
    percent(validation?.r50),
    count(validation?.queries),
    count(validation?.gallery),
    count(imagesPerSecond),
    seconds.toFixed(1),
  ].map((cell) => html`<td>${cell}</td>`);
}
