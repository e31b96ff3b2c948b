/** `sdfn key remove`: withdraws a key. */
import { Command } from "commander";
import { removeKey } from "../../service/keys.js";
import { readFlags, switchFlag, textFlag } from "../flags/flags.js";
import { type CommandContext, printJson } from "../terminal/context.js";

const fields = { keys: textFlag, name: textFlag, json: switchFlag };

/** The command, ready to be added to a program. */
export function keyRemoveCommand(context: CommandContext): Command {
  return new Command("remove")
    .description("Take a key out of the file. A service that runs refuses it once it got SIGHUP.")
    .option("--keys <file>", "file of keys (required)")
    .option("--name <name>", "the key's name (required)")
    .option("--json", "print one JSON line instead of text")
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  $ sdfn key remove --keys keys.json --name trial && kill -HUP $SERVICE_PID\n" +
        "  $ sdfn key remove --keys keys.json --name trial --json",
    )
    .action((given: Record<string, unknown>) => run(given, context));
}

async function run(given: Readonly<Record<string, unknown>>, context: CommandContext): Promise<void> {
  const { keys, name, json } = readFlags("key remove", fields, given);
  await removeKey(keys, name);
  if (json) printJson(context, { removed: name, file: keys });
  else context.stdout.write(`${keys}: ${name} removed\n`);
}
