/** `sdfn data synthetic`: makes the built-in catalogue of drawn garments. */
import { Command } from "commander";
import { type CatalogueSummary, generateCatalogue } from "../../data/synthetic/generate.js";
import { type SyntheticOptions, syntheticOptions } from "../../data/synthetic/options.js";
import { startProgress } from "../terminal/progress.js";

export interface CommandStreams {
  readonly stdout?: NodeJS.WritableStream;
  readonly stderr?: NodeJS.WriteStream;
}

/** The options as commander hands them over. */
interface Flags {
  readonly out: string;
  readonly seed?: string;
  readonly items?: string;
  readonly triplets?: string;
  readonly size?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** The command, ready to be added to a program. Results go to `stdout`, progress to `stderr`. */
export function dataSyntheticCommand({
  stdout = process.stdout,
  stderr = process.stderr,
}: CommandStreams = {}): Command {
  const defaults = syntheticOptions();
  return new Command("synthetic")
    .description(
      "Draw a catalogue of garments (dress, shirt, toptee) with relative captions, in FashionIQ's file layout.\n" +
        "The same options give the same files, byte for byte.",
    )
    .requiredOption("--out <dir>", "folder for the catalogue; must be absent, empty, or this very catalogue")
    .option("--seed <n>", `seed of everything random (default ${defaults.seed})`)
    .option(
      "--items <n>",
      `train pictures per category (default ${defaults.itemsPerCategory}); val has 1.05 times as many`,
    )
    .option("--triplets <n>", `train triplets of all categories together (default ${defaults.triplets})`)
    .option("--size <px>", `width and height of the pictures (default ${defaults.sizePx})`)
    .option(
      "--force",
      "make a synthetic catalogue anew that is already there; other folders are never touched",
    )
    .option("--json", "print one JSON line instead of text")
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  $ sdfn data synthetic --out data/synthetic\n" +
        "  $ sdfn data synthetic --out data/small --items 100 --triplets 500 --seed 7\n" +
        "  $ sdfn data synthetic --out data/large --items 3000 --triplets 20000 --size 128 --json\n",
    )
    .action((flags: Flags) => run(flags, stdout, stderr));
}

async function run(flags: Flags, stdout: NodeJS.WritableStream, stderr: NodeJS.WriteStream): Promise<void> {
  const json = flags.json ?? false;
  const options = optionsOf(flags);
  const startMs = performance.now();
  const abort = new AbortController();
  const interrupt = (): void => abort.abort();
  process.once("SIGINT", interrupt);
  let progress: ReturnType<typeof startProgress> | undefined;
  try {
    const summary = await generateCatalogue(flags.out, options, {
      signal: abort.signal,
      force: flags.force ?? false,
      onProgress(done, total) {
        progress ??= startProgress("drawing", total, { stream: stderr, json, unit: "pictures" });
        progress.update(done);
      },
    });
    progress?.stop();
    const seconds = Math.round((performance.now() - startMs) / 100) / 10;
    stdout.write(json ? `${JSON.stringify({ ...summary, seconds })}\n` : textOf(summary, seconds));
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    stderr.write("interrupted: no catalogue was written\n");
    process.exitCode = 130;
  } finally {
    progress?.stop();
    process.removeListener("SIGINT", interrupt);
  }
}

/** @throws UsageError that lists every flag that is wrong. */
function optionsOf(flags: Flags): SyntheticOptions {
  // What is not a whole number stays as it was typed, so that the message can show it.
  const value = (text: string | undefined): unknown =>
    text !== undefined && /^-?\d+$/.test(text.trim()) ? Number(text) : text;
  return syntheticOptions(
    {
      seed: value(flags.seed),
      itemsPerCategory: value(flags.items),
      triplets: value(flags.triplets),
      sizePx: value(flags.size),
    },
    { seed: "--seed", itemsPerCategory: "--items", triplets: "--triplets", sizePx: "--size" },
  );
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
