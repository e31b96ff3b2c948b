import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { recordingContext } from "../../tests/cli/recording-context.js";
import { nameOf, optionsOf } from "./flags/option.js";
import { fullName, OptionCommand } from "./flags/option-command.js";
import { createProgram } from "./program.js";

const names = (await createProgram([], recordingContext())).commands.map((command) => command.name());
const program = await createProgram(names, recordingContext());
const commands = withCommandsBelow(program);
const tables = commands.flatMap((command) =>
  command instanceof OptionCommand ? [{ command, options: optionsOf(command.table) }] : [],
);

function withCommandsBelow(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withCommandsBelow)];
}

describe("every command", () => {
  it("has its options from a table, or is only a group of commands", () => {
    const others = commands.filter((command) => !(command instanceof OptionCommand));
    expect(others.map(fullName)).toEqual(["sdfn", "sdfn data", "sdfn weights", "sdfn key"]);
    for (const command of others.slice(1)) expect(command.options).toEqual([]);
    for (const { command, options } of tables) {
      expect(command.registeredArguments.length + command.options.length).toBe(options.length);
    }
  });

  it.each(tables.map(({ command, options }) => [fullName(command), command, options] as const))(
    "%s explains each option, with the default that is parsed",
    (_, command, options) => {
      const shown = [...command.registeredArguments, ...command.options];
      for (const option of options) {
        const { name, flags, help, schema, settings } = option;
        const commanders = shown.find(({ description }) => description === help);
        expect(commanders, `${flags} is in the help`).toBeDefined();
        if (commanders && "attributeName" in commanders) expect(commanders.attributeName()).toBe(name);
        expect(help.replace(/ \([^)]*\)$/, ""), flags).toMatch(/\w{3}/);
        expect(help.match(/\(?(default|required)/g) ?? [], help).toHaveLength(
          [settings.default, settings.otherwise, settings.required].filter((value) => value !== undefined)
            .length,
        );
        if (settings.default === undefined) continue;
        const [, printed] = /\bdefault ([^;)]+)\)$/.exec(help) ?? [];
        const parsed = schema.safeParse(printed);
        expect(parsed.success, `${flags}: its default can be used`).toBe(true);
        expect(schema.safeParse(undefined)).toEqual(parsed);
      }
    },
  );

  it("states each option once, and rules only between options that it has", () => {
    for (const { command, options } of tables) {
      const own = options.map(({ name }) => name);
      expect(new Set(own).size, fullName(command)).toBe(own.length);
      const ruledBy = options.flatMap(({ settings: { needs = [], excludes = [] } }) =>
        [needs, excludes].flat(),
      );
      expect(own).toEqual(expect.arrayContaining(ruledBy.map(nameOf)));
    }
  });
});
