import { describe, expect, it } from "vitest";
import { ConfigError } from "../errors.js";
import { resolveRunConfig } from "./run-config.js";

describe("resolveRunConfig", () => {
  it("refuses a field of another model by name, with the models that have it", () => {
    for (const given of [{ file: { heads: 2 } }, { set: ["heads=2"] }]) {
      const resolve = () => resolveRunConfig({ model: "tirg", ...given });
      expect(resolve).toThrow(ConfigError);
      expect(resolve).toThrow(/- heads: a field of sdfn\b.*; tirg has none of this name: leave it out$/);
    }
  });

  it("still lists every other problem, unknown fields with those that are known", () => {
    expect(() => resolveRunConfig({ model: "tirg", set: ["heads=2", "epochs=0", "nonsense=1"] })).toThrow(
      /epochs: .*unknown field "nonsense"; known are model, seed, .*- heads: a field of sdfn/s,
    );
  });
});
