import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const source = readFileSync(new URL("./main.ts", import.meta.url), "utf8");
const packageFile = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

describe("the executable's first file", () => {
  it("asks for the Node.js that package.json asks for", () => {
    const [, major, minor] = /\[neededMajor, neededMinor\] = \[(\d+), (\d+)\]/.exec(source) ?? [];
    expect(packageFile.engines.node).toBe(`>=${major}.${minor}`);
  });

  it("loads nothing before it has looked at the version, so that an old Node.js gets its message", () => {
    expect(source).not.toMatch(/^import /m);
    expect(source.indexOf("await import(")).toBeGreaterThan(source.indexOf("process.exitCode = 1"));
  });

  it("is what package.json installs, and says which program runs it", () => {
    expect(packageFile.bin.sdfn).toBe("dist/cli/main.js");
    expect(source.startsWith("#!/usr/bin/env node\n")).toBe(true);
  });
});
