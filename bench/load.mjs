// The service under many clients at once: errors, latency, throughput, memory over time, delay of its event loop.
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { Random } from "../dist/engine/tensor/random.js";
import { drawIndex, drawText, searchOverHttp, startServing } from "./serving.mjs";
import { countOption, itemsOption, pictureFolderOption, widthOption } from "./shared-options.mjs";
import { quantile } from "./statistics.mjs";

export const load = {
  summary: "the service under many clients",
  description:
    "`sdfn serve` under many clients at once: errors, latency, throughput, memory, and how late its event loop is.",
  options: [
    itemsOption,
    widthOption,
    countOption("--clients <n>", "clients, each of which asks again as soon as it is answered", 16),
    countOption("--seconds <n>", "time that counts, after 15 s that do not", 60),
    pictureFolderOption,
  ],
  examples: ["load --clients 16 --seconds 60", "load --items 1000 --clients 2 --seconds 2"],
  run: runLoad,
};

/** Seconds before the minute that counts: caches fill, memory settles. */
const warmupSeconds = 15;
/** Gauges that are read once a second, by the name of what is reported. */
const gauges = {
  residentBytes: "process_resident_memory_bytes",
  heapBytes: "nodejs_heap_size_used_bytes",
  /** The longest since the reading before. */
  eventLoopMaxSeconds: "nodejs_eventloop_lag_max_seconds",
  eventLoopP99Seconds: "nodejs_eventloop_lag_p99_seconds",
};

async function runLoad({ folder, width: embedDim, items: itemCount, clients, seconds }, say) {
  const root = mkdtempSync(join(tmpdir(), "load-"));
  try {
    const { indexFolder, pictures } = await drawIndex(root, { folder, embedDim, itemCount });
    // All clients have one address.
    const unbounded = ["--rate-limit", "1000000", "--model-time", "60", "--address-requests", "10000"];
    const service = await startServing(indexFolder, [...unbounded, "--log-level", "error"]);
    const measured = await askFor(seconds, { address: service.address, clients, pictures, itemCount });
    await service.stop();
    const { done, errors, readings } = measured;
    const highest = (name) => Math.max(...readings.map((reading) => reading[name]));
    const result = {
      answered: done.length,
      errors: errors.length,
      perSecond: done.length / seconds,
      ms: summary(done),
      byKind: Object.fromEntries(
        Object.keys(kinds).map((kind) => [kind, summary(done.filter((one) => one.kind === kind))]),
      ),
      memory: memoryOf(readings),
      eventLoopMs: {
        longest: 1000 * highest("eventLoopMaxSeconds"),
        p99: 1000 * highest("eventLoopP99Seconds"),
      },
      threads: availableParallelism(),
    };
    if (errors.length > 0) console.error(`the first error: ${errors[0]}`);
    say(describe(result, { clients, seconds, itemCount }));
    return result;
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** Clients that ask, and the service's gauges once a second. What happens before the warm-up's end is not counted. */
async function askFor(seconds, { address, clients, pictures, itemCount }) {
  const start = performance.now();
  const isOver = () => performance.now() - start > 1000 * (warmupSeconds + seconds);
  const isCounted = () => performance.now() - start > 1000 * warmupSeconds;
  const [done, errors, readings] = [[], [], []];
  const client = async (number) => {
    const random = new Random(number);
    for (let i = number; !isOver(); i += 1) {
      const [kind, request, picture] = drawRequest(random, { i, pictures, itemCount });
      const sent = performance.now();
      try {
        await searchOverHttp(address, request, picture);
        if (isCounted()) done.push({ kind, ms: performance.now() - sent });
      } catch (error) {
        errors.push(String(error));
      }
    }
  };
  const watch = async () => {
    while (!isOver()) {
      await after(1000);
      const reading = await readGauges(address);
      if (isCounted()) readings.push(reading);
    }
  };
  await Promise.all([watch(), ...Array.from({ length: clients }, (_, i) => client(i))]);
  return { done, errors, readings };
}

/** What clients ask for, and how often of eight times. */
const kinds = { "picture and text": 3, "item and text": 3, "text, filtered": 1, "item alone": 1 };
const turns = Object.entries(kinds).flatMap(([kind, times]) => Array(times).fill(kind));

function drawRequest(random, { i, pictures, itemCount }) {
  const kind = turns[i % turns.length];
  const { text } = drawText(random);
  const id = `item-${random.integer(itemCount)}`;
  if (kind === "picture and text") {
    const request = { queries: [{ reference: { upload: "picture" }, text }] };
    return [kind, request, pictures[random.integer(pictures.length)]];
  }
  if (kind === "item and text") return [kind, { queries: [{ reference: { id }, text }] }];
  if (kind === "item alone") return [kind, { queries: [{ reference: { id } }] }];
  return [kind, { queries: [{ text }], filter: [{ kind: "price", max: 40 }] }];
}

async function readGauges(address) {
  const text = await (await fetch(new URL("/metrics", address))).text();
  return Object.fromEntries(
    Object.entries(gauges).map(([name, metric]) => {
      const [, value] = new RegExp(`^${metric}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(text) ?? [];
      if (value === undefined) throw new Error(`/metrics has no ${metric}`);
      return [name, Number(value)];
    }),
  );
}

/** Means of the first and the last quarter of the readings: flat memory has about the same. */
function memoryOf(readings) {
  const quarter = Math.max(1, Math.floor(readings.length / 4));
  const meanMb = (some) =>
    some.reduce((sum, { residentBytes }) => sum + residentBytes, 0) / some.length / 2 ** 20;
  return {
    firstQuarterMb: meanMb(readings.slice(0, quarter)),
    lastQuarterMb: meanMb(readings.slice(-quarter)),
    highestMb: Math.max(...readings.map(({ residentBytes }) => residentBytes)) / 2 ** 20,
  };
}

function summary(answers) {
  const ms = answers.map((one) => one.ms);
  if (ms.length === 0) return null;
  return { count: ms.length, p50: quantile(ms, 0.5), p95: quantile(ms, 0.95), longest: Math.max(...ms) };
}

function describe(
  { answered, errors, perSecond, ms, byKind, memory, eventLoopMs },
  { clients, seconds, itemCount },
) {
  const row = (name, one) =>
    `| ${name} | ${one.count} | ${one.p50.toFixed(0)} | ${one.p95.toFixed(0)} | ${one.longest.toFixed(0)} |`;
  return [
    `${clients} clients for ${seconds} s, ${itemCount} items: ${answered} answers, ${errors} errors, ${perSecond.toFixed(1)} a second`,
    "",
    "| query | answers | p50, ms | p95, ms | longest, ms |\n|---|---|---|---|---|",
    ...Object.entries({ all: ms, ...byKind }).flatMap(([name, one]) =>
      one === null ? [] : [row(name, one)],
    ),
    "",
    `memory ${memory.firstQuarterMb.toFixed(0)} MB in the first quarter, ${memory.lastQuarterMb.toFixed(0)} in the last, highest ${memory.highestMb.toFixed(0)}`,
    `event loop late by ${eventLoopMs.longest.toFixed(1)} ms at most, 99 % of the time by ${eventLoopMs.p99.toFixed(1)} at most`,
  ].join("\n");
}
