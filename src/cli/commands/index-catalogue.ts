/** `sdfn index`: brings the index of a catalogue up to date. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { countCatalogueRows } from "../../catalogue/read-catalogue.js";
import { UsageError } from "../../errors.js";
import { formatDuration } from "../../report/format.js";
import type { IndexReport } from "../../search/index/index-catalogue.js";
import { indexFiles } from "../../search/index/manifest.js";
import { indexWithModel } from "../encoders/index-with-model.js";
import type { ModelSource } from "../encoders/open-model.js";
import { runModelOption } from "../flags/model-flag.js";
import { option, type Values } from "../flags/option.js";
import { optionCommand } from "../flags/option-command.js";
import { onOff, text, wholeNumber } from "../flags/option-types.js";
import { jsonOption } from "../flags/shared-options.js";
import { type CommandContext, ExitCode, printJson } from "../terminal/context.js";
import { startProgress } from "../terminal/progress.js";
import { indexCheckCommand } from "./index-check.js";
import { indexDeleteCommand } from "./index-delete.js";

/** Columns that no item can do without. */
const needed = /^(?:id|image|category)$/i;
const names = z
  .string()
  .transform((given) => given.split(",").flatMap((name) => name.trim() || []))
  .refine((given) => !given.some((name) => needed.test(name)), "must leave id, image and category");

const options = [
  option("--run <dir>", "run folder that `sdfn train` wrote; a new index needs this or --bundle", text),
  runModelOption,
  option("--bundle <dir>", "exported model instead of a run", text, { excludes: "--run" }),
  option("--catalogue <file>", "catalogue.csv, .tsv, .jsonl or .json: id, image, category, ...", text, {
    required: true,
  }),
  option("--out <dir>", "folder of the index", text, { required: true }),
  option("--delete-missing", "also remove items that the catalogue does not have any more", onOff),
  option("--ignore-columns <names>", "columns to read as if they were not there, with commas between", names),
  option("--allow-links", "take pictures that are links out of the catalogue's folder", onOff),
  option("--batch <n>", "pictures embedded at a time", wholeNumber({ min: 1, max: 1024 }), { default: 64 }),
  jsonOption,
];

/** The command and those below it, ready to be added to a program. */
export function indexCommand(context: CommandContext): Command {
  return optionCommand("index", options, (flags) => updateIndex(flags, context))
    .description(
      "Make a catalogue searchable: embed its pictures with a trained model and keep them in a folder.\n" +
        "Run again after the catalogue changed, or after a stop: only what is new or changed is embedded.\n" +
        "What cannot be used is listed in errors.jsonl in the folder, row by row; everything else is indexed.",
    )
    .addHelpText(
      "after",
      "\nCtrl-C stops after the batch under way; the same command continues from there.\n" +
        "\nExamples:\n" +
        "  $ sdfn index --run runs/shop --catalogue shop/catalogue.csv --out shop-index\n" +
        "  $ sdfn index --catalogue shop/catalogue.csv --out shop-index --delete-missing\n" +
        "  $ sdfn index check shop-index\n" +
        "  $ sdfn index delete --out shop-index --ids A1 A2",
    )
    .addCommand(indexCheckCommand(context))
    .addCommand(indexDeleteCommand(context));
}

async function updateIndex(flags: Values<typeof options>, context: CommandContext): Promise<void> {
  const { catalogue, out, json } = flags;
  const startMs = performance.now();
  const model = sourceOf(flags);
  const { deleteMissing, batch: batchSize, ignoreColumns: ignoredColumns, allowLinks } = flags;
  const total = await countRows({ catalogue, ignoredColumns, json }, context);
  let report: IndexReport;
  try {
    report = await indexWithModel(
      { model, out, total, json, file: catalogue, deleteMissing, ignoredColumns, allowLinks, batchSize },
      context,
    );
  } catch (error) {
    if (context.signal.aborted) {
      context.stderr.write(`what was indexed is kept in ${out}; the same command continues from here\n`);
    }
    throw error;
  }
  const seconds = Math.round((performance.now() - startMs) / 100) / 10;
  if (json) printJson(context, { index: out, ...report, errorFile: report.errorFile ?? null, seconds });
  else context.stdout.write(textOf(out, report, seconds) + (deleteMissing ? keptText(report) : ""));
  if (usedRows(report) > 0) return;
  context.stderr.write(`${catalogue}: no row could be used; ${report.errorFile} says why\n`);
  throw new ExitCode(1);
}

function usedRows({ added, updated, unchanged }: IndexReport): number {
  return added + updated + unchanged;
}

/** Why nothing was deleted, if so. */
function keptText(report: IndexReport): string {
  const { count, rows } = report.unknownIds;
  if (count === 0) return usedRows(report) > 0 ? "" : "--delete-missing: nothing was deleted\n";
  const listed = rows.join(", ") + (count > rows.length ? ` and ${count - rows.length} more` : "");
  const which = count === 1 ? `the id of row ${listed} is` : `the ids of rows ${listed} are`;
  return `--delete-missing: nothing was deleted, because ${which} not known; correct what is listed and run again\n`;
}

async function countRows(
  {
    catalogue: file,
    ignoredColumns,
    json,
  }: {
    readonly catalogue: string;
    readonly ignoredColumns: readonly string[] | undefined;
    readonly json: boolean;
  },
  { stderr }: CommandContext,
): Promise<number> {
  const sizeBytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const progress = startProgress("reading", sizeBytes, { stream: stderr, json, unit: "bytes" });
  try {
    return await countCatalogueRows(file, { ignoredColumns, onBytes: (bytes) => progress.update(bytes) });
  } finally {
    progress.stop();
  }
}

/** The model that was named, or the index's own. */
function sourceOf({ run, model, bundle, out }: Values<typeof options>): ModelSource {
  if (run !== undefined) return { run, modelFile: model };
  if (bundle !== undefined) return { bundle };
  if (existsSync(join(out, indexFiles.manifest))) return { bundle: join(out, indexFiles.bundle) };
  throw new UsageError("sdfn index: --run or --bundle is missing, for a new index; see sdfn index --help");
}

function textOf(out: string, report: IndexReport, seconds: number): string {
  const row = (count: number, what: string): string => `  ${String(count).padStart(7)} ${what}\n`;
  return (
    `${out}: ${report.rows} rows in ${formatDuration(seconds)}\n` +
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
    (report.errors > 0 ? row(report.errors, "refused") : "") +
    (report.refusedValues > 0 ? row(report.refusedValues, "values left out of their items") : "") +
    (report.notes > 0 ? row(report.notes, report.notes === 1 ? "note" : "notes") : "") +
    (report.errorFile === undefined ? "" : `listed in ${report.errorFile}\n`)
  );
}
