// What every npm script runs first: the right Node.js, the installed packages, the compiled project, the built page.
// Plain JavaScript without dependencies, so that it runs on a clean clone and on a too old Node.js.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`ENVIRONMENT: Node.js 20.19 or newer is needed; got ${process.versions.node}.
Install a current release from https://nodejs.org, then run the command again.`);
  process.exit(1);
}

/** Runs a command in the project; ends this process with its message when it fails. */
function run(command, args, failure) {
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (status !== 0) {
    console.error(`ENVIRONMENT: ${failure}`);
    process.exit(1);
  }
}

const stamp = join(root, "node_modules", ".sdfn-installed");
const wanted = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
  console.error("Installing packages (once) ...");
  run(
    "npm",
    ["ci", "--no-fund", "--no-audit"],
    "npm ci failed; check the network and the registry, then run the command again.",
  );
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}
run(
  process.execPath,
  [join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"],
  "the project does not compile; see the messages above.",
);

// The page is built anew when something that it is built from changed. Every build empties its folder, stamp and all.
const pageStamp = join(root, "dist", "web", ".stamp");
const pageSources = hashOfFiles(["web", "package-lock.json"]);
if (!existsSync(pageStamp) || readFileSync(pageStamp, "utf8") !== pageSources) {
  console.error("Building the page ...");
  run(
    process.execPath,
    [join(root, "node_modules/vite/bin/vite.js"), "build", "web", "--logLevel", "warn"],
    "the page in web/ could not be built; see the messages above.",
  );
  writeFileSync(pageStamp, pageSources);
}

/** One hash of files and of everything in folders, names and contents. */
function hashOfFiles(paths) {
  const hash = createHash("sha256");
  for (const path of paths) {
    const isFolder = statSync(join(root, path)).isDirectory();
    const files = isFolder ? readdirSync(join(root, path), { recursive: true }).sort() : [""];
    for (const file of files.map((name) => join(path, name))) {
      if (statSync(join(root, file)).isDirectory()) continue;
      const bytes = readFileSync(join(root, file));
      hash.update(`${file.replaceAll("\\", "/")}\0${bytes.length}\0`).update(bytes);
    }
  }
  return hash.digest("hex");
}
