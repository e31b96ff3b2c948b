/** `sdfn compare`: several models on one data set, over several seeds, with equal budgets. */
import { Command } from "commander";
import { modelNames } from "../../models/registry.js";
import { readFlags } from "../flags/flags.js";
import { modelListFlag, modelNamed } from "../flags/model-flag.js";
import type { CommandContext } from "../terminal/context.js";
import { gridFields, gridHelp, runGridCommand, withGridOptions } from "./grid-command.js";

const fields = {
  ...gridFields,
  models: modelListFlag.default(["sdfn", "tirg"]),
};

/** The command, ready to be added to a program. */
export function compareCommand(context: CommandContext): Command {
  return withGridOptions(
    new Command("compare").description(
      "Train and evaluate several models, each with several seeds, and tell how sure their differences are.",
    ),
  )
    .option(
      "--models <names>",
      `what to compare, the first with all others: ${modelNames.join(",")}, files of your own (default sdfn,tirg)`,
    )
    .addHelpText(
      "after",
      `${gridHelp}\nExamples:\n` +
        "  $ sdfn compare --data data/synthetic --models sdfn,tirg,film --seeds 3 --out runs/compare \\\n" +
        "      --config configs/demo.json\n" +
        "  $ sdfn compare --data data/fashioniq --models sdfn,sum --out runs/sum --set freezeBackbone=true --json",
    )
    .action(async (given: Record<string, unknown>) => {
      const flags = readFlags("compare", fields, given);
      const models: string[] = [];
      for (const model of flags.models) models.push(await modelNamed(model));
      return runGridCommand(
        {
          command: "compare",
          rows: models.map((model) => ({ name: model, title: model, model })),
          title: "Models compared",
          lead: "The same data, encoders, trainer and number of steps; the rows differ in how picture and sentence are put together.",
        },
        flags,
        context,
      );
    });
}
