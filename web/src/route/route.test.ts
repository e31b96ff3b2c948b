import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { layOut } from "./flow-layout.js";
import { leadSentence, moduleShares, rankedModules } from "./route-shares.js";

/** Two layers of two modules; into each destination the weights sum to 1. */
const routes = [
  [
    [0.25, 0.5],
    [0.75, 0.5],
  ],
  [[0.8], [0.2]],
];
const modules = ["cam", "rcm"];

/** Weights into each destination sum to 1, as SDFN's do. */
const anyRoutes = fc
  .record({ layerCount: fc.integer({ min: 1, max: 4 }), moduleCount: fc.integer({ min: 1, max: 5 }) })
  .chain(({ layerCount, moduleCount }) =>
    fc.tuple(
      ...Array.from({ length: layerCount }, (_, layer) => {
        const destinations = layer === layerCount - 1 ? 1 : moduleCount;
        const column = fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), {
          minLength: moduleCount,
          maxLength: moduleCount,
        });
        return fc
          .array(column, { minLength: destinations, maxLength: destinations })
          .map((columns) =>
            Array.from({ length: moduleCount }, (_, i) =>
              columns.map((weights) => (weights[i] ?? 0) / weights.reduce((sum, weight) => sum + weight, 0)),
            ),
          );
      }),
    ),
  );

describe("moduleShares", () => {
  it("follows the weights back from the query", () => {
    const [first = [], last = []] = moduleShares(routes);
    expect(last).toEqual([0.8, 0.2]);
    expect(first[0]).toBeCloseTo(0.25 * 0.8 + 0.5 * 0.2);
    expect(first[1]).toBeCloseTo(0.75 * 0.8 + 0.5 * 0.2);
  });

  it("sums to 1 in every layer, also when every row does instead of every column", () => {
    for (const layer of moduleShares([[[1], [1], [1]]])) expect(layer).toEqual([1 / 3, 1 / 3, 1 / 3]);
  });
});

describe("leadSentence", () => {
  it("says what dominated, and that nothing did", () => {
    expect(rankedModules(routes, modules).map(({ module }) => module)).toEqual(["cam", "rcm"]);
    expect(leadSentence(routes, modules)).toBe(
      "It mostly matched words to places in the picture (55 %), then kept the picture as it is (45 %).",
    );
    expect(leadSentence([[[0.5], [0.5]]], modules)).toBe(
      "It gave all its ways of working about the same say.",
    );
    expect(leadSentence([[[0.98], [0.02]]], modules)).toBe(
      "It matched words to places in the picture (98 %).",
    );
    expect(leadSentence([[[1]]], ["new"])).toBe("It used NEW (100 %).");
  });
});

describe("layOut", () => {
  it("lets as much out of every box as goes in", () => {
    fc.assert(
      fc.property(anyRoutes, (any) => {
        const { modules: boxes, bands } = layOut(any, { widthPx: 600, flowPx: 200 });
        const sum = (chosen: typeof bands) => chosen.reduce((total, { share }) => total + share, 0);
        for (const { layer, module, share, heightPx } of boxes) {
          const isBox = (place: (typeof bands)[number]["from" | "to"]) =>
            typeof place === "object" && place.layer === layer && place.module === module;
          expect(sum(bands.filter(({ to }) => isBox(to)))).toBeCloseTo(share);
          expect(sum(bands.filter(({ from }) => isBox(from)))).toBeCloseTo(share);
          expect(heightPx).toBeCloseTo(200 * share);
        }
        expect(sum(bands.filter(({ to }) => to === "query"))).toBeCloseTo(1);
      }),
    );
  });

  it("keeps boxes of a layer apart and inside the drawing", () => {
    const { modules: boxes, heightPx, widthPx, boxWidthPx } = layOut(routes, { widthPx: 600, flowPx: 200 });
    const [first, second] = boxes;
    expect((first?.y ?? 0) + (first?.heightPx ?? 0)).toBeLessThan(second?.y ?? 0);
    for (const { x, y, heightPx: boxPx } of boxes) {
      expect(y + boxPx).toBeLessThan(heightPx);
      expect(x).toBeGreaterThan(0);
      expect(x + boxWidthPx).toBeLessThan(widthPx);
    }
  });
});
