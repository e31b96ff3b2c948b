import { describe, expect, it } from "vitest";
import { seriesColour, themeCss } from "./theme.js";

/** The custom properties of the light and the dark page. */
function palettes(): readonly [string, ReadonlyMap<string, string>][] {
  const [light = "", dark = ""] = [...themeCss.matchAll(/:root \{([^}]*)\}/g)].map(([, body]) => body ?? "");
  return [
    ["light", variables(light)],
    ["dark", variables(dark)],
  ];
}

function variables(css: string): ReadonlyMap<string, string> {
  return new Map(
    [...css.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(([, name = "", value = ""]) => [name, value]),
  );
}

/** Contrast ratio as WCAG 2.2 defines it, 1 to 21. */
function contrast(first: string, second: string): number {
  const [high = 0, low = 0] = [luminance(first), luminance(second)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => {
    const part = Number.parseInt(hex.slice(start, start + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

describe.each(palettes())("the %s theme", (_, palette) => {
  const colour = (name: string) => palette.get(name) ?? "missing";
  it.each([
    ["ink", "page"],
    ["ink", "sunken"],
    ["ink-soft", "page"],
    ["ink-soft", "surface"],
    ["ink-soft", "sunken"],
    ["accent", "page"],
    ["accent", "sunken"],
    ["good", "good-soft"],
    ["good", "surface"],
    ["page", "good"],
  ])("writes %s on %s with a contrast of at least 4.5", (text, background) => {
    expect(contrast(colour(text), colour(background))).toBeGreaterThanOrEqual(4.5);
  });
  it.each(Array.from({ length: 8 }, (_, index) => `series-${index + 1}`))(
    "draws %s on a card with a contrast of at least 3",
    (name) => {
      expect(contrast(colour(name), colour("surface"))).toBeGreaterThanOrEqual(3);
    },
  );
});

describe("seriesColour", () => {
  it("starts again after the last colour", () => {
    expect([0, 7, 8].map(seriesColour)).toEqual(["var(--series-1)", "var(--series-8)", "var(--series-1)"]);
  });
});
