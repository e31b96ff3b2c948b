/** Writes a page where the user asked for it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { UsageError } from "../../errors.js";

/**
 * Writes `html`, making the folder where it is missing.
 * @param option that named the file.
 * @throws UsageError when the file cannot be written.
 */
export function writePage(file: string, html: string, option = "--html"): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, html);
  } catch (cause) {
    throw new UsageError(`${option}: the page cannot be written; got ${cause}; choose another file`, {
      cause,
    });
  }
}
