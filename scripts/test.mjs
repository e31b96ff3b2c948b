// What `npm test` runs once everything is installed: format and lint, types, and every test.
// All of them run, whatever fails; the first failure's code is this process's. The last line reads
// `<n> passed, <n> failed` and counts tests.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findChromium, installChromium } from "./chromium.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const scratch = mkdtempSync(join(tmpdir(), "sdfn-test-"));
const resultFile = join(scratch, "results.json");

const checks = [
  ["Format and lint", ["@biomejs/biome/bin/biome", "check", "."]],
  ["Types", ["typescript/bin/tsc", "--noEmit", "-p", "tsconfig.json"]],
  ["Types of the page", ["typescript/bin/tsc", "-p", "web/tsconfig.json"]],
  [
    "Tests",
    [
      "vitest/vitest.mjs",
      "run",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${resultFile}`,
      ...process.argv.slice(2),
    ],
  ],
];

if (findChromium() === undefined) installChromium();

const failures = [];
for (const [name, [script, ...args]] of checks) {
  console.log(`\n== ${name}`);
  const { status } = spawnSync(process.execPath, [join(root, "node_modules", script), ...args], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  // No status: the process was ended by a signal.
  if (status !== 0) failures.push({ name, code: status ?? 1 });
}

const { passed, failed } = countTests();
rmSync(scratch, { recursive: true, force: true });
if (failures.length === 0 && passed === 0) failures.push({ name: "Tests (none ran)", code: 1 });
console.log(
  failures.length === 0 ? "\nEverything passed." : `\nFailed: ${failures.map(({ name }) => name).join(", ")}`,
);
if (findChromium() === undefined) {
  console.log(
    "SKIPPED: the tests of the page (tests/web): no Chromium; install one, or name it in SDFN_CHROMIUM.",
  );
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failures[0]?.code ?? 0);

/** Numbers of tests; a file that could not be loaded counts as one failed test. */
function countTests() {
  let results;
  try {
    results = JSON.parse(readFileSync(resultFile, "utf8"));
  } catch {
    return { passed: 0, failed: 1 };
  }
  const unloaded = results.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
  );
  return { passed: results.numPassedTests, failed: results.numFailedTests + unloaded.length };
}
