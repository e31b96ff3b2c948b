/** `sdfn index check`: is an index as it was written, and does its search find what an exact one finds? */
import type { Command } from "commander";
import { CatalogueIndex } from "../../search/index/catalogue-index.js";
import { checkIndex, type IndexCheck, isDamaged } from "../../search/index/check-index.js";
import { visibleLine } from "../../visible-text.js";
import { option, type Values } from "../flags/option.js";
import { optionCommand } from "../flags/option-command.js";
import { seed, text, wholeNumber } from "../flags/option-types.js";
import { jsonOption } from "../flags/shared-options.js";
import { type CommandContext, ExitCode, exitCodes, printJson } from "../terminal/context.js";
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
      "Look at every item and file of an index: are they as they were written? If so, search for a sample of the\n" +
        "items, approximately as searches do and exactly, with and without filters. Prints what approximate search\n" +
        "finds of the exact answers, and how long both take. What is damaged is listed, and the exit code is 1.",
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
  let looking: Progress | undefined;
  let progress: Progress | undefined;
  try {
    const { signal } = context;
    const check = await checkIndex(index, {
      samples,
      k,
      seed,
      signal,
      onRows(rows, total) {
        looking ??= startProgress("looking at", total, { stream: context.stderr, json, unit: "items" });
        looking.update(rows);
      },
      onProgress(done, total) {
        looking?.stop();
        progress ??= startProgress("searching", total, { stream: context.stderr, json, unit: "queries" });
        progress.update(done);
      },
    });
    looking?.stop();
    progress?.stop();
    const { modelId, model, embedDim, updated } = index.manifest;
    if (json) printJson(context, { index: folder, model, modelId, embedDim, updated, ...check });
    else context.stdout.write(isDamaged(check) ? damageText(folder, check) : textOf(folder, check));
    if (isDamaged(check)) throw new ExitCode(exitCodes.failed);
  } finally {
    looking?.stop();
    progress?.stop();
    await index.close();
  }
}

/** Lines of ids or files that are listed. */
const listed = 50;

function damageText(folder: string, check: IndexCheck): string {
  const { items, damaged, damagedFiles, damagedPictures } = check;
  const found: readonly (readonly [string, readonly string[]])[] = [
    [`of ${items} items are not as they were written; searches leave them out:`, damaged],
    ["files of the store are not as they were written; searches may miss items:", damagedFiles],
    ["pictures that were handed in are not as they were; put them again:", damagedPictures],
  ];
  const sections = found.flatMap(([what, names]) => {
    if (names.length === 0) return [];
    const more = names.length > listed ? [`  and ${names.length - listed} more; --json lists all`] : [];
    return [
      `${names.length} ${what}`,
      ...names.slice(0, listed).map((name) => `  ${visibleLine(name)}`),
      ...more,
    ];
  });
  const next = `to write items and files again: sdfn index --catalogue <file> --out ${folder}`;
  return [`${folder}: damaged`, ...sections, next, ""].join("\n");
}

function textOf(folder: string, { items, oldVersion, samples, k, oracle, filters }: IndexCheck): string {
  const ms = (value: number) => value.toFixed(1);
  return (
    `${folder}: ${items} items, ${samples} searched for, first ${k} answers; exact: ${oracle}\n` +
    "every item and file is as it was written\n" +
    (oldVersion === 0
      ? "\n"
      : `${oldVersion} items were written by an older version, without a hash of their vectors; ` +
        "the next `sdfn index` adds it\n\n") +
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
