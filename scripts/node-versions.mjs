// Other releases of Node.js, from the packages that carry its executable, for the tests that CI runs on each.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** Releases that the project supports. */
export const supportedMajors = [20, 22, 24];

/** Path of an executable of that release, installed into `folder`; undefined where there is none for this system. */
export function nodeOf(major, folder) {
  const system = process.platform === "win32" ? "win" : process.platform;
  const name = `node-${system}-${process.arch}`;
  const own = join(folder, `node-${major}`);
  const options = ["--prefix", own, "--no-save", "--ignore-scripts", "--no-fund", "--no-audit"];
  spawnSync("npm", ["install", ...options, `${name}@${major}`], {
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  const executable = join(
    own,
    "node_modules",
    name,
    "bin",
    process.platform === "win32" ? "node.exe" : "node",
  );
  return existsSync(executable) ? executable : undefined;
}
