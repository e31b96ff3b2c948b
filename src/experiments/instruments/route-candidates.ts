/** Routes to try in place of a model's own. */
import type { RouteWeights } from "../../embedding/encoder.js";
import type { Random } from "../../engine/tensor/random.js";

/** Paths of one module a layer; beyond this number they are drawn. */
const maxPaths = 64;

/** How many candidates `onePathRoutes` gives for routes of this shape. */
export function pathCount(like: RouteWeights): number {
  return Math.min(maxPaths, allPaths(like));
}

/** M^L */
function allPaths(like: RouteWeights): number {
  return like.reduce((product, layer) => product * layer.length, 1);
}

/** Candidates, and whether they are all that there are. */
export interface Paths {
  readonly routes: readonly RouteWeights[];
  readonly isExhaustive: boolean;
}

/**
 * Routes that take the output of one module in each layer. With M modules and L layers there are M^L that differ: the last
 * layer has one destination, so that of each layer before it one destination counts. All of them, or `maxPaths` drawn ones.
 * @param like a route of the model, for its shape.
 */
export function onePathRoutes(like: RouteWeights, random: Random): Paths {
  const total = allPaths(like);
  const isExhaustive = total <= maxPaths;
  const numbers = new Set<number>();
  while (numbers.size < pathCount(like)) {
    numbers.add(isExhaustive ? numbers.size : random.integer(total));
  }
  const routes = [...numbers].map((number) => {
    let left = number;
    return like.map((layer) => {
      const chosen = left % layer.length;
      left = Math.floor(left / layer.length);
      return layer.map((row, source) => row.map(() => (source === chosen ? 1 : 0)));
    });
  });
  return { routes, isExhaustive };
}

/** Every module alike. */
export function equalRoute(like: RouteWeights): RouteWeights {
  return like.map((layer) => layer.map((row) => row.map(() => 1 / layer.length)));
}

/** Mean of routes, weight by weight. @throws RangeError when there is none. */
export function meanRoute(routes: readonly RouteWeights[]): RouteWeights {
  const [first] = routes;
  if (!first) throw new RangeError("meanRoute: there is no route");
  return first.map((layer, l) =>
    layer.map((row, i) =>
      row.map((_, j) => routes.reduce((sum, route) => sum + (route[l]?.[i]?.[j] ?? 0), 0) / routes.length),
    ),
  );
}

/** The middle of two routes. */
export function halfWay(a: RouteWeights, b: RouteWeights): RouteWeights {
  return meanRoute([a, b]);
}

/** Unit query embeddings as they are, and as they are along another route; both [Q, D]. */
export interface Moves {
  readonly own: Float32Array;
  readonly moved: Float32Array;
  /** D */
  readonly embedDim: number;
}

/**
 * Queries moved as far as the route moves them, elsewhere: each turned by the angle between `own` and `moved` towards a
 * random direction. What an oracle gains over these it gains by chance. -> unit [Q, D].
 */
export function turnedAtRandom({ own, moved, embedDim }: Moves, random: Random): Float32Array {
  const result = new Float32Array(own.length);
  for (let start = 0; start < own.length; start += embedDim) {
    const [q, m] = [own.subarray(start, start + embedDim), moved.subarray(start, start + embedDim)];
    const cosine = Math.min(1, Math.max(-1, dot(q, m) / Math.sqrt(dot(q, q) * dot(m, m))));
    const direction = Float64Array.from(q, () => random.normal());
    const along = dot(direction, q);
    for (const [i, value] of q.entries()) direction[i] = (direction[i] ?? 0) - along * value;
    const length = Math.sqrt(dot(direction, direction)) || 1;
    const sine = Math.sqrt(1 - cosine * cosine);
    for (const [i, value] of q.entries()) {
      result[start + i] = cosine * value + (sine * (direction[i] ?? 0)) / length;
    }
  }
  return result;
}

/**
 * Queries moved as the route moves another query: q_i + (moved_j - q_j), j a random one, made unit length. Directions are
 * those that the route has, but they know nothing of the query. -> [Q, D].
 */
export function movedAsOthers({ own, moved, embedDim }: Moves, random: Random): Float32Array {
  const count = own.length / embedDim;
  const result = new Float32Array(own.length);
  const others = random.shuffled([...Array(count).keys()]);
  for (const [i, j] of others.entries()) {
    const place = result.subarray(i * embedDim, (i + 1) * embedDim);
    for (const d of place.keys()) {
      const move = (moved[j * embedDim + d] ?? 0) - (own[j * embedDim + d] ?? 0);
      place[d] = (own[i * embedDim + d] ?? 0) + move;
    }
    const length = Math.sqrt(dot(place, place)) || 1;
    for (const [d, value] of place.entries()) place[d] = value / length;
  }
  return result;
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
