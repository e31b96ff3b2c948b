/** How one query went through the fusion network, as a diagram that reads across or, on a phone, down. */
import { formatShare } from "./format.js";
import { type Html, html } from "./html.js";
import { describeShares, moduleShares } from "./route-flow.js";
import { type Box, type Layout, placeNodes, routeCurve } from "./route-layout.js";
import { seriesColour } from "./theme.js";
import type { ModuleName, QueryRoutes } from "./types.js";

export const routeDiagramCss = `
.routes { padding: 1.25rem; display: grid; gap: 1rem; margin: 0; }
.routes svg { width: 100%; height: auto; display: block; }
.routes .narrow-only svg { max-width: 26rem; margin-inline: auto; }
.routes text { fill: var(--ink); font-family: inherit; text-anchor: middle; }
.routes .meaning { fill: var(--ink-soft); }
.routes .weight, .routes .layer-name { paint-order: stroke; stroke: var(--surface); stroke-width: 4px; stroke-linejoin: round; }
.routes .weight { font-weight: 600; }
.routes .box { fill: var(--surface); stroke-width: 1.5; }
.routes .end { fill: var(--sunken); stroke: var(--line-strong); }
.routes .layer-name { fill: var(--ink-soft); }
@media (max-width: 44rem) { .routes { padding: 1rem 0.75rem; } }
.routes-tables { display: grid; gap: 1.25rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
.routes-tables caption { font-weight: 600; font-size: 0.9rem; padding-bottom: 0.25rem; }
`;

/**
 * Layers as columns (rows on a phone), operation modules as boxes. A line is as wide as its route
 * weight; a box says which share of the query embedding came through it; every weight is in the
 * tables below.
 * @throws ShapeError when the weights do not fit the modules.
 */
export function routeDiagram(routes: QueryRoutes): Html {
  const words = describeShares(routes, { format: formatShare });
  const description = `Route of the query from the reference picture to the query embedding: ${words.join("; ")}.`;
  return html`<figure class="card routes">
<div class="wide-only">${diagram(routes, { description, direction: "across" })}</div>
<div class="narrow-only">${diagram(routes, { description, direction: "down" })}</div>
<figcaption class="small soft">A line is as wide as its route weight, and the strongest into each box carries its number. The percentage in a box is the share of the query embedding that came through it; a layer’s boxes add up to 100 %.</figcaption>
<details><summary>All route weights</summary><div class="routes-tables">${routes.weights.map((_, layer) => weightTable(routes, layer))}</div></details>
</figure>`;
}

interface DiagramOptions {
  readonly description: string;
  readonly direction: Layout["direction"];
}

function diagram({ modules, weights }: QueryRoutes, { description, direction }: DiagramOptions): Html {
  const shares = moduleShares({ modules, weights });
  const layout = placeNodes({ direction, layerCount: weights.length, moduleCount: modules.length });
  const boxOf = (layer: number, index: number) => layout.modules[layer]?.[index] ?? layout.end;
  const strongest = Math.max(...weights.flat(2));
  const routes = weights.flatMap((sources, layer) =>
    sources.flatMap((row, source) =>
      row.map((weight, destination) => ({ weight, layer, source, destination })),
    ),
  );
  const curves = routes
    .toSorted((a, b) => a.weight - b.weight)
    .map(({ weight, layer, source, destination }) => {
      const { path } = routeCurve(boxOf(layer, source), boxOf(layer + 1, destination), direction);
      const width = 0.8 + weight * layout.widestRoute;
      const opacity = 0.12 + 0.68 * (weight / strongest);
      return html`<path d="${path}" fill="none" stroke="${seriesColour(source)}" stroke-width="${width.toFixed(1)}" stroke-opacity="${opacity.toFixed(2)}"/>`;
    });
  const labels = routes
    .filter(({ layer, destination, weight }) => {
      const into = (weights[layer] ?? []).map((row) => row[destination] ?? 0);
      return layer === weights.length - 1 || weight === Math.max(...into);
    })
    .map(({ weight, layer, source, destination }) => {
      const curve = routeCurve(boxOf(layer, source), boxOf(layer + 1, destination), direction);
      const { x, y } = curve.at(layer === weights.length - 1 ? 0.3 : 0.8);
      return html`<text class="weight" x="${x.toFixed(1)}" y="${(y + 4).toFixed(1)}" font-size="${layout.fontPx - 1}">${formatShare(weight)}</text>`;
    });
  const starts = (layout.modules[0] ?? []).map(
    (box) =>
      html`<path d="${routeCurve(layout.start, box, direction).path}" fill="none" stroke="var(--line-strong)" stroke-width="1.5" stroke-dasharray="3 4"/>`,
  );
  return html`<svg viewBox="0 0 ${layout.widthPx} ${layout.heightPx}" role="img" aria-label="${description}">
${starts}${curves}${labels}
${layout.modules.flatMap((boxes, layer) =>
  boxes.map((box, index) =>
    moduleBox(box, { module: modules[index], index, share: shares[layer]?.[index] ?? 0, layout }),
  ),
)}
${endBox(layout.start, ["reference", "picture"], layout)}${endBox(layout.end, ["query", "embedding"], layout)}
${layout.layerNames.map(({ x, y }, layer) => html`<text class="layer-name" x="${x}" y="${y}" font-size="${layout.fontPx - 1}">layer ${layer + 1}</text>`)}
</svg>`;
}

interface ModuleBoxOptions {
  readonly module: ModuleName | undefined;
  readonly index: number;
  readonly share: number;
  readonly layout: Layout;
}

function moduleBox(box: Box, { module, index, share, layout }: ModuleBoxOptions): Html {
  const { x, y, widthPx, heightPx } = box;
  const [left, top] = [x - widthPx / 2, y - heightPx / 2];
  const name = module?.name ?? "";
  const [first = "", ...others] = (module?.meaning ?? "").split(" ");
  const isAcross = layout.direction === "across";
  const titles = isAcross ? [`${name} · ${formatShare(share)}`] : [name, formatShare(share)];
  const meanings = isAcross ? [[first, ...others].join(" ")] : [first, others.join(" ")];
  const small = layout.fontPx - 1.5;
  const titlePx = layout.fontPx + 3;
  const titlesEnd = top + 4 + titles.length * titlePx;
  return html`<g><rect class="box" x="${left}" y="${top}" width="${widthPx}" height="${heightPx}" rx="9" stroke="${seriesColour(index)}"/>
<rect x="${left + 8}" y="${top + heightPx - 8}" width="${((widthPx - 16) * share).toFixed(1)}" height="3" rx="1.5" fill="${seriesColour(index)}"/>
${titles.map((line, row) => html`<text x="${x}" y="${top + 4 + (row + 1) * titlePx}" font-size="${layout.fontPx + 1}" font-weight="650">${line}</text>`)}
${meanings.map((line, row) => html`<text class="meaning" x="${x}" y="${titlesEnd + 1 + (row + 1) * (small + 3)}" font-size="${small}">${line}</text>`)}</g>`;
}

function endBox(
  { x, y, widthPx, heightPx }: Box,
  words: readonly [string, string],
  { fontPx, direction }: Layout,
): Html {
  const lines = direction === "across" ? words : [words.join(" ")];
  return html`<rect class="box end" x="${x - widthPx / 2}" y="${y - heightPx / 2}" width="${widthPx}" height="${heightPx}" rx="${Math.min(heightPx / 2, 18)}"/>
${lines.map((line, row) => html`<text x="${x}" y="${y + fontPx * 0.35 + (row - (lines.length - 1) / 2) * (fontPx + 3)}" font-size="${fontPx}" font-weight="600">${line}</text>`)}`;
}

function weightTable({ modules, weights }: QueryRoutes, layer: number): Html {
  const isLast = layer === weights.length - 1;
  const destinations = isLast ? ["query embedding"] : modules.map(({ name }) => name);
  return html`<div class="scroll-x" tabindex="0" role="region" aria-label="Weights of layer ${layer + 1}"><table class="data-table"><caption>From layer ${layer + 1} to ${isLast ? "the query embedding" : `layer ${layer + 2}`}</caption>
<thead><tr><th scope="col">From</th>${destinations.map((name) => html`<th scope="col">${isLast ? name : `to ${name}`}</th>`)}</tr></thead>
<tbody>${(weights[layer] ?? []).map(
    (row, source) =>
      html`<tr><th scope="row">${modules[source]?.name ?? ""}</th>${row.map((weight) => html`<td>${formatShare(weight)}</td>`)}</tr>`,
  )}</tbody></table></div>`;
}
