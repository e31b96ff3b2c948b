/** `sdfn serve`: answers searches in an indexed catalogue over HTTP. */
import { once } from "node:events";
import { Command } from "commander";
import { z } from "zod";
import { type Service, serviceDefaults, startService } from "../../service/start-service.js";
import { choiceFlag, readFlags, switchFlag, textFlag, wholeNumberFlag } from "../flags/flags.js";
import { type CommandContext, ExitCode, exitCodes, printJson } from "../terminal/context.js";

const logLevels = ["silent", "error", "warn", "info", "debug"] as const;
const { port, host, ratePerAddress, ratePerKey, timeoutMs, maxWaiting } = serviceDefaults;
const { modelMsPerAddress, requestsPerAddress, bodyTimeoutMs } = serviceDefaults;

const fields = {
  index: textFlag,
  images: textFlag.optional(),
  port: wholeNumberFlag({ min: 0, max: 65_535 }).default(port),
  host: textFlag.default(host),
  allowHost: z.array(textFlag).default([]),
  keys: textFlag.optional(),
  requireReadKey: switchFlag,
  rateLimit: wholeNumberFlag({ min: 1, max: 1e6 }).default(ratePerAddress),
  keyRateLimit: wholeNumberFlag({ min: 1, max: 1e6 }).default(ratePerKey),
  modelTime: wholeNumberFlag({ min: 1, max: 60 }).default(modelMsPerAddress / 1000),
  addressRequests: wholeNumberFlag({ min: 1, max: 10_000 }).default(requestsPerAddress),
  bodyTimeout: wholeNumberFlag({ min: 1, max: 3600 }).default(bodyTimeoutMs / 1000),
  timeout: wholeNumberFlag({ min: 1, max: 3600 }).default(timeoutMs / 1000),
  maxWaiting: wholeNumberFlag({ min: 1, max: 10_000 }).default(maxWaiting),
  trustProxy: textFlag.optional(),
  logLevel: choiceFlag(logLevels).default("info"),
  json: switchFlag,
};

/** The command, ready to be added to a program. */
export function serveCommand(context: CommandContext): Command {
  return new Command("serve")
    .description(
      "Answer searches in an index over HTTP, with a page for people (/) and an interface for programs (/docs).\n" +
        "With a key that may write, items are added and removed over HTTP too; one such service per index.\n" +
        "Log lines (JSON) go to standard error.",
    )
    .argument("[index]", "folder of the index (required)")
    .option("--port <n>", `port to listen on; 0 takes a free one (default ${port})`)
    .option("--host <address>", `address to listen on (default ${host}: this machine only)`)
    .option(
      "--allow-host <name>",
      "another name that the service is asked by; may be repeated (loopback names, --host, and the address itself need none)",
      (name: string, before: readonly string[] = []) => [...before, name],
    )
    .option("--images <dir>", "folder of the catalogue's pictures, instead of the one that the index says")
    .option("--log-level <level>", `${logLevels.join(", ")} (default info)`)
    .option("--json", "print one JSON line with the address instead of text")
    .optionsGroup("Keys:")
    .option("--keys <file>", "file of keys that `sdfn key add` made; read again on SIGHUP")
    .option("--require-read-key", "searches need a key too")
    .optionsGroup("Limits:")
    .option("--rate-limit <n>", `searches a minute of one address without a key (default ${ratePerAddress})`)
    .option("--key-rate-limit <n>", `searches and writes a minute with one key (default ${ratePerKey})`)
    .option(
      "--model-time <s>",
      `seconds a minute of the model's time for one address without a key; 60 is no bound (default ${modelMsPerAddress / 1000})`,
    )
    .option(
      "--address-requests <n>",
      `queries under way for one address without a key; other requests 8 times as many (default ${requestsPerAddress})`,
    )
    .option("--body-timeout <s>", `seconds without a part of a body (default ${bodyTimeoutMs / 1000})`)
    .option("--timeout <s>", `seconds that a request may take (default ${timeoutMs / 1000})`)
    .option(
      "--max-waiting <n>",
      `queries that may wait; others are told to come back (default ${maxWaiting})`,
    )
    .option("--trust-proxy <addresses>", "reverse proxies, with commas, whose X-Forwarded-For counts")
    .addHelpText(
      "after",
      "\nCtrl-C and SIGTERM stop it: requests under way are answered, writes finish; a second one ends it at once.\n" +
        "\nExamples:\n" +
        "  $ sdfn serve shop-index\n" +
        "  $ sdfn key add --keys keys.json --name shop --may write\n" +
        "  $ sdfn serve shop-index --keys keys.json --port 8080\n" +
        "  $ sdfn serve shop-index --host 0.0.0.0 --keys keys.json --require-read-key --trust-proxy 10.0.0.0/8 \\\n" +
        "      --allow-host search.shop.example",
    )
    .action((index: string | undefined, given: Record<string, unknown>) =>
      run({ ...given, ...(index === undefined ? {} : { index }) }, context),
    );
}

async function run(given: Readonly<Record<string, unknown>>, context: CommandContext): Promise<void> {
  const {
    json,
    rateLimit,
    keyRateLimit,
    timeout,
    modelTime,
    addressRequests,
    bodyTimeout,
    allowHost,
    ...flags
  } = readFlags("serve", fields, given, ["index"]);
  const service = await startService({
    ...flags,
    ...{ ratePerAddress: rateLimit, ratePerKey: keyRateLimit, timeoutMs: timeout * 1000 },
    allowHosts: allowHost,
    modelMsPerAddress: modelTime * 1000,
    requestsPerAddress: addressRequests,
    bodyTimeoutMs: bodyTimeout * 1000,
    logStream: context.stderr,
  });
  const { address, isWritable } = service;
  const reload = () => void reloadKeys(service, context);
  process.on("SIGHUP", reload);
  try {
    if (json) printJson(context, { address, index: flags.index, writable: isWritable });
    else {
      context.stdout.write(
        `${flags.index}: ${address}${isWritable ? ", also for writing" : ""} (Ctrl-C stops)\n`,
      );
    }
    if (!context.signal.aborted) await once(context.signal, "abort");
  } finally {
    process.off("SIGHUP", reload);
    await service.close();
  }
  // A service that was told to stop has done all that it should.
  throw new ExitCode(exitCodes.done);
}

/** A wrong file stops nothing: the keys stay as they were. */
async function reloadKeys(service: Service, { stderr }: CommandContext): Promise<void> {
  try {
    await service.reloadKeys();
  } catch (error) {
    stderr.write(`warning: the keys stay as they were: ${error instanceof Error ? error.message : error}\n`);
  }
}
