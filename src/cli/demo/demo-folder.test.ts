import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UsageError } from "../../errors.js";
import { prepareDemoFolder } from "./demo-folder.js";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sdfn-demo-folder-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("prepareDemoFolder", () => {
  it("makes the folder, and replaces what an earlier demo made except its catalogue", () => {
    const out = join(root, "new", "demo");
    const folder = prepareDemoFolder(out, ["sdfn"]);
    mkdirSync(folder.catalogue);
    mkdirSync(folder.runOf("sdfn"));
    writeFileSync(join(folder.runOf("sdfn"), "run.json"), "{}");
    writeFileSync(folder.report, "old");
    mkdirSync(folder.index);
    prepareDemoFolder(out, ["sdfn"]);
    expect(existsSync(folder.catalogue)).toBe(true);
    expect(existsSync(folder.runOf("sdfn"))).toBe(false);
    expect(existsSync(folder.report)).toBe(false);
    expect(existsSync(folder.index)).toBe(false);
  });

  it("touches no folder of anything else", () => {
    mkdirSync(join(root, "sdfn"));
    writeFileSync(join(root, "sdfn", "precious"), "");
    expect(() => prepareDemoFolder(root, ["sdfn"])).toThrow(UsageError);
    expect(() => prepareDemoFolder(root, ["sdfn"])).toThrow(/got sdfn in .*; choose a new folder/);
    expect(existsSync(join(root, "sdfn", "precious"))).toBe(true);
  });
});
