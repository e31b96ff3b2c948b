// One target in a process of its own: makes inputs, checks them, and writes down what goes wrong. Started by watch.mjs.
//
// The input under way is always in `scratch/input`, so that a process that was killed or crashed leaves it behind.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Random, SdfnError } from "./project.mjs";

/** Processor time of one input: what the machine does besides does not count. */
const cpuSeconds = 1;

const { module, target: name, seed, scratch, first, seconds, inputs, replay } = JSON.parse(process.argv[2]);
const { targets } = await import(module);
const { memoryMib, open } = targets[name];
const place = join(scratch, "place");
mkdirSync(place);
const target = await open(place);
const findings = [];
let index = first;

if (replay === undefined) await search();
else await look(readFileSync(replay));
let atEnd;
try {
  await target.close();
} catch (error) {
  atEnd = reasonOf(error);
}
writeFileSync(join(scratch, "result.json"), JSON.stringify({ inputs: index, findings, atEnd }));
process.exit();

async function search() {
  const endMs = performance.now() + 1000 * seconds;
  for (; performance.now() < endMs && index < inputs; index += 1) {
    writeFileSync(join(scratch, "index"), String(index));
    await look(target.make(new Random(seed).fork(`${name} ${index}`)));
  }
}

/** Checks one input. A slow one is tried again: the first run of some code compiles it. */
async function look(bytes) {
  writeFileSync(join(scratch, "input"), bytes);
  let { reason, cpu } = await tried(bytes);
  if (reason === undefined && cpu > cpuSeconds) {
    ({ reason, cpu } = await tried(bytes));
    if (cpu > cpuSeconds) reason ??= `takes ${cpu.toFixed(1)} s of processor time; at most ${cpuSeconds} s`;
  }
  if (reason === undefined) return;
  findings.push({ reason, bytes: bytes.toString("base64") });
  writeFileSync(join(scratch, "findings.json"), JSON.stringify(findings));
}

async function tried(bytes) {
  const largestBefore = largestMib();
  const start = process.cpuUsage();
  let reason;
  try {
    await target.check(Buffer.from(bytes));
  } catch (error) {
    reason = reasonOf(error);
  }
  const { user, system } = process.cpuUsage(start);
  const grownMib = largestMib() - largestBefore;
  if (grownMib > memoryMib) reason ??= `takes ${Math.round(grownMib)} MiB of memory; at most ${memoryMib}`;
  return { reason, cpu: (user + system) / 1e6 };
}

/**
 * The most memory that this process has had. Linux counts in maxRSS what the process that started this one had too,
 * and a small input's growth would not be seen below that.
 */
function largestMib() {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS / 1024;
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))[1]) / 1024;
}

/** What a user may cause has a class of its own; everything else is a fault of the project's. */
function reasonOf(error) {
  if (error instanceof SdfnError) return undefined;
  return error instanceof Error ? (error.stack ?? error.message) : `threw ${String(error)}`;
}
