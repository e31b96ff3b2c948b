/** What a run's routers did: weights over the epochs, and their spread over the evaluated queries. */
import type { RouteStatistics } from "../embedding/route-statistics.js";
import type { Metrics } from "../runs/metrics.js";
import { type Curve, curveGrid } from "./curve-figure.js";
import { type Html, html } from "./html.js";
import { epochsOf, type Point } from "./training-series.js";
import type { ModuleName } from "./types.js";

export interface RunRouters {
  /** M modules, in the order of the weights. */
  readonly modules: readonly ModuleName[];
  readonly metrics: readonly Metrics[];
  /** By layer, over the evaluated queries; absent without an evaluation. */
  readonly statistics?: readonly RouteStatistics[] | undefined;
}

/** Nothing where neither epochs nor an evaluation recorded routes. */
export function runRouters({ modules, metrics, statistics = [] }: RunRouters): Html | undefined {
  const curves = routeCurves(modules, metrics);
  if (curves.length === 0 && statistics.length === 0) return undefined;
  return html`${curveGrid(curves)}${statistics.length > 0 && spreadTable(modules, statistics)}`;
}

function routeCurves(modules: readonly ModuleName[], metrics: readonly Metrics[]): readonly Curve[] {
  const epochs = epochsOf(metrics);
  const layerCount = Math.max(0, ...epochs.map(({ routeWeights = [] }) => routeWeights.length));
  return Array.from({ length: layerCount }, (_, layer) => ({
    title: `Route weights of layer ${layer + 1}`,
    note: "Mean over destinations and held-out queries (some trained on, where none are held out), after each epoch.",
    lines: modules.map(({ name }, module) => ({
      name,
      colourIndex: module,
      hasDots: true,
      points: epochs.flatMap(({ epoch, routeWeights = [] }): Point[] => {
        const weight = routeWeights[layer]?.[module];
        return weight === undefined ? [] : [[epoch, weight]];
      }),
    })),
    options: { xName: "epoch", isXWhole: true, yMin: 0, yMax: 1, yInterval: 0.25 },
  }));
}

function spreadTable(modules: readonly ModuleName[], statistics: readonly RouteStatistics[]): Html {
  return html`<h3 style="margin: 1.75rem 0 0.75rem">Over the evaluated queries</h3>
<div class="card scroll-x" tabindex="0" role="region" aria-label="Route weights by layer and module"><table class="data-table">
<thead><tr><th scope="col">Layer</th>${modules.map(({ name }) => html`<th scope="col">${name}</th>`)}<th scope="col">Entropy</th></tr></thead>
<tbody>${statistics.map(
    ({ weights, deviations, entropy }, layer) =>
      html`<tr><th scope="row">layer ${layer + 1}</th>${weights.map(
        (weight, module) =>
          html`<td>${weight.toFixed(3)}<small class="soft"> ± ${(deviations[module] ?? 0).toFixed(3)}</small></td>`,
      )}<td>${entropy.toFixed(3)}</td></tr>`,
  )}</tbody></table></div>
<p class="small soft" style="margin-top: 0.75rem">Mean weight ± how far it lies from its mean from query to query: 0 would be a router that does not look at the query. Entropy: 1 means all modules alike, 0 means one takes all.</p>`;
}
