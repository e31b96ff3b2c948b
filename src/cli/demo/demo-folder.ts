/** The folder that a demo owns: what is in it, and when it may be emptied. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { UsageError } from "../../errors.js";

/** Says that a folder is a demo's, so that the next one may replace what it holds. */
const markerFile = "demo.json";

/** Where a demo puts what it makes. */
export interface DemoFolder {
  readonly catalogue: string;
  readonly report: string;
  readonly results: string;
  /** A shop's table of the pictures that can be searched, and their index. */
  readonly table: string;
  readonly index: string;
  /** Resized images, which all models share; gone when the demo is done. */
  readonly imageCache: string;
  runOf(model: string): string;
}

/**
 * Makes the folder ready: an earlier demo's runs, index and report are removed, its catalogue stays.
 * @throws UsageError when the folder holds something that is not a demo's.
 */
export function prepareDemoFolder(out: string, models: readonly string[]): DemoFolder {
  const root = resolve(out);
  const content = existsSync(root) ? readdirSync(root) : [];
  if (content.length > 0 && !content.includes(markerFile)) {
    throw new UsageError(
      `--out: the folder is not empty and not a demo's; got ${content.slice(0, 3).join(", ")} in ${root}; choose a new folder`,
    );
  }
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, markerFile), `${JSON.stringify({ format: 1, models })}\n`);
  const folder = {
    catalogue: join(root, "catalogue"),
    report: join(root, "report.html"),
    results: join(root, "results.json"),
    table: join(root, "catalogue.csv"),
    index: join(root, "index"),
    imageCache: join(root, "resized-images"),
    runOf: (model: string) => join(root, model),
  };
  const { report, results, table, index, imageCache } = folder;
  for (const old of [report, results, table, index, imageCache, ...models.map(folder.runOf)]) {
    rmSync(old, { recursive: true, force: true });
  }
  return folder;
}
