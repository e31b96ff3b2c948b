/** `sdfn serve`: answers searches in an indexed catalogue over HTTP. */
import { once } from "node:events";
import { Command } from "commander";
import { startService } from "../../service/start-service.js";
import { type CommandContext, ExitCode, printJson } from "../context.js";
import { choiceFlag, readFlags, switchFlag, textFlag, wholeNumberFlag } from "../flags.js";
import { exitCodes } from "../run-program.js";

const logLevels = ["silent", "error", "warn", "info", "debug"] as const;

const fields = {
  index: textFlag,
  port: wholeNumberFlag({ min: 0, max: 65_535 }).default(8080),
  host: textFlag.default("127.0.0.1"),
  logLevel: choiceFlag(logLevels).default("info"),
  json: switchFlag,
};

/** The command, ready to be added to a program. */
export function serveCommand(context: CommandContext): Command {
  return new Command("serve")
    .description(
      "Answer searches in an index over HTTP, with a page for people and an interface for programs.",
    )
    .argument("[index]", "folder of the index (required)")
    .option("--port <n>", "port to listen on; 0 takes a free one (default 8080)")
    .option("--host <address>", "address to listen on (default 127.0.0.1: this machine only)")
    .option("--log-level <level>", `log lines on standard error: ${logLevels.join(", ")} (default info)`)
    .option("--json", "print one JSON line with the address instead of text")
    .addHelpText("after", "\nExamples:\n  $ sdfn serve shop-index\n  $ sdfn serve shop-index --port 0 --json")
    .action((index: string | undefined, given: Record<string, unknown>) =>
      run({ ...given, ...(index === undefined ? {} : { index }) }, context),
    );
}

async function run(given: Readonly<Record<string, unknown>>, context: CommandContext): Promise<void> {
  const { json, ...options } = readFlags("serve", fields, given, ["index"]);
  const service = await startService({ ...options, logStream: context.stderr });
  try {
    const { address } = service;
    if (json) printJson(context, { address, index: options.index });
    else context.stdout.write(`${options.index}: ${address} (Ctrl-C stops)\n`);
    if (!context.signal.aborted) await once(context.signal, "abort");
  } finally {
    await service.close();
  }
  // A service that was told to stop has done what it should.
  throw new ExitCode(exitCodes.done);
}
