/** `sdfn index`: brings the index of a catalogue up to date. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { countCatalogueRows } from "../../catalogue/read-catalogue.js";
import { UsageError } from "../../errors.js";
import type { IndexReport } from "../../search/index/index-catalogue.js";
import { indexFiles } from "../../search/index/manifest.js";
import type { ModelSource } from "../encoders/encoder-of.js";
import { indexWithModel } from "../encoders/index-with-model.js";
import { readFlags, switchFlag, textFlag, wholeNumberFlag } from "../flags/flags.js";
import { runModelFlag, runModelOption } from "../flags/model-flag.js";
import { type CommandContext, printJson } from "../terminal/context.js";
import { duration, startProgress } from "../terminal/progress.js";
import { indexCheckCommand } from "./index-check.js";
import { indexDeleteCommand } from "./index-delete.js";

const fields = {
  run: textFlag.optional(),
  model: runModelFlag,
  bundle: textFlag.optional(),
  catalogue: textFlag,
  out: textFlag,
  deleteMissing: switchFlag,
  batch: wholeNumberFlag({ min: 1, max: 1024 }).default(64),
  json: switchFlag,
};

/** The command and those below it, ready to be added to a program. */
export function indexCommand(context: CommandContext): Command {
  return new Command("index")
    .description(
      "Make a catalogue searchable: embed its pictures with a trained model and keep them in a folder.\n" +
        "Run again after the catalogue changed, or after a stop: only what is new or changed is embedded.\n" +
        "Rows that cannot be used are listed in errors.jsonl in the folder; the others are indexed.",
    )
    .option("--run <dir>", "run folder that `sdfn train` wrote (this or --bundle, required for a new index)")
    .option(...runModelOption)
    .option("--bundle <dir>", "exported model instead of a run")
    .option("--catalogue <file>", "catalogue.csv or .jsonl: id, image, category, ... (required)")
    .option("--out <dir>", "folder of the index (required)")
    .option("--delete-missing", "also remove items that the catalogue does not have any more")
    .option("--batch <n>", "pictures embedded at a time (default 64)")
    .option("--json", "print one JSON line at the end instead of text")
    .addHelpText(
      "after",
      "\nCtrl-C stops after the batch under way; the same command goes on from there.\n" +
        "\nExamples:\n" +
        "  $ sdfn index --run runs/shop --catalogue shop/catalogue.csv --out shop-index\n" +
        "  $ sdfn index --catalogue shop/catalogue.csv --out shop-index --delete-missing\n" +
        "  $ sdfn index check shop-index\n" +
        "  $ sdfn index delete --out shop-index --ids A1 A2",
    )
    .addCommand(indexCheckCommand(context))
    .addCommand(indexDeleteCommand(context))
    .action((given: Record<string, unknown>) => run(given, context));
}

async function run(given: Readonly<Record<string, unknown>>, context: CommandContext): Promise<void> {
  const flags = readFlags("index", fields, given);
  const { catalogue, out, json } = flags;
  const startMs = performance.now();
  const model = sourceOf(flags);
  const total = await countRows(catalogue, context, json);
  const { deleteMissing, batch: batchSize } = flags;
  let report: IndexReport;
  try {
    report = await indexWithModel(
      { model, out, total, json, file: catalogue, deleteMissing, batchSize },
      context,
    );
  } catch (error) {
    if (context.signal.aborted) {
      context.stderr.write(`what was indexed is kept in ${out}; the same command goes on from here\n`);
    }
    throw error;
  }
  const seconds = Math.round((performance.now() - startMs) / 100) / 10;
  if (json) printJson(context, { index: out, ...report, errorFile: report.errorFile ?? null, seconds });
  else context.stdout.write(textOf(out, report, seconds));
}

async function countRows(file: string, { stderr }: CommandContext, json: boolean): Promise<number> {
  const sizeBytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const progress = startProgress("reading", sizeBytes, { stream: stderr, json, unit: "bytes" });
  try {
    return await countCatalogueRows(file, { onBytes: (bytes) => progress.update(bytes) });
  } finally {
    progress.stop();
  }
}

/** The model that was named, or the index's own. */
function sourceOf({
  run,
  model,
  bundle,
  out,
}: Partial<Record<"run" | "model" | "bundle", string | undefined>> & { readonly out: string }): ModelSource {
  if (run !== undefined && bundle !== undefined) {
    throw new UsageError("sdfn index: --run and --bundle are two places for the model; give one of them");
  }
  if (run !== undefined) return { run, modelFile: model };
  if (model !== undefined) {
    throw new UsageError(`sdfn index: --model goes with --run, a bundle needs no file; got ${model}`);
  }
  if (bundle !== undefined) return { bundle };
  if (existsSync(join(out, indexFiles.manifest))) return { bundle: join(out, indexFiles.bundle) };
  throw new UsageError("sdfn index: --run or --bundle is missing, for a new index; see sdfn index --help");
}

function textOf(out: string, report: IndexReport, seconds: number): string {
  const row = (count: number, what: string): string => `  ${String(count).padStart(7)} ${what}\n`;
  return (
    `${out}: ${report.rows} rows in ${duration(seconds)}\n` +
    row(report.added, "added") +
    row(report.updated, "updated") +
    row(report.unchanged, "unchanged") +
    (report.deleted > 0 ? row(report.deleted, "deleted") : "") +
    (report.repaired > 0 ? row(report.repaired, "were damaged and are written again") : "") +
    (report.damaged.length > 0
      ? row(
          report.damaged.length,
          `stay damaged, for the catalogue does not have them: sdfn index check ${out}`,
        )
      : "") +
    (report.errors > 0 ? row(report.errors, `could not be used: ${report.errorFile}`) : "") +
    (report.notes > 0 ? row(report.notes, `read with a note: ${report.errorFile}`) : "")
  );
}
