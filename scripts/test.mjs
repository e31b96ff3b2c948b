// What `npm test` runs once everything is installed: format and lint, types, and every test. Where CI=true, also the
// unit tests (between the oldest and the newest some) and a short way through the commands on the other releases of Node.js.
// All of them run, whatever fails; the first failure's code is this process's. The last line reads
// `<n> passed, <n> failed` and counts tests.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findChromium, installChromium } from "./chromium.mjs";
import { nodeOf, supportedMajors } from "./node-versions.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const scratch = mkdtempSync(join(tmpdir(), "sdfn-test-"));

const checks = [
  ["Format and lint", ["@biomejs/biome/bin/biome", "check", "."]],
  ["Types", ["typescript/bin/tsc", "--noEmit", "-p", "tsconfig.json"]],
  ["Types of the page", ["typescript/bin/tsc", "-p", "web/tsconfig.json"]],
];
/** What runs on every other release: a training that is stopped, an export, and the service over an index. */
const wayThrough = ["tests/cli/process", "tests/bundle/command", "tests/service/routes"];
/** Beside it: all unit tests on the newest, which differs most from the oldest; on those between, of what meets Node.js itself. */
const unitTests = ["src/"];
const someUnitTests = ["src/engine/", "src/files/", "src/images/", "src/tensor-files/", "src/search/store/"];

const failures = [];
const notes = [];
let [passed, failed] = [0, 0];

if (findChromium() === undefined) installChromium();
for (const [name, script] of checks) run(name, process.execPath, script);
test("Tests", process.execPath, process.argv.slice(2));
if (process.env.CI === "true") testOtherReleases();
rmSync(scratch, { recursive: true, force: true });

if (failures.length === 0 && passed === 0) failures.push({ name: "Tests (none ran)", code: 1 });
console.log(
  failures.length === 0 ? "\nEverything passed." : `\nFailed: ${failures.map(({ name }) => name).join(", ")}`,
);
if (findChromium() === undefined) {
  notes.push("the tests of the page (tests/web): no Chromium; install one, or name it in SDFN_CHROMIUM.");
}
for (const note of notes) console.log(`SKIPPED: ${note}`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failures[0]?.code ?? 0);

function testOtherReleases() {
  const own = Number(process.versions.node.split(".")[0]);
  for (const major of supportedMajors) {
    if (major === own) continue;
    const node = nodeOf(major, scratch);
    const isNewest = major === Math.max(...supportedMajors);
    const tests = [...(isNewest ? unitTests : someUnitTests), ...wayThrough];
    if (node) test(`Tests on Node.js ${major}: ${tests.join(", ")}`, node, tests);
    else
      notes.push(
        `the tests on Node.js ${major}: its executable could not be installed from the npm registry.`,
      );
  }
}

/** Runs Vitest and counts its tests. */
function test(name, node, args) {
  const resultFile = join(scratch, "results.json");
  rmSync(resultFile, { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${resultFile}`];
  run(name, node, ["vitest/vitest.mjs", "run", ...reporters, ...args]);
  const counts = countTests(resultFile);
  passed += counts.passed;
  failed += counts.failed;
}

function run(name, node, [script, ...args]) {
  console.log(`\n== ${name}`);
  const { status } = spawnSync(node, [join(root, "node_modules", script), ...args], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  // No status: the process was ended by a signal.
  if (status !== 0) failures.push({ name, code: status ?? 1 });
}

/** Numbers of tests; a file that could not be loaded counts as one failed test. */
function countTests(resultFile) {
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
