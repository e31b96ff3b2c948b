/** What the package's surfaces export, and the examples in its docstrings. */
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import * as basics from "../../src/index.js";
import * as models from "../../src/public/models.js";
import * as search from "../../src/public/search.js";
import * as service from "../../src/public/service.js";
import * as training from "../../src/public/training.js";
import { project } from "../fixtures/compiled.js";

/** Every surface: what a program writes after `from`, its file, and what it gives. */
export const surfaces = [
  { specifier: "sdfn", file: "src/index.ts", exported: basics },
  { specifier: "sdfn/search", file: "src/public/search.ts", exported: search },
  { specifier: "sdfn/service", file: "src/public/service.ts", exported: service },
  { specifier: "sdfn/training", file: "src/public/training.ts", exported: training },
  { specifier: "sdfn/models", file: "src/public/models.ts", exported: models },
] as const;

export interface PublicFunction {
  readonly name: string;
  /** Undefined where its docstring has none. */
  readonly example: string | undefined;
}

/** Functions and classes of all surfaces, each once; error classes excepted, which only the package makes. */
export function publicFunctions(): readonly PublicFunction[] {
  const sources = new Map(surfaces.flatMap(({ file }) => exportedFrom(file)));
  const names = surfaces.flatMap(({ exported }) =>
    Object.entries(exported)
      .filter(([, value]) => typeof value === "function" && !(value.prototype instanceof Error))
      .map(([name]) => name),
  );
  return [...new Set(names)].map((name) => ({ name, example: exampleOf(name, sources.get(name)) }));
}

/** Name and file of everything that a surface re-exports from a file. */
function exportedFrom(surface: string): [name: string, file: string][] {
  const text = readFileSync(join(project, surface), "utf8");
  return [...text.matchAll(/export \{([^}]*)\} from "(\.[^"]+)"/g)].flatMap(([, names = "", from = ""]) =>
    names.split(",").map((name): [string, string] => {
      return [name.trim(), normalize(join(dirname(surface), from)).replace(/\.js$/, ".ts")];
    }),
  );
}

/** What follows `@example` in the docstring of a function or class. */
function exampleOf(name: string, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  const text = readFileSync(join(project, file), "utf8");
  const docstring = "/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\s*";
  const declared = new RegExp(`${docstring}export (?:async |abstract )*(?:function|class) ${name}\\b`);
  const [, doc = ""] = declared.exec(text) ?? [];
  const [, example] = /@example\n([\s\S]*?)(?:\n \* @|\n \*?\s*$|$)/.exec(doc) ?? [];
  return example?.replaceAll(/^ \* ?/gm, "").trimEnd();
}
