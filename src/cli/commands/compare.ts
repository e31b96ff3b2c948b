/** `sdfn compare`: several models on one data set, over several seeds, with equal budgets or each model's own recipe. */
import type { Command } from "commander";
import { z } from "zod";
import { type ComparedModel, compareRows } from "../../experiments/compare-rows.js";
import { modelDefinition } from "../../models/registry.js";
import { isFields } from "../../runs/run-config.js";
import { readConfigFile, recipeFile } from "../flags/config-file.js";
import { modelChoices, modelList, modelNamed } from "../flags/model-flag.js";
import { option } from "../flags/option.js";
import { optionCommand } from "../flags/option-command.js";
import { choice } from "../flags/option-types.js";
import type { CommandContext } from "../terminal/context.js";
import { gridHelp, gridOptions, runGridCommand } from "./grid-command.js";

const recipeKinds = ["shared", "own"] as const;

/** "0,20,50" */
const percents = z
  .string()
  .regex(/^\d{1,3}(,\d{1,3})*$/, "must be whole percents with commas between them, such as 0,20,50")
  .transform((list) => list.split(",").map(Number))
  .refine(
    (list) => list.every((percent) => percent <= 100) && new Set(list).size === list.length,
    "must be different percents from 0 to 100, with commas between them, such as 0,20,50",
  );

const options = [
  ...gridOptions,
  option(
    "--models <names>",
    `what to compare, the first with all others, with commas between them: all, or out of ${modelChoices}`,
    modelList,
    { default: "sdfn,tirg" },
  ),
  option(
    "--recipes <whose>",
    "shared: one configuration for all; own: over it, each model's recipe in configs/methods",
    choice(recipeKinds),
    { default: "shared" },
  ),
  option(
    "--mismatched-triplets <percents>",
    "train each model with so many percent of the triplets having the text of another, such as 0,20,50",
    percents,
    { otherwise: "the configuration's share, which is none as a rule" },
  ),
];

/** The command, ready to be added to a program. */
export function compareCommand(context: CommandContext): Command {
  return optionCommand("compare", options, async (flags) => {
    const isOwn = flags.recipes === "own";
    const models: ComparedModel[] = [];
    for (const model of flags.models) {
      const name = await modelNamed(model);
      models.push({ name, title: modelDefinition(name).title, recipe: isOwn ? recipeOf(name) : undefined });
    }
    const without = models.filter(({ recipe }) => isOwn && recipe === undefined).map(({ name }) => name);
    if (without.length > 0 && !flags.json) {
      context.stderr.write(
        `no recipe of their own, so with the shared configuration: ${without.join(", ")}\n`,
      );
    }
    await runGridCommand(
      {
        command: "compare",
        rows: compareRows(models, { mismatched: flags.mismatchedTriplets }),
        title: "Models compared",
        lead: isOwn
          ? "The same data, encoders and trainer, each model with the recipe of its authors as far as the trainer has it."
          : "The same data, encoders, trainer and number of steps; the rows differ in how picture and sentence are put together.",
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
      `${gridHelp}With shared recipes all rows have the same steps, batches and, at equal seeds, order of the data. With own ones a\n` +
        "model's recipe is put over --config, and --set over both; encoders, picture sizes, what is held out and seeds are never\n" +
        "a recipe's. A model without a recipe has the shared configuration, and it is said so.\n" +
        "\nExamples:\n" +
        "  $ sdfn compare --data data/synthetic --models all --seeds 3 --out runs/compare --jobs 2 \\\n" +
        "      --config configs/demo.json\n" +
        "  $ sdfn compare --data data/fashioniq --models sdfn,sum --out runs/sum --set freezeBackbone=true --json\n" +
        "  $ sdfn compare --data data/synthetic --models all --recipes own --out runs/own --set epochs=4 warmupSteps=30\n" +
        "  $ sdfn compare --data data/synthetic --mismatched-triplets 0,20,50 --out runs/robust --config configs/demo.json",
    );
}

/** Fields of a model's recipe; undefined where it has none. */
function recipeOf(name: string): Readonly<Record<string, unknown>> | undefined {
  const file = recipeFile(name);
  const content = file === undefined ? undefined : readConfigFile(file);
  if (!isFields(content)) return undefined;
  return Object.fromEntries(Object.entries(content).filter(([field]) => field !== "model"));
}
