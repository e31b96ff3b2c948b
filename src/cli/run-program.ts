/** Runs a command line in this process and turns what goes wrong into messages and exit codes. */
import { type Command, CommanderError } from "commander";
import { SdfnError, UsageError } from "../errors.js";
import { placeInModelFile } from "../models/place-in-model-file.js";
import { projectVersion } from "../runs/project-version.js";
import { visibleStream } from "../visible-text.js";
import { fullName } from "./flags/option-command.js";
import { createProgram } from "./program.js";
import { type CommandContext, ExitCode, exitCodes, printJson } from "./terminal/context.js";

/**
 * Runs one command.
 * @param args what follows `sdfn` on the command line.
 * @returns the exit code. Nothing is thrown: errors are on `stderr`, with --json on `stdout` too.
 */
export async function runProgram(args: readonly string[], given: CommandContext): Promise<number> {
  // What commands say has names and texts of files and servers in it: the one way to the terminal is through these.
  const context = { ...given, stdout: visibleStream(given.stdout), stderr: visibleStream(given.stderr) };
  try {
    const program = await createProgram(args, context);
    for (const command of withSubcommands(program)) prepare(command, context);
    await program.parseAsync(args, { from: "user" });
    return context.signal.aborted ? exitCodes.interrupted : exitCodes.done;
  } catch (error) {
    return report(error, { context, isJson: isJsonAsked(args) });
  }
}

/** A wrong command line, as commander found it. */
class CommandLineError extends UsageError {}

/** Help was printed, which is all that was asked. */
class HelpPrinted extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super("help");
    this.exitCode = exitCode;
  }
}

/** Commander throws instead of exiting, writes to the given streams, and leaves errors to `report`. */
function prepare(command: Command, { stdout, stderr }: CommandContext): void {
  command
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: () => undefined,
    })
    .exitOverride((error) => {
      if (error.code === "commander.helpDisplayed" || error.code === "commander.version") {
        throw new HelpPrinted(exitCodes.done);
      }
      // A command that is only a group was named without one of its own.
      if (error.code === "commander.help") throw new HelpPrinted(exitCodes.usage);
      const message = error.message
        .replace(/^error: /, "")
        .replaceAll("\n", " ")
        .replace(/\.$/, "");
      throw new CommandLineError(`${message}; see ${fullName(command)} --help`);
    });
}

function report(
  error: unknown,
  { context, isJson }: { readonly context: CommandContext; readonly isJson: boolean },
): number {
  const { stderr, signal } = context;
  if (error instanceof HelpPrinted || error instanceof ExitCode) return error.exitCode;
  const say = (code: string, message: string, shown = `${code}: ${message}`): void => {
    stderr.write(`${shown}\n`);
    if (isJson) printJson(context, { error: { code, message } });
  };
  const place = placeInModelFile(error);
  if (error instanceof SdfnError) {
    say(error.code, place === undefined ? error.message : `${error.message}; at ${place}`);
    return error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
  }
  if (error instanceof CommanderError) {
    say("USAGE", error.message);
    return exitCodes.usage;
  }
  if (signal.aborted && (error === signal.reason || isAbortError(error))) {
    say("INTERRUPTED", "stopped before the end");
    return exitCodes.interrupted;
  }
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? message) : message;
  if (place !== undefined) {
    say("MODEL_FILE_INVALID", `${place}: ${message}`, `${stack}\n\nMODEL_FILE_INVALID: ${place}: ${message}`);
    return exitCodes.failed;
  }
  say(
    "INTERNAL",
    message,
    `${stack}\n\nINTERNAL: this is a bug in sdfn ${projectVersion()} (Node.js ${process.versions.node}, ${process.platform} ${process.arch}).\n` +
      "Please report it with the lines above and the command that you ran.",
  );
  return exitCodes.failed;
}

/** The error of functions that were given the signal and wrap its reason. */
function isAbortError(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/** Even where parsing failed: programs want their one line. What follows `--` is no option. */
function isJsonAsked(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).includes("--json");
}

function withSubcommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}
