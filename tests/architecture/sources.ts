/** The project's own sources and what they import, read as text. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, sep } from "node:path";
import { fileURLToPath } from "node:url";

const projectRoot = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

export interface SourceFile {
  /** Below the folder that was read, with slashes: "ops/matmul.ts". */
  readonly path: string;
  /** First folder of the path, or the file's own name at the top: "ops", "errors". */
  readonly folder: string;
  readonly isTest: boolean;
  readonly text: string;
  readonly imports: readonly Import[];
}

export interface Import {
  readonly specifier: string;
  /** Own file it leads to, below the same folder ("graph/op.ts"); undefined for packages. */
  readonly file: string | undefined;
  /** Package name without the path inside it: "echarts", "node:fs"; undefined for own files. */
  readonly packageName: string | undefined;
}

/** Every TypeScript file below a folder, src/ by default, in order of path. */
export function readSources(below = "src"): readonly SourceFile[] {
  const root = join(projectRoot, below);
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .map((path) => path.split(sep).join("/"))
    .filter((path) => /\.tsx?$/.test(path))
    .sort()
    .map((path) => {
      const text = readFileSync(join(root, path), "utf8");
      return {
        path,
        folder: folderOf(path),
        isTest: /\.test\.tsx?$/.test(path),
        text,
        imports: importsOf(path, text),
      };
    });
}

/** "ops/matmul.ts" -> "ops"; "errors.ts" -> "errors". */
export function folderOf(path: string): string {
  return path.split("/")[0]?.replace(/\.ts$/, "") ?? "";
}

/**
 * What a file imports or re-exports, statically or at run time. Comments are taken out first; an
 * import's address is always a plain string here.
 */
export function importsOf(path: string, text: string): readonly Import[] {
  const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  const patterns = [
    /^\s*(?:import|export)\s[^"'`;]*?\bfrom\s*["']([^"']+)["']/gm,
    /^\s*import\s*["']([^"']+)["']/gm,
    /\bimport\(\s*["']([^"']+)["']\s*\)/g,
  ];
  const specifiers = patterns.flatMap((pattern) =>
    [...code.matchAll(pattern)].map(([, specifier]) => specifier ?? ""),
  );
  return specifiers.map((specifier) =>
    specifier.startsWith(".")
      ? {
          specifier,
          file: posix.normalize(posix.join(posix.dirname(path), specifier)).replace(/\.js$/, ".ts"),
          packageName: undefined,
        }
      : { specifier, file: undefined, packageName: packageNameOf(specifier) },
  );
}

/** "@bufbuild/protobuf/wire" -> "@bufbuild/protobuf"; "echarts/core" -> "echarts". */
function packageNameOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/**
 * A cycle of a directed graph as the names along it, first name repeated at the end; undefined
 * when there is none.
 */
export function findCycle(edges: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>();
  const visit = (node: string, trail: readonly string[]): readonly string[] | undefined => {
    const start = trail.indexOf(node);
    if (start >= 0) return [...trail.slice(start), node];
    if (done.has(node)) return undefined;
    for (const next of edges.get(node) ?? []) {
      const cycle = visit(next, [...trail, node]);
      if (cycle) return cycle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of edges.keys()) {
    const cycle = visit(node, []);
    if (cycle) return cycle;
  }
  return undefined;
}
