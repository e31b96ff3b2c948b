/** Commands that are made of a table of options. */
import { Command, Option as CommanderOption } from "commander";
import { flagOf, isArgument, type Option, type OptionTable, optionsOf, type Values } from "./option.js";
import { type Given, readOptions } from "./read-options.js";

/** A command with the options of a table, and no others. */
export class OptionCommand extends Command {
  readonly table: OptionTable;

  /** For commands that read their options in one of several ways; `optionCommand` is for the others. */
  constructor(name: string, table: OptionTable, run: (given: Given) => void | Promise<void>) {
    super(name);
    this.table = table;
    let heading: string | undefined;
    for (const entry of table) {
      if (typeof entry === "string") heading = entry;
      // Commander would report a missing argument alone, before anything else is looked at: `readOptions` does it.
      else if (isArgument(entry)) this.argument(`[${entry.name}]`, entry.help);
      else this.addOption(commanderOption(entry, heading));
    }
    const positional = optionsOf(table).filter(isArgument);
    if (positional.length > 0) this.usage(["[options]", ...positional.map(flagOf)].join(" "));
    this.action(async () =>
      run({
        command: fullName(this),
        values: {
          // Where a command above has an option of the same name, the value is kept there.
          ...this.optsWithGlobals(),
          ...Object.fromEntries(positional.map(({ name }, i) => [name, this.args[i]])),
        },
      }),
    );
  }
}

/** A command that is run with the values of its table. */
export function optionCommand<Table extends OptionTable>(
  name: string,
  table: Table,
  run: (values: Values<Table>) => void | Promise<void>,
): OptionCommand {
  return new OptionCommand(name, table, (given) => run(readOptions(given, table)));
}

/** "sdfn data synthetic" */
export function fullName(command: Command): string {
  return command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name();
}

function commanderOption({ flags, help, settings }: Option, heading: string | undefined): CommanderOption {
  const made = new CommanderOption(flags, help);
  if (heading !== undefined) made.helpGroup(heading);
  if (settings.repeats) made.argParser(addValue);
  return made;
}

function addValue(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
