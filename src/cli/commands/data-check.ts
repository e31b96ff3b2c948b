/** `sdfn data check`: what a data set's folder holds, what is missing, and what is broken. */
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { openDataset } from "../../data/datasets/open-dataset.js";
import { checkImages, type ImageProblem } from "../../data/presence/check-images.js";
import { UsageError } from "../../errors.js";
import { type SplitSummary, summariseDataset } from "../../evaluation/dataset-summary.js";
import { protocolNames } from "../../evaluation/protocols.js";
import { untilAborted } from "../../until-aborted.js";
import { option, type Values } from "../flags/option.js";
import { optionCommand } from "../flags/option-command.js";
import { onOff, text } from "../flags/option-types.js";
import { datasetOption, jsonOption } from "../flags/shared-options.js";
import { type CommandContext, ExitCode, printJson } from "../terminal/context.js";
import { startProgress } from "../terminal/progress.js";
import { textTable } from "../terminal/text-table.js";

const options = [
  option("<dir>", "folder of the data set", text, { required: true }),
  datasetOption,
  option("--annotations-only", "look for the images, but decode none", onOff),
  option(
    "--list <file>",
    "write missing and broken images with reasons, and images with notes (id, state, reason; tabs between)",
    text,
  ),
  jsonOption,
];

/** Images of a split, or of all of them together. */
interface ImageCounts {
  readonly named: number;
  readonly missing: number;
  /** Null when no image was decoded. */
  readonly broken: number | null;
}

/** A line of the list: an image that cannot be used, or one that can and has a note. */
type ListedImage = Omit<ImageProblem, "state"> & { readonly state: ImageProblem["state"] | "note" };

/** The command, ready to be added to a program. */
export function dataCheckCommand(context: CommandContext): Command {
  return optionCommand("check", options, (flags) =>
    untilAborted(context.signal, () => checkDataset(flags, context)),
  )
    .description(
      "Read every annotation of a data set, look for every image and decode it; tell what is there,\n" +
        "what is missing and what is broken: queries by category and split, galleries by protocol, images.",
    )
    .addHelpText(
      "after",
      "\nExit codes: 0 annotations are sound and every image decodes; 1 an annotation is wrong, or images are missing\n" +
        "or broken; with --annotations-only, images do not count. Training and evaluation run with what is there.\n" +
        "\nExamples:\n" +
        "  $ sdfn data check data/fashioniq --list problems.tsv\n" +
        "  $ sdfn data check data/shoes --dataset shoes --annotations-only --json",
    );
}

async function checkDataset(
  { dir, ...flags }: Values<typeof options>,
  context: CommandContext,
): Promise<void> {
  const dataset = openDataset(dir, flags.dataset);
  const splits = summariseDataset(dataset);
  const ids = [...new Set(splits.flatMap(({ imageIds }) => imageIds))];
  const shouldDecode = !flags.annotationsOnly;
  if (flags.list !== undefined) writeList(flags.list, []); // a wrong path should not be found out after the work
  const progress = startProgress("checking", ids.length, {
    stream: context.stderr,
    json: flags.json,
    unit: "images",
  });
  let problems: readonly ImageProblem[];
  const notes: ListedImage[] = [];
  try {
    const { signal } = context;
    problems = await checkImages(dataset, ids, {
      shouldDecode,
      signal,
      onProgress: progress.update,
      onNote: (id, reason) => notes.push({ id, state: "note", reason }),
    });
  } finally {
    progress.stop();
  }
  if (flags.list !== undefined) writeList(flags.list, [...problems, ...notes]);

  const all = countImages(ids, problems, shouldDecode);
  const images = splits.map(({ imageIds }) => countImages(imageIds, problems, shouldDecode));
  if (flags.json) {
    printJson(context, {
      dataset: dataset.name,
      root: dir,
      splits: splits.map(({ split, epochTriplets, perCategory }, i) => {
        return { split, epochTriplets, perCategory, images: images[i] };
      }),
      images: all,
      notes: notes.length,
      list: flags.list ?? null,
    });
  } else {
    context.stdout.write(
      `${dataset.name}, ${dir}\n${tableOf(splits)}\n` +
        splits.map(({ split }, i) => `${split}: ${imagesText(images[i] ?? all)}\n`).join("") +
        `all: ${imagesText(all)}\n` +
        (all.missing > 0 ? `images belong at ${dataset.imagesExpectedAt}\n` : "") +
        (notes.length > 0 ? `${notesText(notes)}\n` : "") +
        (flags.list === undefined ? "" : `list of missing and broken images and of notes: ${flags.list}\n`),
    );
  }
  if (shouldDecode && problems.length > 0) throw new ExitCode(1);
}

function countImages(
  ids: readonly string[],
  problems: readonly ImageProblem[],
  wereDecoded: boolean,
): ImageCounts {
  const own = new Set(ids);
  const count = (state: ImageProblem["state"]) =>
    problems.filter((problem) => problem.state === state && own.has(problem.id)).length;
  return { named: ids.length, missing: count("missing"), broken: wereDecoded ? count("broken") : null };
}

function imagesText({ named, missing, broken }: ImageCounts): string {
  const present = `${named - missing} of ${named} images are there, ${missing} missing`;
  return broken === null ? `${present}; none was decoded` : `${present}, ${broken} broken`;
}

function tableOf(splits: readonly SplitSummary[]): string {
  return textTable([
    ["", "queries", "untargeted", "target = reference", "empty captions", "images", ...protocolNames],
    ...splits.flatMap(({ split, perCategory }) =>
      Object.entries(perCategory).map(([category, summary]) =>
        [
          `${split} ${category}`,
          summary.queries,
          summary.untargeted,
          summary.targetIsReference,
          summary.emptyCaptions,
          summary.images,
          ...protocolNames.map((name) => summary.gallery[name]),
        ].map(String),
      ),
    ),
  ]);
}

/** How many, and what the first one is. */
function notesText(notes: readonly ListedImage[]): string {
  const [first] = notes;
  return `read with a note: ${notes.length}; the first is ${first?.id}: ${first?.reason}`;
}

/** One line an image: id, state, reason. */
function writeList(file: string, images: readonly ListedImage[]): void {
  const lines = images.map(({ id, state, reason }) => `${id}\t${state}\t${reason.replace(/\s+/g, " ")}\n`);
  try {
    writeFileSync(file, lines.join(""));
  } catch (cause) {
    throw new UsageError(`--list: the file cannot be written; got ${cause}; choose another one`, { cause });
  }
}
