/** The way from the command to a parameter's update, as docs/architecture.md tells it. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readSources } from "./sources.js";

/** Files that a reader comes by; more would be a maze. */
const mostPlaces = 12;

const text = readFileSync(new URL("../../docs/architecture.md", import.meta.url), "utf8");
const [, section = ""] = text.split(/^## From `sdfn train` to a parameter's update$/m);
const places = [...(section.split(/^## /m, 1)[0] ?? "").matchAll(/^\d+\. `src\/([^`]+)`: /gm)].map(
  ([, path]) => path,
);

describe("the way from the command to a parameter's update", () => {
  it("has few places", () => {
    expect(places.length).toBeGreaterThan(5);
    expect(places.length).toBeLessThanOrEqual(mostPlaces);
  });

  it("leads through files that exist, each imported by one before it", () => {
    const sources = new Map(readSources().map((source) => [source.path, source]));
    const lost = places.filter((place, i) => {
      const before = places.slice(0, i).flatMap((path) => sources.get(path ?? "")?.imports ?? []);
      return !sources.has(place ?? "") || (i > 0 && !before.some(({ file }) => file === place));
    });
    expect(lost).toEqual([]);
  });
});
