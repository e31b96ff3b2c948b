import { describe, expect, it } from "vitest";
import { labelPlaces } from "./label-places.js";

const size = { widthPx: 600, heightPx: 300 };

describe("labelPlaces", () => {
  it("puts a name beside its point, and left of it at the right edge", () => {
    expect(labelPlaces([{ x: 100, y: 50, text: "TIRG" }], size)).toEqual([{ x: 109, y: 50, align: "left" }]);
    expect(labelPlaces([{ x: 590, y: 50, text: "TIRG" }], size)).toEqual([{ x: 581, y: 50, align: "right" }]);
  });

  it("keeps names of a crowd apart and inside", () => {
    const crowd = Array.from({ length: 20 }, (_, i) => ({
      x: 200 + ((i * 37) % 60),
      y: 120 + ((i * 23) % 40),
      text: `model ${i}`,
    }));
    const boxes = labelPlaces(crowd, size).map(({ x, y, align }, i) => {
      const width = (crowd[i]?.text.length ?? 0) * 6.4;
      return { left: align === "left" ? x : x - width, right: align === "left" ? x + width : x, y };
    });
    for (const [i, a] of boxes.entries()) {
      expect(a.left).toBeGreaterThanOrEqual(0);
      expect(a.right).toBeLessThanOrEqual(600);
      for (const b of boxes.slice(i + 1)) {
        expect(a.right <= b.left || b.right <= a.left || Math.abs(a.y - b.y) >= 14).toBe(true);
      }
    }
  });
});
