import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CellProblem } from "./catalogue-item.js";
import { PictureFiles } from "./picture-files.js";

let root: string;
/** The catalogue's folder; `root` is around it. */
let shop: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "picture-files-"));
  shop = join(root, "shop");
  mkdirSync(shop);
});
afterEach(() => rmSync(root, { recursive: true }));

const file = (...parts: readonly string[]) => {
  mkdirSync(join(shop, ...parts.slice(0, -1)), { recursive: true });
  writeFileSync(join(shop, ...parts), "x");
};
const find = (path: string, allowLinks = false) => new PictureFiles(shop, { allowLinks }).find(path);
const [composed, decomposed] = ["Blüte".normalize("NFC"), "Blüte".normalize("NFD")];

describe("PictureFiles", () => {
  it("finds names by either spelling, and a name as it is written first", () => {
    file(decomposed, `${composed}.jpg`);
    file(composed, `${decomposed}.jpg`);
    // Two folders that are alike but for that: each has its own file.
    expect(find(`${decomposed}/${composed}.jpg`)).toBe(`${decomposed}/${composed}.jpg`);
    expect(find(`${composed}/${decomposed}.jpg`)).toBe(`${composed}/${decomposed}.jpg`);
    file("a", decomposed, "b.jpg");
    expect(find(`a/${composed}/b.jpg`)).toBe(`a/${decomposed}/b.jpg`);
    file("c", `${composed}.jpg`);
    expect(find(`c/${decomposed}.jpg`)).toBe(`c/${composed}.jpg`);
  });

  it("refuses links that lead out, by file or by folder, unless they are allowed", () => {
    writeFileSync(join(root, "out.jpg"), "x");
    mkdirSync(join(root, "shop-two"));
    writeFileSync(join(root, "shop-two", "out.jpg"), "x");
    symlinkSync(join(root, "out.jpg"), join(shop, "link.jpg"));
    symlinkSync("../shop-two", join(shop, "folder"));
    file("in.jpg");
    symlinkSync("in.jpg", join(shop, "inside.jpg"));
    for (const path of ["link.jpg", "folder/out.jpg"]) {
      expect(find(path)).toEqual(new CellProblem(expect.stringMatching(/leads out .*--allow-links/)));
      expect(find(path, true)).toBe(path);
    }
    expect(find("inside.jpg")).toBe("inside.jpg");
  });

  it("takes the catalogue's folder itself by a link", () => {
    file("in.jpg");
    symlinkSync(shop, join(root, "other"));
    expect(new PictureFiles(join(root, "other"), { allowLinks: false }).find("in.jpg")).toBe("in.jpg");
  });

  it("names what is no picture's file", () => {
    symlinkSync("loop", join(shop, "loop"));
    file("folder", "a.jpg");
    for (const [path, reason] of [
      ["none.jpg", "ENOENT"],
      ["loop", "ELOOP"],
      ["folder", "it is no file"],
      ["folder/a.jpg/b.jpg", "ENOTDIR"],
    ] as const) {
      expect(find(path)).toEqual(new CellProblem(expect.stringContaining(reason)));
    }
  });
});
