import { describe, expect, it } from "vitest";
import type { RouteWeights } from "../../embedding/encoder.js";
import { Random } from "../../engine/tensor/random.js";
import {
  equalRoute,
  halfWay,
  movedAsOthers,
  onePathRoutes,
  pathCount,
  turnedAtRandom,
} from "./route-candidates.js";

/** M modules, L layers, any weights. */
const routeOf = (modules: number, layers: number): RouteWeights =>
  Array.from({ length: layers }, (_, l) =>
    Array.from({ length: modules }, (_, i) => new Array(l === layers - 1 ? 1 : modules).fill(i / 10)),
  );

describe("onePathRoutes", () => {
  it("gives every path once where there are few: one module a layer, for every destination", () => {
    const { routes, isExhaustive } = onePathRoutes(routeOf(4, 3), new Random(1));
    expect([routes.length, isExhaustive, pathCount(routeOf(4, 3))]).toEqual([64, true, 64]);
    const chosen = routes.map((route) => route.map((layer) => layer.findIndex(([first]) => first === 1)));
    expect(new Set(chosen.map(String)).size).toBe(64);
    for (const layer of routes.flat()) {
      for (const j of layer[0]?.keys() ?? []) {
        expect(layer.map((row) => row[j]).sort()).toEqual([0, 0, 0, 1]);
      }
    }
  });

  it("draws different ones where there are many", () => {
    const { routes, isExhaustive } = onePathRoutes(routeOf(4, 5), new Random(1));
    expect(isExhaustive).toBe(false);
    expect(new Set(routes.map((route) => JSON.stringify(route))).size).toBe(pathCount(routeOf(4, 5)));
  });
});

it("equal weights and the middle of two routes are routes of the same shape", () => {
  const equal = equalRoute(routeOf(2, 2));
  expect(equal).toEqual([
    [
      [0.5, 0.5],
      [0.5, 0.5],
    ],
    [[0.5], [0.5]],
  ]);
  const [path] = onePathRoutes(equal, new Random(1)).routes;
  expect(halfWay(equal, path ?? equal)[1]).toEqual([[0.75], [0.25]]);
});

describe("moves of queries", () => {
  const embedDim = 5;
  const random = new Random(7);
  const units = () =>
    Float32Array.from(
      [0, 1, 2].flatMap(() => {
        const row = Array.from({ length: embedDim }, () => random.normal());
        const length = Math.hypot(...row);
        return row.map((value) => value / length);
      }),
    );
  const [own, moved] = [units(), units()];
  const cosines = (a: Float32Array, b: Float32Array) =>
    [0, 1, 2].map((i) =>
      Array.from(
        { length: embedDim },
        (_, d) => Number(a[i * embedDim + d]) * Number(b[i * embedDim + d]),
      ).reduce((sum, value) => sum + value, 0),
    );

  it("at random are as long as those of the route, and elsewhere", () => {
    const turned = turnedAtRandom({ own, moved, embedDim }, new Random(2));
    for (const [i, cosine] of cosines(own, turned).entries()) {
      expect(cosine).toBeCloseTo(cosines(own, moved)[i] ?? 0, 5);
    }
    for (const cosine of cosines(turned, turned)) expect(cosine).toBeCloseTo(1, 5);
    for (const cosine of cosines(turned, moved)) expect(cosine).toBeLessThan(0.999);
    expect(
      turnedAtRandom({ own, moved: own, embedDim }, new Random(2)).map((x) => Math.round(1e4 * x)),
    ).toEqual(own.map((x) => Math.round(1e4 * x)));
  });

  it("as others' are unit embeddings, and no move at all where the route moves nobody", () => {
    for (const cosine of cosines(movedAsOthers({ own, moved, embedDim }, new Random(2)), own)) {
      expect(cosine).toBeLessThan(0.9999);
    }
    const still = movedAsOthers({ own, moved: own, embedDim }, new Random(2));
    for (const cosine of cosines(still, own)) expect(cosine).toBeCloseTo(1, 5);
  });
});
