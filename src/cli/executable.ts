/** What the executable adds to the program: the process's streams, Ctrl-C and exit codes. */
import { isErrno } from "../files/errno.js";
import { runProgram } from "./run-program.js";
import { exitCodes } from "./terminal/context.js";

/** npx passes on the signal that the terminal gave this process already: two so close together are one Ctrl-C. */
const sameKeyMs = 500;

/**
 * Runs the command line of this process. The first Ctrl-C asks the command to stop, the second
 * ends the process. A reader that goes away (`sdfn ... | head`) ends it without a message.
 */
export async function runExecutable(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error) => {
      if (!isErrno(error, "EPIPE")) throw error;
      process.exit(exitCodes.done);
    });
  }
  const interrupt = new AbortController();
  let firstMs = 0;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (interrupt.signal.aborted) {
        if (performance.now() - firstMs < sameKeyMs) return;
        process.exit(exitCodes.interrupted);
      }
      firstMs = performance.now();
      process.stderr.write("\nStopping ... (once more to stop at once)\n");
      interrupt.abort();
    });
  }
  const code = await runProgram(process.argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    signal: interrupt.signal,
  });
  // Work that cannot be called back may still be under way after an interruption.
  if (interrupt.signal.aborted) process.exit(code);
  process.exitCode = code;
}
