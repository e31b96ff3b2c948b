// What every npm script runs first: the right Node.js, the installed packages, the compiled project.
// Plain JavaScript without dependencies, so that it runs on a clean clone and on a too old Node.js.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
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
