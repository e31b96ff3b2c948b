import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RunError } from "../errors.js";
import { createRunFolder } from "./run-files.js";

let runDir: string;
beforeEach(() => {
  runDir = mkdtempSync(join(tmpdir(), "run-files-"));
});
afterEach(() => rmSync(runDir, { recursive: true }));

describe("createRunFolder", () => {
  it("takes a folder that a training left which was stopped before its manifest was written", () => {
    for (const name of ["vocabulary.json", "phrases.json.partial", "metrics.jsonl", "run.json.partial"]) {
      writeFileSync(join(runDir, name), "");
    }
    createRunFolder(runDir);
  });

  it.each(["run.json", "thesis.txt", "thesis.txt.partial"])("takes no folder that holds %s", (name) => {
    writeFileSync(join(runDir, name), "");
    expect(() => createRunFolder(runDir)).toThrow(RunError);
  });

  it("makes the folder", () => {
    createRunFolder(join(runDir, "new", "run"));
    expect(() => mkdirSync(join(runDir, "new", "run"))).toThrow(/EEXIST/);
  });
});
