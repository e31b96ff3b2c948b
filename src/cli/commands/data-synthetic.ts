/** `sdfn data synthetic`: makes the built-in catalogue of drawn garments. */
import type { Command } from "commander";
import { type CatalogueSummary, generateCatalogue } from "../../data/synthetic/generate.js";
import { syntheticLimits } from "../../data/synthetic/options.js";
import { option, type Values } from "../flags/option.js";
import { optionCommand } from "../flags/option-command.js";
import { onOff, text, wholeNumber } from "../flags/option-types.js";
import { jsonOption, syntheticCatalogueOptions } from "../flags/shared-options.js";
import { type CommandContext, printJson } from "../terminal/context.js";
import { type Progress, startProgress } from "../terminal/progress.js";

const options = [
  option("--out <dir>", "folder for the catalogue; must be absent, empty, or this very catalogue", text, {
    required: true,
  }),
  ...syntheticCatalogueOptions,
  option("--size <px>", "width and height of the pictures", wholeNumber(syntheticLimits.sizePx), {
    default: syntheticLimits.sizePx.default,
  }),
  option(
    "--force",
    "make a synthetic catalogue anew that is already there; other folders are never touched",
    onOff,
  ),
  jsonOption,
];

/** The command, ready to be added to a program. */
export function dataSyntheticCommand(context: CommandContext): Command {
  return optionCommand("synthetic", options, (flags) => drawCatalogue(flags, context))
    .description(
      "Draw a catalogue of garments (dress, shirt, toptee) with relative captions, in FashionIQ's file layout.\n" +
        "The same options give the same files, byte for byte.",
    )
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  $ sdfn data synthetic --out data/synthetic\n" +
        "  $ sdfn data synthetic --out data/small --items 100 --triplets 500 --seed 7\n" +
        "  $ sdfn data synthetic --out data/large --items 3000 --triplets 20000 --size 128 --json",
    );
}

async function drawCatalogue(
  { out, seed, items, triplets, size, force, json }: Values<typeof options>,
  context: CommandContext,
): Promise<void> {
  const { stdout, stderr, signal } = context;
  const startMs = performance.now();
  let progress: Progress | undefined;
  try {
    const summary = await generateCatalogue(
      out,
      { seed, itemsPerCategory: items, triplets, sizePx: size },
      {
        signal,
        force,
        onProgress(done, total) {
          progress ??= startProgress("drawing", total, { stream: stderr, json, unit: "pictures" });
          progress.update(done);
        },
      },
    );
    progress?.stop();
    const seconds = Math.round((performance.now() - startMs) / 100) / 10;
    if (json) printJson(context, { ...summary, seconds });
    else stdout.write(textOf(summary, seconds));
  } catch (error) {
    if (signal.aborted) stderr.write("interrupted: no catalogue was written\n");
    throw error;
  } finally {
    progress?.stop();
  }
}

function textOf({ directory, counts, imageCount, isUnchanged }: CatalogueSummary, seconds: number): string {
  const rows = Object.entries(counts).flatMap(([split, categories]) =>
    Object.entries(categories).map(
      ([category, { images, triplets }]) =>
        `  ${split.padEnd(6)} ${category.padEnd(7)} ${String(images).padStart(6)} pictures ${String(triplets).padStart(6)} triplets\n`,
    ),
  );
  const head = isUnchanged
    ? `${directory}: this catalogue was already there (${imageCount} pictures)\n`
    : `${directory}: ${imageCount} pictures in ${seconds} s\n`;
  return head + rows.join("");
}
