/** The way of a query through the layers, drawn as a flow. */
import { formatPercent } from "../words.js";
import { type Band, type FlowLayout, layOut } from "./flow-layout.js";
import { moduleWords } from "./modules.js";
import { leadSentence, moduleShares, type Routes, rankedModules } from "./route-shares.js";
import { useWidth } from "./use-width.js";

/** Width of a column; in narrower ones the modules have no names, which stand in the list below. */
const roomForNamesPx = 130;
const seriesCount = 6;

interface RouteFlowProps {
  readonly routes: Routes;
  readonly modules: readonly string[];
}

export function RouteFlow({ routes, modules }: RouteFlowProps) {
  const [ref, widthPx] = useWidth<HTMLDivElement>();
  const ranked = rankedModules(routes, modules);
  return (
    <section className="how-part" aria-labelledby="route-title">
      <h3 id="route-title">The way your search took</h3>
      <p className="soft small">
        Picture and words went through {routes.length === 1 ? "one layer" : `${routes.length} layers`} from
        left to right. Each has {modules.length} ways of working, and the search decides anew for each query
        how much every way counts. The thicker a band, the more of the answer came along it.
      </p>
      <div ref={ref}>
        {widthPx > 0 && (
          <Drawing
            layout={layOut(routes, { widthPx, flowPx: hasRoom(widthPx, routes.length) ? 190 : 150 })}
            modules={modules}
            layerCount={routes.length}
            label={leadSentence(routes, modules)}
          />
        )}
      </div>
      <dl className="ways">
        {ranked.map(({ module, share }) => {
          const { name, title, meaning } = moduleWords(module);
          return (
            <div key={module}>
              <dt>
                <span className={`swatch ${colourOf(modules.indexOf(module))}`} aria-hidden="true" />
                {title}
                {name !== title && <small>{name}</small>}
                <strong>{formatPercent(share)}</strong>
              </dt>
              {meaning !== "" && <dd className="small soft">{meaning}</dd>}
            </div>
          );
        })}
      </dl>
      <details className="numbers">
        <summary>The numbers</summary>
        <ShareTable routes={routes} modules={modules} />
      </details>
    </section>
  );
}

function hasRoom(widthPx: number, layerCount: number): boolean {
  return widthPx / (layerCount + 1) >= roomForNamesPx;
}

interface DrawingProps {
  readonly layout: FlowLayout;
  readonly modules: readonly string[];
  readonly layerCount: number;
  readonly label: string;
}

function Drawing({ layout, modules, layerCount, label }: DrawingProps) {
  const { widthPx, heightPx, boxWidthPx, start, end, bands } = layout;
  const hasNames = hasRoom(widthPx, layerCount);
  const layers = Array.from({ length: layerCount }, (_, layer) => layer);
  return (
    <svg className="flow" viewBox={`0 0 ${widthPx} ${heightPx}`} role="img" aria-label={label}>
      {bands.map((band) => (
        <path
          key={`${placeName(band.from, modules)} ${placeName(band.to, modules)}`}
          d={band.path}
          className={`band ${band.module === undefined ? "from-picture" : colourOf(band.module)}`}
        >
          <title>{bandText(band, modules)}</title>
        </path>
      ))}
      <rect className="flow-end" x={start.x} y={start.y} width={boxWidthPx} height={start.heightPx} rx="3" />
      <rect className="flow-end" x={end.x} y={end.y} width={boxWidthPx} height={end.heightPx} rx="3" />
      <text x="0" y="14" className="flow-head">
        {hasNames ? "Your picture" : "Picture"}
      </text>
      <text x={widthPx} y="14" className="flow-head last">
        {hasNames ? "What is searched for" : "Search"}
      </text>
      {layers.map((layer) => {
        const x = layout.modules.find((box) => box.layer === layer)?.x ?? 0;
        return (
          <text key={layer} x={x + boxWidthPx / 2} y="14" className="flow-head middle">
            {hasNames ? `Layer ${layer + 1}` : layer + 1}
          </text>
        );
      })}
      {layout.modules.map(({ layer, module, share, x, y, heightPx: boxPx }) => (
        <g key={`${layer} ${module}`}>
          <rect
            className={colourOf(module)}
            x={x}
            y={y}
            width={boxWidthPx}
            height={Math.max(1, boxPx)}
            rx="3"
          />
          {/* Beside a low box, the share keeps clear of the name above. */}
          <text x={x + boxWidthPx + 5} y={y + Math.max(boxPx / 2 + 4, 9)} className="flow-share">
            {formatPercent(share)}
          </text>
          {hasNames && (
            <text x={x + boxWidthPx / 2} y={y - 6} className="flow-name">
              {moduleWords(modules[module] ?? "").title}
            </text>
          )}
        </g>
      ))}
    </svg>
  );
}

function ShareTable({ routes, modules }: RouteFlowProps) {
  const layers = moduleShares(routes).map((shares, index) => ({ shares, number: index + 1 }));
  return (
    <div className="scroll-x">
      <table>
        <caption className="small soft">Share of the answer that came through each way, by layer</caption>
        <thead>
          <tr>
            <th scope="col">Way</th>
            {layers.map(({ number }) => (
              <th scope="col" key={number}>
                Layer {number}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {modules.map((module, i) => (
            <tr key={module}>
              <th scope="row">{moduleWords(module).title}</th>
              {layers.map(({ number, shares }) => (
                <td key={number}>{formatPercent(shares[i] ?? 0)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function bandText({ from, to, share }: Band, modules: readonly string[]): string {
  return `${placeName(from, modules)} → ${placeName(to, modules)}: ${formatPercent(share)} of the answer`;
}

function placeName(place: Band["from"] | Band["to"], modules: readonly string[]): string {
  if (place === "picture") return "Your picture";
  if (place === "query") return "What is searched for";
  return `Layer ${place.layer + 1}, ${moduleWords(modules[place.module] ?? "").title}`;
}

function colourOf(module: number): string {
  return `series-${(module % seriesCount) + 1}`;
}
