import { describe, expect, it } from "vitest";
import { resolveRunConfig } from "../../runs/run-config.js";
import { namedRoutes, routesText } from "./query-routes.js";

const weights = [
  [
    [0.2, 0.7],
    [0.8, 0.3],
  ],
  [[0.4], [0.6]],
];

describe("namedRoutes", () => {
  it("names the modules that the run was configured with, in their order", () => {
    const config = resolveRunConfig({ file: { modules: ["rcm", "jrm"], layers: 2 } });
    expect(namedRoutes(config, weights)?.modules.map(({ name }) => name)).toEqual(["RCM", "JRM"]);
  });

  it("gives nothing for a model without routers", () => {
    expect(namedRoutes(resolveRunConfig({ model: "tirg" }), [])).toBeUndefined();
  });
});

describe("routesText", () => {
  it("writes a table a layer, from rows to columns", () => {
    const modules = [
      { name: "RCM", meaning: "" },
      { name: "JRM", meaning: "" },
    ];
    expect(routesText({ modules, weights })).toBe(
      "layer 1 to layer 2   RCM   JRM\n  RCM               20 %  70 %\n  JRM               80 %  30 %\n" +
        "layer 2 to the embedding\n  RCM                     40 %\n  JRM                     60 %\n",
    );
  });
});
