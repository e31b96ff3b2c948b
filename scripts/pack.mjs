// `npm run pack`: the package file to publish. It carries its dependencies' versions as npm-shrinkwrap.json: those that
// were tested, and without install scripts, so that `npm install sdfn` downloads nothing from outside the registry
// (docs/decisions/0002-dependencies.md).
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const shrinkwrap = join(root, "npm-shrinkwrap.json");

/** The lock of what users install; npm runs no script of a package whose entry does not say that it has one. */
function publishedLock() {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const { devDependencies: _, ...project } = lock.packages[""];
  const kept = Object.entries(lock.packages).filter(([path, { dev }]) => path !== "" && !dev);
  const entries = kept.map(([path, { hasInstallScript: _, ...entry }]) => [path, entry]);
  return { ...lock, packages: { "": project, ...Object.fromEntries(entries) } };
}

writeFileSync(shrinkwrap, `${JSON.stringify(publishedLock(), undefined, 2)}\n`);
try {
  const { status } = spawnSync("npm", ["pack", ...process.argv.slice(2)], {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  process.exitCode = status ?? 1;
} finally {
  rmSync(shrinkwrap);
}
