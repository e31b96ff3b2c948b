/** The program's version and commit, as results record them. */
import { execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { readJsonSync } from "../files/read-json.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** The commit of the checkout this runs from, `-dirty` where files differ from it; `v<version>` outside a checkout. */
export function projectCommit(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync("git", ["-C", root, ...args], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }).trim();
    // The repository must be this project's own, not one that happens to contain an installed copy.
    if (git("rev-parse", "--show-prefix") === "") {
      return git("rev-parse", "--short=12", "HEAD") + (git("status", "--porcelain") === "" ? "" : "-dirty");
    }
  } catch {
    // No git, or no repository: the version says it.
  }
  return `v${projectVersion()}`;
}

/** The package's version. */
export function projectVersion(): string {
  const packageSchema = z.object({ version: z.string() });
  return readJsonSync(join(root, "package.json"), packageSchema, ({ cause }) => {
    throw cause; // the package is not whole
  }).version;
}
