#!/usr/bin/env node
/** The `sdfn` executable: checks Node.js before anything else loads, then runs the program. */

/** As package.json's "engines" says. */
const [neededMajor, neededMinor] = [20, 19];

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < neededMajor || (major === neededMajor && minor < neededMinor)) {
  const message = `Node.js ${neededMajor}.${neededMinor} or newer is needed; got ${process.versions.node}; install a current release from https://nodejs.org`;
  process.stderr.write(`ENVIRONMENT: ${message}\n`);
  if (process.argv.includes("--json")) {
    process.stdout.write(`${JSON.stringify({ error: { code: "ENVIRONMENT", message } })}\n`);
  }
  process.exitCode = 1;
} else {
  const { runExecutable } = await import("./executable.js");
  await runExecutable();
}

export {};
