/** The compiled executable as processes of its own: commands that end, and services that run. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { executable } from "../fixtures/compiled.js";

/** Runs a command to its end and gives its output. @throws Error with what it wrote when it fails. */
export async function command(...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [executable, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let [output, errors] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`sdfn ${args.join(" ")}: ended with ${code}: ${errors}`);
  return output;
}

/** A service in a process of its own. */
export interface Served {
  /** "http://127.0.0.1:34567" */
  readonly address: string;
  /** Ends it at once. */
  stop(): Promise<void>;
}

/** Starts `sdfn serve` and waits until it listens. */
export async function serve(index: string, ...flags: readonly string[]): Promise<Served> {
  const args = ["serve", index, "--port", "0", "--json", "--log-level", "warn", ...flags];
  const child = spawn(process.execPath, [executable, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const [line] = await Promise.race([
    once(child.stdout, "data"),
    ended.then(([code]) => {
      throw new Error(`sdfn ${args.join(" ")}: ended with ${code} before it listened`);
    }),
  ]);
  const { address } = JSON.parse(String(line)) as { address: string };
  return {
    address,
    async stop() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
