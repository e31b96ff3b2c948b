/** What every command is given besides its options. */

export interface CommandContext {
  /** Results. */
  readonly stdout: NodeJS.WritableStream;
  /** Progress and messages. */
  readonly stderr: NodeJS.WriteStream;
  /** Asks the command to stop. */
  readonly signal: AbortSignal;
}

/** Exit codes of the executable; 130 is what shells expect after Ctrl-C. */
export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

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
