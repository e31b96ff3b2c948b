// Runs modules one after another in one process and writes what each printed or threw: run-examples.mjs OUT FILE...
import { writeFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { format } from "node:util";

const [out, ...files] = process.argv.slice(2);
const results = {};
for (const file of files) {
  const lines = [];
  console.log = (...values) => lines.push(format(...values));
  const result = { lines };
  try {
    await import(pathToFileURL(resolve(file)).href);
  } catch (error) {
    result.error = String(error?.stack ?? error);
  }
  results[basename(file, ".mjs")] = result;
}
writeFileSync(out, JSON.stringify(results));
