// One point of `bench -- growth`, in a process of its own so that its peak memory is its own. Prints one JSON line.
import { existsSync, readFileSync } from "node:fs";
import { startOwnStep } from "./own-step.mjs";

const { steps, ...options } = JSON.parse(process.argv[2] ?? "{}");
const step = await startOwnStep(options);
const measured = [];
for (let i = 0; i <= steps; i += 1) {
  const before = process.cpuUsage();
  const seconds = await step.run();
  const { user, system } = process.cpuUsage(before);
  measured.push({ seconds, cpuSeconds: (user + system) / 1e6 });
}
const counted = measured.length > 1 ? measured.slice(1) : measured; // the first allocates
console.log(
  JSON.stringify({
    seconds: median(counted.map(({ seconds }) => seconds)),
    cpuSeconds: median(counted.map(({ cpuSeconds }) => cpuSeconds)),
    peakMb: peakMb(),
  }),
);

/** @param {number[]} values */
function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Highest memory of this process, MiB. What `resourceUsage` says may be the parent's, from before the program began. */
function peakMb() {
  const status = existsSync("/proc/self/status") ? readFileSync("/proc/self/status", "utf8") : "";
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(status) ?? [];
  return Number(kilobytes ?? process.resourceUsage().maxRSS) / 1024;
}
