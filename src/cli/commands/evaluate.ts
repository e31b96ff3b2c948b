/** `sdfn evaluate`: recall of a trained model on a data set. */
import { Command } from "commander";
import { openFashionIq } from "../../data/datasets/fashion-iq.js";
import { splitNames } from "../../data/triplet.js";
import { evaluate, evaluationImages } from "../../evaluation/evaluate.js";
import { defaultProtocol, protocolNames } from "../../evaluation/protocols.js";
import { openRun } from "../../training/open-run.js";
import { projectCommit } from "../../training/project-version.js";
import { type CommandContext, printJson, untilAborted } from "../context.js";
import { choiceFlag, readFlags, switchFlag, textFlag } from "../flags.js";
import { addImageCacheOptions, imageCacheFields, imageCacheOf } from "../image-cache-flags.js";
import { recallText } from "../recall-text.js";
import { withEmbedder } from "../run-embedder.js";

const fields = {
  run: textFlag,
  data: textFlag,
  protocol: choiceFlag(protocolNames).default(defaultProtocol.name),
  split: choiceFlag(splitNames).default("val"),
  ...imageCacheFields,
  json: switchFlag,
};

/** The command, ready to be added to a program. */
export function evaluateCommand(context: CommandContext): Command {
  return addImageCacheOptions(new Command("evaluate"))
    .description("Recall@1, @10 and @50 of a trained model, by category and on average.")
    .option("--run <dir>", "run folder that `sdfn train` wrote (required)")
    .option("--data <dir>", "folder of the data set (required)")
    .option(
      "--protocol <name>",
      `galleries: ${protocolNames.join(" or ")} (default ${defaultProtocol.name}, the paper's)`,
    )
    .option("--split <name>", `part of the data set: ${splitNames.join(", ")} (default val)`)
    .option("--json", "print the result as one JSON line instead of text")
    .addHelpText(
      "after",
      "\nval-split ranks against the reference and target images of the split's queries, original against\n" +
        "every image of the split: results under different protocols cannot be compared.\n" +
        "\nExamples:\n" +
        "  $ sdfn evaluate --run runs/sdfn --data data/synthetic\n" +
        "  $ sdfn evaluate --run runs/sdfn --data data/fashioniq --protocol original --json",
    )
    .action((given: Record<string, unknown>) => untilAborted(context.signal, () => run(given, context)));
}

async function run(given: Readonly<Record<string, unknown>>, context: CommandContext): Promise<void> {
  const flags = readFlags("evaluate", fields, given);
  const opened = openRun(flags.run);
  const dataset = openFashionIq(flags.data);
  const protocol = { ...defaultProtocol, name: flags.protocol };
  const options = { context, json: flags.json, imageCache: imageCacheOf(flags) };
  const result = await withEmbedder(opened, dataset, options, async ({ embedder, usable }) =>
    evaluate(await usable(evaluationImages(dataset.split(flags.split), protocol)), embedder, {
      split: flags.split,
      protocol,
      model: opened.config.model,
      seed: opened.config.training.seed,
      commit: projectCommit(),
    }),
  );
  if (flags.json) printJson(context, result);
  else context.stdout.write(recallText(result));
}
