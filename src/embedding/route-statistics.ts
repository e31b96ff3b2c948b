/** What routers do over many queries: mean weights, how much these follow the query, and entropy. */
import type { Tensor } from "../engine/tensor/tensor.js";

/** One fusion layer's route weights over all queries. */
export interface RouteStatistics {
  /** Mean weight of each of the M source modules, over queries and destinations. */
  readonly weights: number[];
  /**
   * How far each weight lies from its mean from query to query: square root of the variance over queries, which is
   * averaged over destinations. 0 for a router that does not look at the query.
   */
  readonly deviations: number[];
  /** Mean over queries and destinations of the weights' entropy / ln M: 1 all equal, 0 one takes all. */
  readonly entropy: number;
}

/** Sums of one layer. */
export class RouteSums {
  #shape: readonly [number, number] = [0, 0];
  #sums = new Float64Array();
  #squares = new Float64Array();
  #entropy = 0;
  #queries = 0;

  /** Adds weights [b, M, J]. */
  add({ shape, data }: Tensor): void {
    const [batch = 0, moduleCount = 0, destinationCount = 0] = shape;
    const size = moduleCount * destinationCount;
    if (this.#sums.length === 0) {
      this.#shape = [moduleCount, destinationCount];
      this.#sums = new Float64Array(size);
      this.#squares = new Float64Array(size);
    }
    for (let i = 0; i < batch * size; i += 1) {
      const p = Number(data[i]);
      const place = i % size;
      this.#sums[place] = (this.#sums[place] ?? 0) + p;
      this.#squares[place] = (this.#squares[place] ?? 0) + p * p;
      this.#entropy -= p > 0 ? (p * Math.log(p)) / Math.log(Math.max(2, moduleCount)) : 0;
    }
    this.#queries += batch;
  }

  /** NaN where nothing was added. */
  statistics(): RouteStatistics {
    const [moduleCount, destinationCount] = this.#shape;
    const meanOverDestinations = (source: number, of: (place: number) => number) =>
      Array.from({ length: destinationCount }, (_, j) => of(source * destinationCount + j)).reduce(
        (sum, value) => sum + value,
        0,
      ) / destinationCount;
    const mean = (place: number) => (this.#sums[place] ?? 0) / this.#queries;
    const variance = (place: number) =>
      Math.max(0, (this.#squares[place] ?? 0) / this.#queries - mean(place) ** 2);
    const sources = Array.from({ length: moduleCount }, (_, source) => source);
    return {
      weights: sources.map((source) => meanOverDestinations(source, mean)),
      deviations: sources.map((source) => Math.sqrt(meanOverDestinations(source, variance))),
      entropy: this.#entropy / (this.#queries * destinationCount),
    };
  }
}
