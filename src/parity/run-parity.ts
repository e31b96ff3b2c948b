/** The parity command: arguments, output and exit codes. */
import { type Command, CommanderError } from "commander";
import { option } from "../cli/flags/option.js";
import { optionCommand } from "../cli/flags/option-command.js";
import { onOff, text } from "../cli/flags/option-types.js";
import type { CommandContext } from "../cli/terminal/context.js";
import { SdfnError, UsageError } from "../errors.js";
import { visibleStream } from "../visible-text.js";
import { checkFolder, type FileResult } from "./check-folder.js";
import { lineOf, resultsAsJson, summaryOf } from "./report.js";

/**
 * @param args what follows `npm run parity --`.
 * @returns the exit code: 0 when all files agree, 1 when one does not or there is none, 2 for a wrong command line.
 */
export async function runParity(
  args: readonly string[],
  streams: Pick<CommandContext, "stdout" | "stderr">,
): Promise<number> {
  const [stdout, stderr] = [visibleStream(streams.stdout), visibleStream(streams.stderr)];
  const printJson = (value: unknown) => stdout.write(`${JSON.stringify(value)}\n`);
  const fail = (code: string, message: string): void => {
    stderr.write(`${code}: ${message}\n`);
    if (args.includes("--json")) printJson({ error: { code, message } });
  };
  let exitCode = 0;
  const command = parityCommand(async (folder, isJson) => {
    const results: FileResult[] = [];
    for await (const result of checkFolder(folder)) {
      results.push(result);
      if (!isJson) stdout.write(`${lineOf(result)}\n`);
    }
    if (isJson) printJson(resultsAsJson(folder, results));
    else stdout.write(`${summaryOf(results)}\n`);
    exitCode = results.every(({ passed }) => passed) ? 0 : 1;
  });
  command.configureOutput({
    writeOut: (text) => stdout.write(text),
    writeErr: (text) => stderr.write(text),
    outputError: () => undefined,
  });
  try {
    await command.exitOverride().parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0; // help
    if (error instanceof CommanderError) {
      fail("USAGE", `${error.message.replace(/^error: /, "parity: ")}; see npm run parity -- --help`);
      return 2;
    }
    if (!(error instanceof SdfnError)) throw error;
    fail(error.code, error.message);
    return error instanceof UsageError ? 2 : 1;
  }
}

const options = [
  option("<folder>", "folder of golden files, as tests/golden/README.md describes them", text, {
    required: true,
  }),
  option("--json", "print one JSON document instead of lines", onOff),
];

function parityCommand(check: (folder: string, isJson: boolean) => Promise<void>): Command {
  return optionCommand("npm run parity --", options, ({ folder, json }) => check(folder, json))
    .description(
      "Builds the project's own modules from every golden file (*.safetensors) of a folder, runs them on its inputs " +
        "and compares every output and gradient with what PyTorch computed. Prints a line for each file.",
    )
    .addHelpText(
      "after",
      "\nExamples:\n  $ npm run parity -- tests/golden\n  $ npm run --silent parity -- tests/golden --json\n" +
        "\nExit codes: 0 all agree, 2 wrong usage; 1 a file differs by more than float32 rounding explains or holds\n" +
        "a tensor that was not compared, or there is no file.\n",
    );
}
