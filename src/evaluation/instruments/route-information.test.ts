import { describe, expect, it } from "vitest";
import type { RouteWeights } from "../../embedding/encoder.js";
import { Random } from "../../engine/tensor/random.js";
import { type RoutedQuery, routeInformation } from "./route-information.js";

/** Two modules; a layer of two destinations, then the last one. */
const route = (a: number, b: number, last: number): RouteWeights => [
  [
    [a, b],
    [1 - a, 1 - b],
  ],
  [[last], [1 - last]],
];
const information = (queries: readonly RoutedQuery[]) => routeInformation(queries, new Random(1));

describe("routeInformation", () => {
  it("finds everything where routes are sharp and follow the kind, and nothing where they are alike", () => {
    const { layers } = information([
      { kinds: ["colour"], routes: route(1, 0, 0.3) },
      { kinds: ["colour"], routes: route(1, 0, 0.3) },
      { kinds: ["sleeves"], routes: route(0, 1, 0.3) },
      { kinds: ["sleeves"], routes: route(0, 1, 0.3) },
    ]);
    const [sharp, alike] = layers;
    expect(sharp).toMatchObject({ entropy: 0, aboutQuery: 1, aboutKind: 1 });
    // Dealt out at random, two and two: both kinds are pure in one of three dealings.
    expect(sharp?.aboutKindByChance).toBeGreaterThan(0.05);
    expect(sharp?.aboutKindByChance).toBeLessThan(0.8);
    const entropy = -(0.3 * Math.log2(0.3) + 0.7 * Math.log2(0.7));
    expect(alike?.entropy).toBeCloseTo(entropy, 12);
    for (const value of [alike?.aboutQuery, alike?.aboutKind]) expect(value).toBeCloseTo(0, 12);
  });

  it("tells what is about the query from what is about its kind", () => {
    const { layers } = information([
      { kinds: ["colour"], routes: route(1, 1, 1) },
      { kinds: ["colour"], routes: route(0, 0, 0) },
      { kinds: ["sleeves"], routes: route(1, 1, 1) },
      { kinds: ["sleeves"], routes: route(0, 0, 0) },
    ]);
    for (const { aboutQuery, aboutKind } of layers) {
      expect(aboutQuery).toBeCloseTo(1, 12);
      expect(aboutKind).toBeCloseTo(0, 12);
    }
  });

  it("groups queries by the set of their kinds, and gives each kind's shift of weights over all destinations", () => {
    const { kinds } = information([
      { kinds: ["colour", "fit"], routes: route(0.5, 0.5, 0.8) },
      { kinds: ["fit", "colour"], routes: route(0.5, 0.5, 0.8) },
      { kinds: ["fit"], routes: route(0.2, 0.5, 0.5) },
    ]);
    expect(kinds.map(({ kind, queries }) => [kind, queries])).toEqual([
      ["fit", 3],
      ["colour", 2],
    ]);
    const [fit, colour] = kinds;
    expect(fit?.shifts).toEqual([0, 0]); // every query has it: there are no others
    expect(colour?.shifts[0]).toBeCloseTo(0.6 - 0.4, 12);
    expect(colour?.shifts[1]).toBeCloseTo(0.4 - 0.6, 12);
  });

  it("takes weights that are shared out over destinations as shares of each destination", () => {
    const shared: RouteWeights = [
      [
        [0.5, 0.5],
        [0.5, 0.5],
      ],
      [[1], [1]],
    ];
    const { layers } = information([
      { kinds: [], routes: shared },
      { kinds: [], routes: shared },
    ]);
    for (const layer of layers) expect(layer.entropy).toBeCloseTo(1, 12);
  });

  it("needs a query", () => {
    expect(() => information([])).toThrow("there is no query");
  });
});
