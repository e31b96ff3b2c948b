/** `sdfn serve`: answers searches in an indexed catalogue over HTTP. */
import { once } from "node:events";
import type { Command } from "commander";
import { type Service, serviceDefaults, startService } from "../../service/start-service.js";
import { option, type Values } from "../flags/option.js";
import { optionCommand } from "../flags/option-command.js";
import { choice, list, onOff, text, wholeNumber } from "../flags/option-types.js";
import { type CommandContext, ExitCode, exitCodes, printJson } from "../terminal/context.js";

const logLevels = ["silent", "error", "warn", "info", "debug"] as const;
const { port, host, ratePerAddress, ratePerKey, timeoutMs, maxWaiting } = serviceDefaults;
const { modelMsPerAddress, requestsPerAddress, bodyTimeoutMs } = serviceDefaults;

const options = [
  option("<index>", "folder of the index", text, { required: true }),
  option("--port <n>", "port to listen on; 0 takes a free one", wholeNumber({ min: 0, max: 65_535 }), {
    default: port,
  }),
  option("--host <address>", "address to listen on; 127.0.0.1 is this machine only", text, { default: host }),
  option(
    "--allow-host <name>",
    "another name that the service is asked by; loopback names, --host and the address itself need none",
    list(text),
    { repeats: true },
  ),
  option(
    "--images <dir>",
    "folder of the catalogue's pictures, instead of the one that the index says",
    text,
  ),
  option("--log-level <level>", "least weight of the lines that are logged", choice(logLevels), {
    default: "info",
  }),
  option("--json", "print one JSON line with the address instead of text", onOff),
  "Keys:",
  option("--keys <file>", "file of keys that `sdfn key add` made; read again on SIGHUP", text),
  option("--require-read-key", "searches need a key too", onOff),
  "Limits:",
  option(
    "--rate-limit <n>",
    "searches a minute of one address without a key",
    wholeNumber({ min: 1, max: 1e6 }),
    { default: ratePerAddress },
  ),
  option(
    "--key-rate-limit <n>",
    "searches and writes a minute with one key",
    wholeNumber({ min: 1, max: 1e6 }),
    { default: ratePerKey },
  ),
  option(
    "--model-time <s>",
    "seconds a minute of the model's time for one address without a key; 60 is no bound",
    wholeNumber({ min: 1, max: 60 }),
    { default: modelMsPerAddress / 1000 },
  ),
  option(
    "--address-requests <n>",
    "queries under way for one address without a key; other requests 8 times as many",
    wholeNumber({ min: 1, max: 10_000 }),
    { default: requestsPerAddress },
  ),
  option("--body-timeout <s>", "seconds without a part of a body", wholeNumber({ min: 1, max: 3600 }), {
    default: bodyTimeoutMs / 1000,
  }),
  option("--timeout <s>", "seconds that a request may take", wholeNumber({ min: 1, max: 3600 }), {
    default: timeoutMs / 1000,
  }),
  option(
    "--max-waiting <n>",
    "queries that may wait; others are told to come back",
    wholeNumber({ min: 1, max: 10_000 }),
    { default: maxWaiting },
  ),
  option("--trust-proxy <addresses>", "reverse proxies, with commas, whose X-Forwarded-For counts", text),
];

/** The command, ready to be added to a program. */
export function serveCommand(context: CommandContext): Command {
  return optionCommand("serve", options, (flags) => serveIndex(flags, context))
    .description(
      "Answer searches in an index over HTTP, with a page for people (/) and an interface for programs (/docs).\n" +
        "With a key that may write, items are added and removed over HTTP too; one such service per index.\n" +
        "Log lines (JSON) go to standard error.",
    )
    .addHelpText(
      "after",
      "\nCtrl-C and SIGTERM stop it: requests under way are answered, writes finish; a second one ends it at once.\n" +
        "\nExamples:\n" +
        "  $ sdfn serve shop-index\n" +
        "  $ sdfn key add --keys keys.json --name shop --may write\n" +
        "  $ sdfn serve shop-index --keys keys.json --port 8080\n" +
        "  $ sdfn serve shop-index --host 0.0.0.0 --keys keys.json --require-read-key --trust-proxy 10.0.0.0/8 \\\n" +
        "      --allow-host search.shop.example",
    );
}

async function serveIndex(given: Values<typeof options>, context: CommandContext): Promise<void> {
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
  } = given;
  const service = await startService({
    ...flags,
    ratePerAddress: rateLimit,
    ratePerKey: keyRateLimit,
    timeoutMs: timeout * 1000,
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
