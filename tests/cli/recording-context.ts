/** A command's surroundings for tests: streams that keep what is written. */
import { PassThrough } from "node:stream";
import type { CommandContext } from "../../src/cli/terminal/context.js";

export interface RecordingContext extends CommandContext {
  /** What was written to standard output. */
  output(): string;
  /** What was written to standard error. */
  errors(): string;
}

/** Streams as pipes, not terminals, unless `isTTY`. */
export function recordingContext({
  signal = new AbortController().signal,
  isTTY = false,
}: {
  readonly signal?: AbortSignal;
  readonly isTTY?: boolean;
} = {}): RecordingContext {
  const [out, error] = [recorder(), recorder()];
  const stderr = Object.assign(error.stream, {
    isTTY,
    columns: 120,
    rows: 40,
  }) as unknown as NodeJS.WriteStream;
  return { stdout: out.stream, stderr, signal, output: out.text, errors: error.text };
}

/** What a command complained of: standard error without the warnings that tiny data sets bring about. */
export function withoutWarnings(errors: string): string {
  return errors.replaceAll(/^warning: .*\n/gm, "");
}

function recorder(): { readonly stream: PassThrough; readonly text: () => string } {
  const chunks: string[] = [];
  const stream = new PassThrough();
  stream.on("data", (chunk: Buffer) => chunks.push(chunk.toString()));
  return { stream, text: () => chunks.join("") };
}
