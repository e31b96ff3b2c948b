// Every benchmark as a command. A new one is a file with its own table of options, and a line here.
import { Command } from "commander";
import { optionCommand } from "../dist/cli/flags/option-command.js";
import { features } from "./features.mjs";
import { growth } from "./growth.mjs";
import { images } from "./images.mjs";
import { index } from "./index.mjs";
import { load } from "./load.mjs";
import { memory } from "./memory.mjs";
import { query } from "./query.mjs";
import { prepareRecordFile, recordOf, writeRecord } from "./record.mjs";
import { everyBenchmarksOptions } from "./shared-options.mjs";
import { step } from "./step.mjs";
import { store } from "./store.mjs";

const benchmarks = { step, features, growth, memory, images, store, query, load, index };

/** `npm run bench --`. */
export function createProgram() {
  const program = new Command("npm run bench --")
    .description("Benchmarks. Those with a peer run ours and the peer in turn, and print a ratio.")
    .usage("NAME [options]")
    .addHelpText("after", "\nnpm run bench -- NAME --help explains one and its options.");
  for (const [name, benchmark] of Object.entries(benchmarks)) program.addCommand(commandOf(name, benchmark));
  return program;
}

/**
 * A benchmark as a command.
 * @param {string} name
 * @param {object} benchmark `summary`, `description`, `examples` and `options` are for its help; `run` takes the values of
 *   its options and `say`, which prints a text unless JSON is asked for, and gives the result.
 */
function commandOf(name, { summary, description, examples, options, run }) {
  return optionCommand(name, [...options, ...everyBenchmarksOptions], async ({ json, out, ...values }) => {
    if (out !== undefined) prepareRecordFile(out);
    const result = await run(values, json ? () => undefined : console.log);
    const record = recordOf(name, values, result);
    if (json) console.log(JSON.stringify(record));
    if (out !== undefined) writeRecord(out, record);
  })
    .summary(summary)
    .description(description.replaceAll("\n", " "))
    .addHelpText("after", `\nExamples:\n${examples.map((line) => `  npm run bench -- ${line}`).join("\n")}`);
}
