// Runs one target in a process of its own and ends it when an input does not end.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const heapMib = 1024;
const lookMs = 500;

/**
 * @param {{target: string, seed: number, seconds?: number, inputs?: number, replay?: string, module?: string,
 *   stuckMs?: number}} work `replay` names a file of one input's bytes, `module` the file that has the targets, and
 *   `stuckMs` is for waiting of any kind, on a machine that is busy with other things too.
 * @returns {Promise<{inputs: number, findings: {reason: string, bytes: string}[]}>}
 */
export async function watched({ seconds = 3600, inputs = Number.MAX_SAFE_INTEGER, ...others }) {
  const work = { module: new URL("targets.mjs", import.meta.url).href, stuckMs: 30_000, ...others };
  const endMs = performance.now() + 1000 * seconds;
  const findings = [];
  // After an input that ends the process another one continues with the next.
  for (let first = 0; ; ) {
    const secondsLeft = (endMs - performance.now()) / 1000;
    const part = await oneProcess({ ...work, first, inputs, seconds: secondsLeft });
    findings.push(...part.findings);
    first = part.next;
    if (part.hasEnded || work.replay || first >= inputs || performance.now() >= endMs)
      return { inputs: first, findings };
  }
}

async function oneProcess(work) {
  const scratch = mkdtempSync(join(tmpdir(), "sdfn-fuzz-"));
  try {
    const { how, output } = await run({ ...work, scratch });
    const read = (name) => (existsSync(join(scratch, name)) ? readFileSync(join(scratch, name)) : undefined);
    const result = JSON.parse(read("result.json")?.toString() ?? "null");
    const findings = result?.findings ?? JSON.parse(read("findings.json")?.toString() ?? "[]");
    const input = read("input");
    const bytes = (input ?? Buffer.alloc(0)).toString("base64");
    if (result !== null) {
      if (result.atEnd) findings.push({ reason: `at the end: ${result.atEnd}`, bytes });
      return { hasEnded: true, next: result.inputs, findings };
    }
    if (input === undefined) {
      throw new Error(`fuzz: target ${work.target} could not be started; ${how}\n${output}`);
    }
    findings.push({ reason: `${how}\n${output.slice(-2000)}`, bytes });
    return { hasEnded: false, next: Number(read("index") ?? 0) + 1, findings };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Resolves when the process has ended, with how it did and the end of what it printed. */
function run(work) {
  const script = fileURLToPath(new URL("child.mjs", import.meta.url));
  const child = spawn(process.execPath, [`--max-old-space-size=${heapMib}`, script, JSON.stringify(work)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output = (output + chunk).slice(-10_000);
    });
  }
  let isStuck = false;
  const watch = setInterval(() => {
    const input = join(work.scratch, "input");
    if (!existsSync(input) || Date.now() - statSync(input).mtimeMs < work.stuckMs) return;
    isStuck = true;
    child.kill("SIGKILL");
  }, lookMs);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      clearInterval(watch);
      const how = isStuck
        ? `does not end within ${work.stuckMs / 1000} s`
        : `the process ended with ${signal ?? code}`;
      resolve({ how, output });
    });
  });
}
