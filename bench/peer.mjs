// A program in PyTorch that runs in turn with ours: on a shared machine only the ratio means something.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const python = "/usr/bin/python3";

/**
 * PyTorch's process, warmed up; undefined, with a word on standard error, where PyTorch is not installed.
 * `run` sends a line and gives the seconds that the program took for it; `ready` is what it printed first.
 */
export async function startPeer(script, args, threadCount = 2) {
  const file = fileURLToPath(new URL(script, import.meta.url));
  if (!existsSync(python)) return missing(`there is no ${python}`);
  const child = spawn(python, [file, ...args], {
    env: { ...process.env, OMP_NUM_THREADS: String(threadCount) },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let complaint = "";
  child.stderr.on("data", (text) => {
    complaint += text;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    return done ? undefined : JSON.parse(value);
  };
  const ready = await next();
  if (ready === undefined) return missing(complaint.trim().split("\n").at(-1));
  return {
    ready,
    async run(line = "go") {
      child.stdin.write(`${line}\n`);
      return (await next()).seconds;
    },
    async stop() {
      child.stdin.end();
      return next();
    },
  };
}

function missing(reason) {
  console.error(`PyTorch is not measured: ${reason}`);
  return undefined;
}
