import { describe, expect, it } from "vitest";
import { routeDiagram } from "./route-diagram.js";
import type { QueryRoutes } from "./types.js";

const routes: QueryRoutes = {
  modules: [
    { name: "JRM", meaning: "joint reasoning" },
    { name: "RCM", meaning: "keep <as> is" },
  ],
  weights: [
    [
      [0.2, 0.7],
      [0.8, 0.3],
    ],
    [[0.4], [0.6]],
  ],
};

/** The drawing for wide screens. */
function wide({ markup }: { readonly markup: string }): string {
  return markup.split('<div class="narrow-only">')[0] ?? "";
}

describe("routeDiagram", () => {
  it("draws one line for every route, and one from the picture to every first module", () => {
    const lines = wide(routeDiagram(routes)).match(/stroke-opacity=/g) ?? [];
    expect(lines).toHaveLength(2 * 2 + 2);
    expect(wide(routeDiagram(routes)).match(/stroke-dasharray=/g) ?? []).toHaveLength(2);
  });

  it("draws heavier weights wider", () => {
    const widths = [...wide(routeDiagram(routes)).matchAll(/stroke-width="([\d.]+)" stroke-opacity/g)].map(
      ([, width]) => Number(width),
    );
    expect(widths).toEqual(widths.toSorted((a, b) => a - b));
    expect(new Set(widths).size).toBe(6);
  });

  it("labels the strongest way into each box and every way into the embedding", () => {
    const labels = [...wide(routeDiagram(routes)).matchAll(/class="weight"[^>]*>([^<]*)</g)].map(
      ([, text]) => text,
    );
    expect(labels).toEqual(["70 %", "80 %", "40 %", "60 %"]);
  });

  it("writes each module's share of the embedding, which layer by layer add up to 100 %", () => {
    const drawing = wide(routeDiagram(routes));
    for (const text of ["JRM · 50 %", "RCM · 50 %", "JRM · 40 %", "RCM · 60 %"])
      expect(drawing).toContain(text);
    expect(drawing).toContain("layer 2 mostly RCM (60 %), then JRM (40 %)");
  });

  it("holds every weight in tables, sources as rows", () => {
    const [first = "", second = ""] = routeDiagram(routes).markup.split("<tbody>").slice(1);
    const cells = (table: string) => [...table.matchAll(/<td>([^<]*)</g)].map(([, text]) => text);
    expect(cells(first)).toEqual(["20 %", "70 %", "80 %", "30 %"]);
    expect(cells(second)).toEqual(["40 %", "60 %"]);
  });

  it("escapes names", () => {
    expect(routeDiagram(routes).markup).not.toContain("<as>");
  });

  it("keeps every box inside the drawing, from one layer of one module to six of seven", () => {
    for (const [layers, count] of [
      [1, 1],
      [3, 4],
      [6, 7],
    ] as const) {
      const uniform = (destinations: number) =>
        Array.from({ length: count }, () => Array.from({ length: destinations }, () => 1 / count));
      const { markup } = routeDiagram({
        modules: Array.from({ length: count }, (_, index) => ({ name: `M${index}`, meaning: "a module" })),
        weights: Array.from({ length: layers }, (_, layer) => uniform(layer === layers - 1 ? 1 : count)),
      });
      for (const drawing of markup.split("<svg ").slice(1)) {
        const [, width, height] = drawing.match(/viewBox="0 0 ([\d.]+) ([\d.]+)"/) ?? [];
        for (const [, ...numbers] of drawing.matchAll(
          /class="box[^"]*" x="([-\d.]+)" y="([-\d.]+)" width="([\d.]+)" height="([\d.]+)"/g,
        )) {
          const [x = -1, y = -1, boxWidth = 0, boxHeight = 0] = numbers.map(Number);
          expect(Math.min(x, y)).toBeGreaterThanOrEqual(0);
          expect(x + boxWidth).toBeLessThanOrEqual(Number(width));
          expect(y + boxHeight).toBeLessThanOrEqual(Number(height));
        }
      }
    }
  });
});
