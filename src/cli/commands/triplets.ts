/** `sdfn triplets`: makes training triplets of a shop's own catalogue. */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { readCatalogue } from "../../catalogue/read-catalogue.js";
import { answerKinds } from "../../data/datasets/dataset-kind.js";
import { type CaptionTemplates, parseCaptionTemplates } from "../../data/from-catalogue/caption-templates.js";
import { type ItemTable, tableOf } from "../../data/from-catalogue/item-table.js";
import { type MakeTripletsOptions, makeTriplets } from "../../data/from-catalogue/make-triplets.js";
import type { SplitShares } from "../../data/from-catalogue/split-items.js";
import {
  CataloguePictures,
  requireNewFolder,
  writeTriplets,
} from "../../data/from-catalogue/write-triplets.js";
import { Random } from "../../engine/tensor/random.js";
import { DatasetError } from "../../errors.js";
import { tripletsPage } from "../../report/triplets-page.js";
import { projectCommit } from "../../runs/project-version.js";
import { untilAborted } from "../../until-aborted.js";
import { packagedConfig, readConfigFile } from "../flags/config-file.js";
import { option, type Values } from "../flags/option.js";
import { optionCommand } from "../flags/option-command.js";
import { choice, seed, text, wholeNumber } from "../flags/option-types.js";
import { jsonOption } from "../flags/shared-options.js";
import { type CommandContext, printJson } from "../terminal/context.js";
import { startProgress } from "../terminal/progress.js";
import { chooseSamples, withPictures } from "../views/triplet-pictures.js";
import { tripletsText } from "../views/triplets-text.js";

/** Word templates that come with the package. */
const packagedTemplates = "caption-templates.json";

const attributeNames = text
  .transform((names) => names.split(",").map((name) => name.trim()))
  .refine((names) => !names.includes(""), "must be names with commas between them")
  .refine((names) => new Set(names).size === names.length, "must name each attribute once")
  .refine((names) => names.length <= 40, "must name at most 40 attributes");

const shares = z.string().transform((given, context): SplitShares => {
  const [train = Number.NaN, val = Number.NaN, test = Number.NaN, ...more] = given.split(",").map(Number);
  const isUsable =
    more.length === 0 && train > 0 && val >= 0 && test >= 0 && Math.abs(train + val + test - 1) < 1e-6;
  if (isUsable) return { train, val, test };
  context.addIssue({
    code: "custom",
    message: "must be three shares for train, val and test that sum to 1, train above 0",
  });
  return z.NEVER;
});

const options = [
  option("--catalogue <file>", "catalogue.csv or .jsonl: id, image, category and attributes", text, {
    required: true,
  }),
  option("--attributes <names>", "columns that captions may speak of, with commas between", attributeNames, {
    required: true,
  }),
  option("--out <dir>", "a new or an empty folder", text, { required: true }),
  option("--seed <n>", "seed of splits, pairs and words", seed, { default: 1 }),
  option("--pairs <n>", "triplets of all splits together", wholeNumber({ min: 1, max: 10_000_000 }), {
    otherwise: "two an item",
  }),
  option(
    "--max-changes <n>",
    "most attributes that differ in a pair, 1 to 3",
    wholeNumber({ min: 1, max: 3 }),
    {
      default: 2,
    },
  ),
  option("--templates <file>", "how changes are put into words", text, {
    otherwise: `configs/${packagedTemplates}`,
  }),
  option("--split <shares>", "shares of the items in train, val and test", shares, {
    default: "0.8,0.1,0.1",
  }),
  option(
    "--answers <kind>",
    "what evaluation counts as found, attributes being any item like the target in all of them",
    choice(answerKinds),
    { default: "target" },
  ),
  jsonOption,
];

/** Files of the folder beside those of every folder of triplets. */
const ownFiles = { statistics: "statistics.json", page: "samples.html" } as const;

/** The command, ready to be added to a program. */
export function tripletsCommand(context: CommandContext): Command {
  return optionCommand("triplets", options, (flags) =>
    untilAborted(context.signal, () => writeTripletsOf(flags, context)),
  )
    .description(
      "Make training triplets of a catalogue: pairs of one category that differ in one or two attributes, put into\n" +
        "words after templates. Writes a folder that train and evaluate take as --data, with statistics.json and\n" +
        "samples.html to look at. Pictures stay where they are; none is fetched.",
    )
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  $ sdfn triplets --catalogue shop/catalogue.csv --attributes colour,sleeves --out data/shop\n" +
        "  $ sdfn triplets --catalogue shop/catalogue.jsonl --attributes colour,fit,length --out data/shop \\\n" +
        "      --pairs 20000 --max-changes 1 --templates my-words.json --split 0.9,0.1,0 --answers attributes --json",
    );
}

async function writeTripletsOf(flags: Values<typeof options>, context: CommandContext): Promise<void> {
  const { catalogue, attributes, out, seed, json } = flags;
  requireNewFolder(out);
  const templates = templatesOf(flags.templates);
  const startMs = performance.now();
  const table = await readTable(catalogue, attributes, context, json);
  const set = await makeWithProgress(
    table,
    {
      templates,
      pairs: flags.pairs,
      maxChanges: flags.maxChanges,
      shares: flags.split,
      random: new Random(seed),
      signal: context.signal,
    },
    { context, json },
  );
  const { statistics } = set;
  if (statistics.splits.train.triplets === 0) {
    throw new DatasetError(
      `${catalogue}: no two train items of a category differ in 1 to ${flags.maxChanges} of the ${attributes.length} attributes and agree in the others; ` +
        `got ${statistics.rows} rows; name fewer --attributes, or raise --max-changes`,
    );
  }
  const pictures = new CataloguePictures(table, catalogue);
  const { samples, hidden } = await withPictures(chooseSamples(set.triplets), table, pictures);
  const made = {
    catalogue,
    attributes,
    seed,
    maxChanges: flags.maxChanges,
    pairs: flags.pairs ?? null,
    split: flags.split,
    templates: flags.templates ?? null,
    commit: projectCommit(),
  };
  const result = { made, answers: flags.answers, images: pictures.count(), ...statistics };
  const page = tripletsPage({
    catalogue,
    statistics,
    samples,
    hiddenSamples: hidden,
    facts: [
      ["Attributes", attributes.join(", ")],
      ["Seed", String(seed)],
      ["Commit", made.commit],
    ],
  });
  await writeTriplets(out, {
    table,
    set,
    pictures,
    catalogueFile: catalogue,
    answers: flags.answers,
    provenance: { made },
    files: new Map([
      [ownFiles.statistics, `${JSON.stringify(result, undefined, 1)}\n`],
      [ownFiles.page, page],
    ]),
  });
  const seconds = Math.round((performance.now() - startMs) / 100) / 10;
  const places = { directory: out, page: join(out, ownFiles.page) };
  if (json) printJson(context, { ...places, ...result, seconds });
  else context.stdout.write(tripletsText({ ...places, statistics, images: result.images, seconds }));
}

/** The user's file, or the one that comes with the package. */
function templatesOf(file: string | undefined): CaptionTemplates {
  const path = file ?? packagedConfig(packagedTemplates);
  return parseCaptionTemplates(readConfigFile(path), path);
}

async function readTable(
  catalogue: string,
  attributes: readonly string[],
  context: CommandContext,
  json: boolean,
): Promise<ItemTable> {
  const sizeBytes = statSync(catalogue, { throwIfNoEntry: false })?.size ?? 0;
  const kilobytes = (bytes: number) => Math.ceil(bytes / 1000);
  const progress = startProgress("reading", kilobytes(sizeBytes), {
    stream: context.stderr,
    json,
    unit: "kB",
  });
  try {
    const items = readCatalogue(catalogue, {
      onBytes: (bytes) => {
        context.signal.throwIfAborted();
        progress.update(kilobytes(bytes));
      },
    });
    return await tableOf(items, attributes, catalogue);
  } finally {
    progress.stop();
  }
}

async function makeWithProgress(
  table: ItemTable,
  options: MakeTripletsOptions,
  { context, json }: { readonly context: CommandContext; readonly json: boolean },
): ReturnType<typeof makeTriplets> {
  let progress: ReturnType<typeof startProgress> | undefined;
  try {
    return await makeTriplets(table, {
      ...options,
      onProgress(done, total) {
        progress ??= startProgress("pairing", total, { stream: context.stderr, json, unit: "steps" });
        progress.update(done);
      },
    });
  } finally {
    progress?.stop();
  }
}
