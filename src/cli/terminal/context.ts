/** What every command is given besides its options. */

export interface CommandContext {
  /** Results. */
  readonly stdout: NodeJS.WritableStream;
  /** Progress and messages. */
  readonly stderr: NodeJS.WriteStream;
  /** Asks the command to stop. */
  readonly signal: AbortSignal;
}

/** Thrown by a command that did its work and said everything: the program ends with this code. */
export class ExitCode extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** One line of JSON on standard output: what `--json` promises. */
export function printJson({ stdout }: CommandContext, value: unknown): void {
  stdout.write(`${JSON.stringify(value)}\n`);
}

/**
 * The result of work that has nothing to save when it is stopped; the work itself may run on.
 * @throws the signal's reason as soon as it is aborted.
 */
export async function untilAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    if (stop) signal.removeEventListener("abort", stop);
  }
}
