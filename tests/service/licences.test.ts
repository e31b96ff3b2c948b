/** What the built page contains of others is shipped with the notices that its licences ask for. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeSmallIndex, type Running, type SmallIndex, start } from "./small-index.js";

const root = new URL("../..", import.meta.url).pathname;
const built = mkdtempSync(join(tmpdir(), "sdfn-page-"));
let place: SmallIndex;
let service: Running;
/** Folders of the packages that the page is made of. */
let packages: readonly string[];

const scripts = () => {
  const assets = join(built, "assets");
  return readdirSync(assets).flatMap((name) => (name.endsWith(".js") ? [join(assets, name)] : []));
};

beforeAll(async () => {
  const { NODE_ENV: _, ...env } = process.env;
  const vite = join(root, "node_modules", "vite", "bin", "vite.js");
  const { status, stderr } = spawnSync(
    process.execPath,
    [vite, "build", join(root, "web"), "--outDir", built, "--emptyOutDir", "--sourcemap"],
    { env, encoding: "utf8" },
  );
  expect(status, stderr).toBe(0);
  const modules = scripts().flatMap((file) => {
    const { sources } = JSON.parse(readFileSync(`${file}.map`, "utf8")) as { sources: string[] };
    return sources.map((source) => resolve(dirname(file), source));
  });
  const folders = modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []);
  packages = [...new Set(folders)].sort();
  place = await makeSmallIndex();
  service = await start({ index: place.index, webFolder: built });
});
afterAll(async () => {
  await service?.close();
  place?.remove();
  rmSync(built, { recursive: true, force: true });
});

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
}

describe("/licences.txt", () => {
  it("has name, version and licence text of every package in the page's script", async () => {
    const answer = await service.get("/licences.txt");
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/plain; charset=utf-8"]);
    const text = await answer.text();
    expect(packages.length).toBeGreaterThan(2);
    for (const folder of packages) {
      const { name, version, license } = JSON.parse(
        readFileSync(join(folder, "package.json"), "utf8"),
      ) as Manifest;
      expect(text).toContain(`## ${name} - ${version} (${license})`);
      const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry)) ?? "";
      expect(text).toContain(readFileSync(join(folder, file), "utf8").trim());
    }
    expect([...text.matchAll(/^## /gm)]).toHaveLength(packages.length);
  });

  it("is linked from the page's foot", () => {
    const texts = scripts().map((file) => readFileSync(file, "utf8"));
    expect(texts.some((text) => text.includes('"/licences.txt"') || text.includes("`/licences.txt`"))).toBe(
      true,
    );
  });

  it("is in the package that is published, with this project's own licence", () => {
    const { files } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { files: string[] };
    expect(files).toContain("dist");
    expect(existsSync(join(root, "LICENSE"))).toBe(true);
    expect(existsSync(join(root, "dist", "web", "licences.txt"))).toBe(true);
  });
});
