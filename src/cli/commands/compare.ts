/** `sdfn compare`: several models on one data set, over several seeds, with equal budgets. */
import type { Command } from "commander";
import { z } from "zod";
import { type ModelName, modelNames } from "../../models/registry.js";
import { option } from "../flags/option.js";
import { optionCommand } from "../flags/option-command.js";
import type { CommandContext } from "../terminal/context.js";
import { gridHelp, gridOptions, runGridCommand } from "./grid-command.js";

const differentModels = z.string().transform((list, context): ModelName[] => {
  const names = list.split(",").map((name) => name.trim());
  const known = names.filter((name): name is ModelName => modelNames.some((model) => model === name));
  if (known.length < names.length || new Set(names).size < names.length) {
    context.addIssue({
      code: "custom",
      message: `must be different names out of ${modelNames.join(", ")}, with commas between them`,
    });
  }
  return known;
});

const options = [
  ...gridOptions,
  option(
    "--models <names>",
    `what to compare, the first with all others: ${modelNames.join(",")}`,
    differentModels,
    { default: "sdfn,tirg" },
  ),
];

/** The command, ready to be added to a program. */
export function compareCommand(context: CommandContext): Command {
  return optionCommand("compare", options, (flags) =>
    runGridCommand(
      {
        command: "compare",
        rows: flags.models.map((model) => ({ name: model, title: model, model })),
        title: "Models compared",
        lead: "The same data, encoders, trainer and number of steps; the rows differ in how picture and sentence are put together.",
      },
      flags,
      context,
    ),
  )
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
