/** `sdfn key add`: makes a key for a service. */
import { Command } from "commander";
import { addKey, expirySchema, keyNameSchema, rights } from "../../service/keys.js";
import { choiceFlag, readFlags, switchFlag, textFlag } from "../flags/flags.js";
import { type CommandContext, printJson } from "../terminal/context.js";

const fields = {
  keys: textFlag,
  name: keyNameSchema,
  may: choiceFlag(rights),
  expires: expirySchema.optional(),
  json: switchFlag,
};

/** The command, ready to be added to a program. */
export function keyAddCommand(context: CommandContext): Command {
  return new Command("add")
    .description(
      "Make a random key and print it. Only its hash is kept in the file: whoever loses the key makes another.\n" +
        "A service that runs takes the file as it is now when it gets SIGHUP.",
    )
    .option("--keys <file>", "file of keys; made where there is none (required)")
    .option("--name <name>", "who has the key; stands in the service's log (required)")
    .option("--may <right>", `${rights.join(" or ")}; who may write may read (required)`)
    .option("--expires <day>", "last day on which it is taken, UTC (default none)")
    .option("--json", "print one JSON line instead of text")
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  $ sdfn key add --keys keys.json --name shop --may write\n" +
        "  $ sdfn key add --keys keys.json --name trial --may read --expires 2027-01-31",
    )
    .action((given: Record<string, unknown>) => run(given, context));
}

async function run(given: Readonly<Record<string, unknown>>, context: CommandContext): Promise<void> {
  const { keys, json, ...wanted } = readFlags("key add", fields, given);
  const key = await addKey(keys, wanted);
  if (json) printJson(context, { key, ...wanted, file: keys });
  else context.stdout.write(`${key}\n`);
  if (!json) context.stderr.write("Keep it now: it is not shown again.\n");
}
