import { describe, expect, it } from "vitest";
import { readSources } from "./sources.js";

/** The page's one tie to the rest of the project: what it may ask the service, and what it is told. */
const api = "../../src/service/api.ts";

/** Folders of web/src from the bottom up, and which others each may import. */
const allowedFolders: Readonly<Record<string, readonly string[]>> = {
  words: [],
  api: [],
  state: ["api"],
  picture: ["api", "state"],
  route: ["words", "picture"],
  parts: ["words", "api", "state", "picture", "route"],
  shop: ["words", "api", "state", "picture", "parts"],
  main: ["api", "parts", "shop"],
};

const sources = readSources("web/src");
const modules = sources.filter(({ isTest }) => !isTest);

describe("the page", () => {
  it("takes nothing from the service but types", () => {
    const wrong = modules.flatMap(({ path, text, imports }) =>
      imports
        .filter(({ file }) => file?.startsWith(".."))
        .filter(
          ({ file, specifier }) =>
            file !== api || !new RegExp(`import type [^;]*from "${specifier}"`).test(text),
        )
        .map(({ specifier }) => `web/src/${path} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
    expect(modules.some(({ imports }) => imports.some(({ file }) => file === api))).toBe(true);
  });

  it("needs React and nothing else", () => {
    const packages = modules.flatMap(({ imports }) =>
      imports.flatMap(({ packageName }) => packageName ?? []),
    );
    expect([...new Set(packages)].sort()).toEqual(["react", "react-dom"]);
  });

  it("has the folders of the table, and they import as it says", () => {
    const nameOf = (path: string) => path.split("/")[0]?.replace(/\.tsx?$/, "") ?? "";
    expect([...new Set(modules.map(({ path }) => nameOf(path)))].sort()).toEqual(
      Object.keys(allowedFolders).sort(),
    );
    const wrong = modules.flatMap(({ path, imports }) =>
      imports
        .flatMap(({ file }) => (file === undefined || /^\.\.|\.css$/.test(file) ? [] : nameOf(file)))
        .filter((target) => target !== nameOf(path) && !allowedFolders[nameOf(path)]?.includes(target))
        .map((target) => `web/src/${path} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it("has files that start with a comment, are short, and silence nobody", () => {
    const wrong = sources
      .filter(
        ({ text, isTest }) =>
          (!isTest && !/^\/\*\*[\s*]*\S/.test(text)) ||
          text.split("\n").length - 1 > 400 ||
          /@ts-(ignore|expect-error|nocheck)|biome-ignore|dangerouslySetInnerHTML|innerHTML/.test(text),
      )
      .map(({ path }) => `web/src/${path}`);
    expect(wrong).toEqual([]);
  });
});
