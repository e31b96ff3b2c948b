/** `sdfn index check`: compares an index's searches with exact ones. */
import type { Command } from "commander";
import { CatalogueIndex } from "../../search/index/catalogue-index.js";
import { checkIndex, type IndexCheck } from "../../search/index/check-index.js";
import { option, type Values } from "../flags/option.js";
import { optionCommand } from "../flags/option-command.js";
import { seed, text, wholeNumber } from "../flags/option-types.js";
import { jsonOption } from "../flags/shared-options.js";
import { type CommandContext, printJson } from "../terminal/context.js";
import { type Progress, startProgress } from "../terminal/progress.js";
import { textTable } from "../terminal/text-table.js";

const options = [
  option("<index>", "folder of the index", text, { required: true }),
  option("--samples <n>", "items searched for", wholeNumber({ min: 1, max: 10_000 }), { default: 200 }),
  option("-k <n>", "answers compared", wholeNumber({ min: 1, max: 1000 }), { default: 50 }),
  option("--seed <n>", "seed of the sample", seed, { default: 1 }),
  jsonOption,
];

/** The command, ready to be added to a program. */
export function indexCheckCommand(context: CommandContext): Command {
  return optionCommand("check", options, (flags) => compareSearches(flags, context))
    .description(
      "Search for a sample of an index's items, approximately as searches do and exactly, with and without\n" +
        "filters. Prints what approximate search finds of the exact answers, and how long both take.",
    )
    .addHelpText(
      "after",
      "\nExamples:\n  $ sdfn index check shop-index\n  $ sdfn index check shop-index --samples 1000 -k 10 --json",
    );
}

async function compareSearches(
  { index: folder, samples, k, seed, json }: Values<typeof options>,
  context: CommandContext,
): Promise<void> {
  const index = await CatalogueIndex.open(folder, { access: "read" });
  let progress: Progress | undefined;
  try {
    const { signal } = context;
    const check = await checkIndex(index, {
      samples,
      k,
      seed,
      signal,
      onProgress: (done, total) => {
        progress ??= startProgress("searching", total, { stream: context.stderr, json, unit: "queries" });
        progress.update(done);
      },
    });
    progress?.stop();
    const { modelId, model, embedDim, updated } = index.manifest;
    if (json) printJson(context, { index: folder, model, modelId, embedDim, updated, ...check });
    else context.stdout.write(textOf(folder, check));
  } finally {
    progress?.stop();
    await index.close();
  }
}

function textOf(folder: string, { items, samples, k, oracle, filters }: IndexCheck): string {
  const ms = (value: number) => value.toFixed(1);
  return (
    `${folder}: ${items} items, ${samples} searched for, first ${k} answers; exact: ${oracle}\n\n` +
    textTable([
      ["filter", "items", "recall", "p50 ms", "p95 ms", "exact p50", "exact p95", "looked at"],
      ...filters.map(({ filter, fitting, plan, recall, approximateMs, exactMs }) => [
        filter,
        String(fitting),
        recall.toFixed(4),
        ms(approximateMs.p50),
        ms(approximateMs.p95),
        ms(exactMs.p50),
        ms(exactMs.p95),
        plan === "exact" ? "every item" : plan,
      ]),
    ])
  );
}
