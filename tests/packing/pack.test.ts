/** The package file that is published: what is in it, and that installing it runs no script. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tar from "tar";
import { afterAll, beforeAll, expect, it } from "vitest";

const project = fileURLToPath(new URL("../..", import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "pack-"));
  const script = join(project, "scripts", "pack.mjs");
  const options = ["--pack-destination", folder, "--json"];
  const [{ filename }] = JSON.parse(
    execFileSync(process.execPath, [script, ...options], { encoding: "utf8" }),
  );
  await tar.extract({ file: join(folder, filename), cwd: folder });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (name: string) => JSON.parse(readFileSync(join(folder, "package", name), "utf8"));

it("has the compiled project and its dependencies' versions, of which none runs a script", () => {
  const { packages } = read("npm-shrinkwrap.json");
  expect(packages[""].dependencies).toEqual(read("package.json").dependencies);
  expect(packages[""].devDependencies).toBeUndefined();
  const entries: [string, { dev?: boolean; hasInstallScript?: boolean }][] = Object.entries(packages);
  expect(entries.filter(([, { dev, hasInstallScript }]) => dev || hasInstallScript)).toEqual([]);
  expect(packages["node_modules/onnxruntime-node"].version).toMatch(/^1\./);
  expect(packages["node_modules/vitest"]).toBeUndefined();
  expect(existsSync(join(project, "npm-shrinkwrap.json"))).toBe(false);
});

it("has what programs and the command line load, and the built page", () => {
  const { bin, exports } = read("package.json");
  for (const file of [bin.sdfn, exports["."].default, exports["."].types, "dist/web/index.html"]) {
    expect(existsSync(join(folder, "package", file))).toBe(true);
  }
});
