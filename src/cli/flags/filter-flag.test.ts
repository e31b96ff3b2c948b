import { describe, expect, it } from "vitest";
import { parseFilter } from "./filter-flag.js";

describe("parseFilter", () => {
  it("reads categories, ids, attributes and prices", () => {
    expect(parseFilter("category=dress|shirt")).toEqual({ kind: "category", anyOf: ["dress", "shirt"] });
    expect(parseFilter(" colour = dark red ")).toEqual({
      kind: "attribute",
      name: "colour",
      anyOf: ["dark red"],
    });
    expect(parseFilter("id!=A1")).toEqual({ kind: "not", filter: { kind: "id", anyOf: ["A1"] } });
    expect(parseFilter("fit!=a=b")).toEqual({
      kind: "not",
      filter: { kind: "attribute", name: "fit", anyOf: ["a=b"] },
    });
    expect(parseFilter("price<=40")).toEqual({ kind: "price", min: undefined, max: 40 });
    expect(parseFilter("Price>=9.5")).toEqual({ kind: "price", min: 9.5, max: undefined });
    expect(parseFilter("price=20..40")).toEqual({ kind: "price", min: 20, max: 40 });
    expect(parseFilter("price=..40")).toEqual({ kind: "price", min: undefined, max: 40 });
    expect(parseFilter("price!=7")).toEqual({ kind: "not", filter: { kind: "price", min: 7, max: 7 } });
  });

  it("says what is wrong with others", () => {
    for (const text of ["", "colour", "=red", "colour=", "colour<5", "!=x"])
      expect(parseFilter(text)).toBe("is no filter");
    expect(parseFilter("size<=5")).toBe("compares what is no price");
    expect(parseFilter("colour=red|")).toBe("has an empty value");
    for (const text of ["price=cheap", "price=..", "price<=-1", "price=1..2..3"]) {
      expect(parseFilter(text)).toMatch(/needs plain numbers/);
    }
  });
});
