import { describe, expect, it } from "vitest";
import { textTable } from "./text-table.js";

describe("textTable", () => {
  it("aligns the first column left and the others right", () => {
    expect(
      textTable([
        ["", "R@1"],
        ["image-only", "2.0"],
        ["sdfn", "10.0"],
      ]),
    ).toBe("             R@1\nimage-only   2.0\nsdfn        10.0\n");
  });

  it("takes rows of different lengths, and none", () => {
    expect(textTable([["a"], ["bb", "c", "d"]])).toBe("a\nbb  c  d\n");
    expect(textTable([])).toBe("");
  });
});
