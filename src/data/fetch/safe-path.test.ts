import { describe, expect, it } from "vitest";
import { isPlainName, safeRelativePath } from "./safe-path.js";

describe("safeRelativePath", () => {
  it.each([
    ["img.jpg", "img.jpg"],
    ["womens_clogs/0/img_womens_clogs_851.jpg", "womens_clogs/0/img_womens_clogs_851.jpg"],
    ["./women/a/b.jpeg", "women/a/b.jpeg"],
    ["women/robe d'été/1_0.jpeg", "women/robe d'été/1_0.jpeg"],
  ])("takes %s", (text, path) => expect(safeRelativePath(text)).toBe(path));

  it.each([
    "",
    ".",
    "..",
    "/etc/passwd",
    "../up.jpg",
    "a/../../up.jpg",
    "a/./b.jpg",
    "a//b.jpg",
    "a/",
    ".ssh/key",
    "a/.hidden",
    "a\\..\\b.jpg",
    "C:/windows.jpg",
    "a\0.jpg",
    "a\n.jpg",
    "nul",
    "a/CON.jpg",
    "a./b",
    "b ",
    "a?b",
    `${"x".repeat(241)}`,
    "./../up.jpg",
    "~:evil",
  ])("refuses %j", (text) => expect(safeRelativePath(text)).toBeUndefined());
});

describe("isPlainName", () => {
  it("takes article numbers and no path", () => {
    expect(isPlainName("B00014NGF6")).toBe(true);
    expect(isPlainName("a/b")).toBe(false);
    expect(isPlainName("..")).toBe(false);
  });

  it("counts bytes, not letters", () => {
    expect(isPlainName("é".repeat(120))).toBe(true);
    expect(isPlainName("é".repeat(121))).toBe(false);
  });
});
