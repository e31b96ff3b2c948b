import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../errors.js";
import { option } from "./option.js";
import { OptionCommand, optionCommand } from "./option-command.js";
import { list, onOff, text, wholeNumber } from "./option-types.js";
import { readOptions } from "./read-options.js";

const table = [
  option("<file>", "what is read", text, { required: true }),
  option("--filter <expression>", "what is left out", list(text), { repeats: true }),
  "Answers:",
  option("-k <n>", "how many", wholeNumber({ min: 1, max: 9 }), { default: 5 }),
  option("--ids <id...>", "which", list(text)),
  option("--json", "print JSON", onOff),
];

/** Runs "sdfn look ..." with the table, and gives what the command was called with. */
async function look(...args: string[]): Promise<unknown> {
  let values: unknown;
  const command = optionCommand("look", table, (given) => {
    values = given;
  });
  await new Command("sdfn")
    .addCommand(command)
    .exitOverride()
    .parseAsync(["look", ...args], { from: "user" });
  return values;
}

describe("optionCommand", () => {
  it("gives values by name, arguments and repeated options among them", async () => {
    expect(
      await look("a.csv", "--filter", "x", "--filter", "y", "-k", "3", "--ids", "1", "2", "--json"),
    ).toEqual({
      file: "a.csv",
      filter: ["x", "y"],
      k: 3,
      ids: ["1", "2"],
      json: true,
    });
    expect(await look("a.csv")).toEqual({ file: "a.csv", filter: [], k: 5, ids: [], json: false });
  });

  it("reports a missing argument with everything else, under the command's whole name", async () => {
    await expect(look("-k", "0")).rejects.toThrow(
      new UsageError(
        "sdfn look: the options cannot be used:\n" +
          "  - <file> is missing\n  - -k must be a whole number from 1 to 9; got 0\nsee sdfn look --help",
      ),
    );
  });

  it("shows arguments as required, and options under their headings", () => {
    const help = optionCommand("look", table, () => undefined).helpInformation();
    expect(help).toMatch(/^Usage: look \[options\] <file>\n/);
    expect(help).toMatch(/\n {2}file +what is read \(required\)\n/);
    expect(help).toMatch(/\nAnswers:\n {2}-k <n> +how many \(default 5\)\n/);
  });

  it("takes options that the command above has too, and refuses the others of that one", async () => {
    const answers = option("-k <n>", "how many", wholeNumber({ min: 1, max: 99 }));
    const folder = option("--out <dir>", "folder", text);
    let values: unknown;
    const program = () =>
      new Command("sdfn").addCommand(
        optionCommand("index", [answers, folder], () => undefined).addCommand(
          optionCommand("check", [answers], (given) => {
            values = given;
          }),
        ),
      );
    await program().parseAsync(["index", "check", "-k", "20"], { from: "user" });
    expect(values).toEqual({ k: 20 });
    await expect(program().parseAsync(["index", "check", "--out", "x"], { from: "user" })).rejects.toThrow(
      "sdfn index check: --out cannot be given here; see sdfn index check --help",
    );
  });
});

describe("OptionCommand", () => {
  it("reads different parts of its table for different uses", async () => {
    const first = [option("--index <dir>", "index", text, { required: true })];
    const second = [option("--run <dir>", "run", text, { required: true })];
    const seen: unknown[] = [];
    const search = () =>
      new OptionCommand("search", [...first, ...second], (given) => {
        seen.push(
          given.values.index === undefined
            ? readOptions(given, second)
            : readOptions(given, first, "cannot stand beside --index"),
        );
      });
    await search().parseAsync(["--run", "a"], { from: "user" });
    await search().parseAsync(["--index", "b"], { from: "user" });
    expect(seen).toEqual([{ run: "a" }, { index: "b" }]);
    await expect(search().parseAsync(["--index", "b", "--run", "a"], { from: "user" })).rejects.toThrow(
      "search: --run cannot stand beside --index",
    );
  });
});
