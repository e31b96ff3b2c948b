import { describe, expect, it } from "vitest";
import { ShapeError } from "../errors.js";
import { describeShares, moduleShares } from "./route-flow.js";

const modules = [
  { name: "JRM", meaning: "joint reasoning" },
  { name: "RCM", meaning: "keep as is" },
];

describe("moduleShares", () => {
  it("multiplies the weights backwards from the query embedding", () => {
    const weights = [
      [
        [0.2, 0.7],
        [0.8, 0.3],
      ],
      [[0.4], [0.6]],
    ];
    const [first = [], last = []] = moduleShares({ modules, weights });
    expect(last).toEqual([0.4, 0.6]);
    expect(first[0]).toBeCloseTo(0.2 * 0.4 + 0.7 * 0.6, 12);
    expect(first[1]).toBeCloseTo(0.8 * 0.4 + 0.3 * 0.6, 12);
  });

  it("needs no more than one layer", () => {
    expect(moduleShares({ modules, weights: [[[0.4], [0.6]]] })).toEqual([[0.4, 0.6]]);
  });

  it("refuses weights whose sources and destinations are swapped", () => {
    expect(() => moduleShares({ modules, weights: [[[0.4, 0.6]]] })).toThrow(ShapeError);
    expect(() => moduleShares({ modules, weights: [[[0.4, 0.6]]] })).toThrow(
      "routes of layer 1: needs [2 modules][1 destinations]; got shape [1][2]",
    );
  });
});

describe("describeShares", () => {
  it("names the two strongest modules of each layer", () => {
    expect(
      describeShares({ modules, weights: [[[0.4], [0.6]]] }, { format: (share) => share.toFixed(1) }),
    ).toEqual(["layer 1 mostly RCM (0.6), then JRM (0.4)"]);
  });
});
