/** `sdfn key remove`: withdraws a key. */
import type { Command } from "commander";
import { removeKey } from "../../service/keys.js";
import { option, type Values } from "../flags/option.js";
import { optionCommand } from "../flags/option-command.js";
import { text } from "../flags/option-types.js";
import { jsonOption } from "../flags/shared-options.js";
import { type CommandContext, printJson } from "../terminal/context.js";

const options = [
  option("--keys <file>", "file of keys", text, { required: true }),
  option("--name <name>", "the key's name", text, { required: true }),
  jsonOption,
];

/** The command, ready to be added to a program. */
export function keyRemoveCommand(context: CommandContext): Command {
  return optionCommand("remove", options, (flags) => withdrawKey(flags, context))
    .description("Take a key out of the file. A service that runs refuses it once it got SIGHUP.")
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  $ sdfn key remove --keys keys.json --name trial && kill -HUP $SERVICE_PID\n" +
        "  $ sdfn key remove --keys keys.json --name trial --json",
    );
}

async function withdrawKey(
  { keys, name, json }: Values<typeof options>,
  context: CommandContext,
): Promise<void> {
  await removeKey(keys, name);
  if (json) printJson(context, { removed: name, file: keys });
  else context.stdout.write(`${keys}: ${name} removed\n`);
}
