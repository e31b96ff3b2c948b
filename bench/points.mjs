// Points of a benchmark, each measured in a process of its own so that its peak memory is its own.
import { execFile } from "node:child_process";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { freemem } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { projectCommit } from "../dist/runs/project-version.js";

/** Part of the free memory that a point may take: the machine stays usable, and nothing is killed. */
const usablePart = 0.8;

/** Results of this process, by key. */
const results = new Map();

/**
 * Runs a script on a point and gives what it prints, one JSON object.
 * @param {string} script beside this file
 * @param {object} point what it is given, with `availableBytes` and what is in `also`
 * @param {{resumeFile?: string, also?: object}} options `resumeFile` gets a line for each point that was measured; those
 *   that are in it are not measured again
 */
export async function measure(script, point, { resumeFile, also = {} }) {
  const key = JSON.stringify([script, point]);
  if (resumeFile) for (const line of linesOf(resumeFile)) results.set(line.key, line.result);
  const known = results.get(key);
  if (known) return known;
  const file = fileURLToPath(new URL(script, import.meta.url));
  const given = JSON.stringify({ ...point, ...also, availableBytes: availableBytes() * usablePart });
  const { stdout } = await promisify(execFile)(process.execPath, [file, given]);
  const result = JSON.parse(stdout.trim().split("\n").at(-1));
  if (result.skipped) return result;
  results.set(key, result);
  if (resumeFile) {
    appendFileSync(resumeFile, `${JSON.stringify({ key, commit: projectCommit(), result })}\n`);
  }
  return result;
}

/** Highest memory of this process so far, bytes. What `resourceUsage` says may be the parent's, from before the program began. */
export function peakBytes() {
  const status = existsSync("/proc/self/status") ? readFileSync("/proc/self/status", "utf8") : "";
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(status) ?? [];
  return Number(kilobytes ?? process.resourceUsage().maxRSS) * 1024;
}

/** "12,345" */
export function megabytes(bytes) {
  return Math.round(bytes / 1e6).toLocaleString("en-GB");
}

function linesOf(file) {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1); // what follows the last break was cut short
  return lines.map((line) => JSON.parse(line));
}

function availableBytes() {
  const file = "/proc/meminfo";
  const [, kilobytes] =
    (existsSync(file) && /MemAvailable:\s+(\d+) kB/.exec(readFileSync(file, "utf8"))) || [];
  return kilobytes === undefined ? freemem() : Number(kilobytes) * 1024;
}
