/** `sdfn compare`: several models on one data set, over several seeds, with equal budgets. */
import type { Command } from "commander";
import { modelChoices, modelList, modelNamed } from "../flags/model-flag.js";
import { option } from "../flags/option.js";
import { optionCommand } from "../flags/option-command.js";
import type { CommandContext } from "../terminal/context.js";
import { gridHelp, gridOptions, runGridCommand } from "./grid-command.js";

const options = [
  ...gridOptions,
  option(
    "--models <names>",
    `what to compare, the first with all others, with commas between them: ${modelChoices}`,
    modelList,
    { default: "sdfn,tirg" },
  ),
];

/** The command, ready to be added to a program. */
export function compareCommand(context: CommandContext): Command {
  return optionCommand("compare", options, async (flags) => {
    const models: string[] = [];
    for (const model of flags.models) models.push(await modelNamed(model));
    await runGridCommand(
      {
        command: "compare",
        rows: models.map((model) => ({ name: model, title: model, model })),
        title: "Models compared",
        lead: "The same data, encoders, trainer and number of steps; the rows differ in how picture and sentence are put together.",
      },
      flags,
      context,
    );
  })
    .description(
      "Train and evaluate several models, each with several seeds, and tell how sure their differences are.",
    )
    .addHelpText(
      "after",
      `${gridHelp}\nExamples:\n` +
        "  $ sdfn compare --data data/synthetic --models sdfn,tirg,film --seeds 3 --out runs/compare \\\n" +
        "      --config configs/demo.json\n" +
        "  $ sdfn compare --data data/fashioniq --models sdfn,sum --out runs/sum --set freezeBackbone=true --json",
    );
}
