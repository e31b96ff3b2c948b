/** Every public function has an example in its docstring, and each example runs and prints what it says. */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isCompiled, project } from "../fixtures/compiled.js";
import { publicFunctions, surfaces } from "./public-functions.js";

const functions = publicFunctions();
let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "sdfn-public-"));
  mkdirSync(join(root, "node_modules"));
  symlinkSync(project, join(root, "node_modules", "sdfn"), "junction");
  copyFileSync(join(project, "docs", "images", "dress.jpg"), join(root, "photo.jpg"));
  copyFileSync(join(project, "examples", "gated-fusion.mjs"), join(root, "gated-fusion.mjs"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function node(file: string, ...args: string[]): void {
  const program = join(root, file);
  copyFileSync(join(project, "tests", "public", file), program);
  const { status, stderr } = spawnSync(process.execPath, [program, ...args], { cwd: root, encoding: "utf8" });
  expect(status, stderr).toBe(0);
}

/** What the comments behind an example's `console.log(...)` say. */
function saidToPrint(example: string): readonly string[] {
  return [...example.matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text = ""]) => text);
}

describe("the public surface", () => {
  it("has an example for every function and class", () => {
    expect(functions.length).toBeGreaterThan(70);
    expect(functions.filter(({ example }) => example === undefined).map(({ name }) => name)).toEqual([]);
  });

  it("is imported by its examples from the package, by a name that it has", () => {
    const known = new Map<string, object>(surfaces.map(({ specifier, exported }) => [specifier, exported]));
    const wrong = functions.flatMap(({ name, example = "" }) => {
      const imports = [...example.matchAll(/import \{([^}]*)\} from "([^"]+)"/g)]
        .filter(([, , from = ""]) => !from.startsWith("node:"))
        .flatMap(([, names = "", from = ""]) => names.split(",").map((each) => [each.trim(), from] as const));
      const missing = imports.filter(([each, from]) => !(each in (known.get(from) ?? {})));
      return imports.some(([each]) => each === name) && missing.length === 0 ? [] : [{ name, missing }];
    });
    expect(wrong).toEqual([]);
  });

  it("is what the package's exports name, with types", () => {
    const { exports } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
    const built = (file: string, ending: string) => file.replace(/^src/, "./dist").replace(/\.ts$/, ending);
    const expected = surfaces.map(({ specifier, file }) => [
      specifier.replace(/^sdfn/, "."),
      { types: built(file, ".d.ts"), default: built(file, ".js") },
    ]);
    expect(exports).toEqual({
      ...Object.fromEntries(expected),
      "./package.json": "./package.json",
    });
  });

  it.skipIf(!isCompiled)("has examples that run and print what they say", () => {
    node("set-up.mjs");
    const files = functions.map(({ name, example = "" }) => {
      writeFileSync(join(root, `${name}.mjs`), `${example}\n`);
      return `${name}.mjs`;
    });
    node("run-examples.mjs", "results.json", ...files);
    const results = JSON.parse(readFileSync(join(root, "results.json"), "utf8"));
    expect(results).toEqual(
      Object.fromEntries(functions.map(({ name, example = "" }) => [name, { lines: saidToPrint(example) }])),
    );
  });
});
