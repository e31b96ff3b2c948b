/** How much route weights say about a query, and about the kind of change that it asks for. */
import type { RouteWeights } from "../../embedding/encoder.js";
import type { Random } from "../../engine/tensor/random.js";

/** One fusion layer's route weights as a distribution over its M modules; every number in parts of ln M. */
export interface LayerInformation {
  /** Mean entropy of a query's weights: 1 all modules alike, 0 one takes all. */
  readonly entropy: number;
  /** What the module tells about the query: entropy of the mean weights less `entropy`. 0: the same route for all. */
  readonly aboutQuery: number;
  /** What it tells about the kind of change; at most `aboutQuery`. */
  readonly aboutKind: number;
  /** The same after kinds were dealt out at random: what small groups tell by chance. */
  readonly aboutKindByChance: number;
}

/** What routes do where a change of one kind is asked for. */
export interface KindRoutes {
  readonly kind: string;
  readonly queries: number;
  /** By module: mean weight of these queries less that of the others, mean over layers and destinations. */
  readonly shifts: readonly number[];
}

/** What routers make of the queries' differences. */
export interface RouteInformation {
  readonly layers: readonly LayerInformation[];
  /** Most frequent first. */
  readonly kinds: readonly KindRoutes[];
}

/** A query's kinds of change, and the route it took. */
export interface RoutedQuery {
  readonly kinds: readonly string[];
  readonly routes: RouteWeights;
}

/** Dealings that "by chance" is the mean of. */
const dealings = 20;

/** Queries with equal sets of kinds are one group. */
export function groupName(kinds: readonly string[]): string {
  return [...new Set(kinds)].sort().join(" + ");
}

/**
 * Mutual information of module and query, and of module and kind: with p_q the weights into a destination,
 *
 *   I(query) = H(mean of p_q) - mean of H(p_q),   I(kind) = H(mean of p_q) - sum over kinds of share · H(mean of the kind's p_q)
 *
 * averaged over destinations. Weights into a destination that do not sum to 1 are divided by their sum.
 * @throws RangeError when there is no query.
 */
export function routeInformation(queries: readonly RoutedQuery[], random: Random): RouteInformation {
  const [first] = queries;
  if (!first) throw new RangeError("routeInformation: there is no query");
  const groups = queries.map(({ kinds }) => groupName(kinds));
  const dealt = Array.from({ length: dealings }, () => random.shuffled(groups));
  const layers = first.routes.map((_, layer) => {
    const columns = queries.map(({ routes }) => destinationColumns(routes[layer] ?? []));
    const chance = dealt.map((names) => informationOf(columns, names));
    return {
      entropy: 1 - informationOf(columns, undefined, "uniform"),
      aboutQuery: informationOf(columns, undefined),
      aboutKind: informationOf(columns, groups),
      aboutKindByChance: chance.reduce((sum, value) => sum + value, 0) / dealings,
    };
  });
  return { layers, kinds: kindRoutes(queries) };
}

/** [M][J] -> for each destination its M shares. */
function destinationColumns(weights: readonly (readonly number[])[]): readonly (readonly number[])[] {
  return (weights[0] ?? []).map((_, j) => {
    const column = weights.map((row) => row[j] ?? 0);
    const total = column.reduce((sum, p) => sum + p, 0);
    return column.map((p) => p / total);
  });
}

/**
 * Mean over destinations of [H(all) - mean of H(group)] / ln M.
 * @param columns by query, by destination.
 * @param groups name of each query's group; each query by itself where there is none.
 * @param all the mean of all, or every module alike.
 */
function informationOf(
  columns: readonly (readonly (readonly number[])[])[],
  groups: readonly string[] | undefined,
  all: "mean" | "uniform" = "mean",
): number {
  const destinationCount = columns[0]?.length ?? 0;
  const moduleCount = columns[0]?.[0]?.length ?? 0;
  if (moduleCount < 2) return 0;
  let total = 0;
  for (let j = 0; j < destinationCount; j += 1) {
    const members = new Map<string, (readonly number[])[]>();
    for (const [i, query] of columns.entries()) {
      const name = groups?.[i] ?? String(i);
      const known = members.get(name);
      if (known) known.push(query[j] ?? []);
      else members.set(name, [query[j] ?? []]);
    }
    const everyone = meanOf([...members.values()].flat());
    const within = [...members.values()].reduce(
      (sum, own) => sum + (own.length / columns.length) * entropyOf(meanOf(own)),
      0,
    );
    total += (all === "uniform" ? Math.log(moduleCount) : entropyOf(everyone)) - within;
  }
  return total / destinationCount / Math.log(moduleCount);
}

function meanOf(columns: readonly (readonly number[])[]): readonly number[] {
  return (columns[0] ?? []).map(
    (_, i) => columns.reduce((sum, column) => sum + (column[i] ?? 0), 0) / columns.length,
  );
}

function entropyOf(shares: readonly number[]): number {
  return shares.reduce((sum, p) => sum - (p > 0 ? p * Math.log(p) : 0), 0);
}

function kindRoutes(queries: readonly RoutedQuery[]): readonly KindRoutes[] {
  const mean = (of: readonly RoutedQuery[]) => meanOf(of.map(({ routes }) => moduleMeans(routes)));
  return [...new Set(queries.flatMap(({ kinds }) => kinds))]
    .map((kind) => {
      const having = queries.filter(({ kinds }) => kinds.includes(kind));
      const others = mean(queries.filter(({ kinds }) => !kinds.includes(kind)));
      const shifts = mean(having).map((weight, i) => weight - (others[i] ?? weight));
      return { kind, queries: having.length, shifts };
    })
    .sort((a, b) => b.queries - a.queries || (a.kind < b.kind ? -1 : 1));
}

/** Mean weight of each module over layers and destinations. */
function moduleMeans(routes: RouteWeights): readonly number[] {
  return meanOf(routes.flatMap((layer) => (layer[0] ?? []).map((_, j) => layer.map((row) => row[j] ?? 0))));
}
