/** `sdfn key add`: makes a key for a service. */
import type { Command } from "commander";
import { addKey, expirySchema, keyNameSchema, rights } from "../../service/keys.js";
import { option, type Values } from "../flags/option.js";
import { optionCommand } from "../flags/option-command.js";
import { choice, text } from "../flags/option-types.js";
import { jsonOption } from "../flags/shared-options.js";
import { type CommandContext, printJson } from "../terminal/context.js";

const options = [
  option("--keys <file>", "file of keys; made where there is none", text, { required: true }),
  option("--name <name>", "who has the key; stands in the service's log", keyNameSchema, { required: true }),
  option("--may <right>", "what the key allows; who may write may read", choice(rights), { required: true }),
  option("--expires <day>", "last day on which it is taken, UTC", expirySchema, { otherwise: "none" }),
  jsonOption,
];

/** The command, ready to be added to a program. */
export function keyAddCommand(context: CommandContext): Command {
  return optionCommand("add", options, (flags) => makeKey(flags, context))
    .description(
      "Make a random key and print it. Only its hash is kept in the file: whoever loses the key makes another.\n" +
        "A service that runs takes the file as it is now when it gets SIGHUP.",
    )
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  $ sdfn key add --keys keys.json --name shop --may write\n" +
        "  $ sdfn key add --keys keys.json --name trial --may read --expires 2027-01-31",
    );
}

async function makeKey(
  { keys, json, ...wanted }: Values<typeof options>,
  context: CommandContext,
): Promise<void> {
  const key = await addKey(keys, wanted);
  if (json) printJson(context, { key, ...wanted, file: keys });
  else context.stdout.write(`${key}\n`);
  if (!json) context.stderr.write("Keep it now: it is not shown again.\n");
}
