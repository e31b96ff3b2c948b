/** `sdfn data fetch`: downloads a published data set. */
import type { Command } from "commander";
import { z } from "zod";
import { publishedSetNames } from "../../data/datasets/published-sets.js";
import {
  defaultLimits,
  defaultRetry,
  defaultStallMs,
  type FetchResult,
  fetchDataset,
} from "../../data/fetch/fetch-dataset.js";
import type { ImageCounts } from "../../data/fetch/fetch-report.js";
import type { FetchProgress } from "../../data/fetch/fetch-session.js";
import { formatDuration } from "../../report/format.js";
import { option, type Values } from "../flags/option.js";
import { optionCommand } from "../flags/option-command.js";
import { choice, list, onOff, text, wholeNumber } from "../flags/option-types.js";
import { jsonOption } from "../flags/shared-options.js";
import { type CommandContext, printJson } from "../terminal/context.js";
import { type Progress, startProgress } from "../terminal/progress.js";

const webAddress = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:/i.test(text), "must be an http or https address");
const bytesPerMegabyte = 1e6;

const options = [
  option("<dataset>", "which data set", choice(publishedSetNames), { required: true }),
  option("--out <dir>", "folder for the data set", text, { required: true }),
  option("--base-url <url>", "a copy of the published files in the data set's own layout", webAddress),
  option(
    "--url-list <file or url...>",
    "lists of image addresses, one `id address` a line, instead of the published ones",
    list(text),
  ),
  option("--archive <file or url>", "a .tar or .tar.gz of the images, instead of single addresses", text, {
    excludes: "--url-list",
  }),
  option("--annotations-only", "no images", onOff),
  option("--verify", "also decode the images that are there, and fetch damaged ones again", onOff),
  option("--parallel <n>", "downloads at a time", wholeNumber({ min: 1, max: 64 }), {
    default: defaultLimits.parallel,
  }),
  option("--attempts <n>", "tries of an address that may work later", wholeNumber({ min: 1, max: 20 }), {
    default: defaultRetry.attempts,
  }),
  option(
    "--timeout <s>",
    "seconds after which a silent server is given up",
    wholeNumber({ min: 1, max: 3600 }),
    { default: defaultStallMs / 1000 },
  ),
  option("--max-image-mb <n>", "largest image in MB", wholeNumber({ min: 1, max: 250 }), {
    default: defaultLimits.maxFileBytes / bytesPerMegabyte,
  }),
  option(
    "--allow-host <name...>",
    "hosts in a private network that lists and redirects may lead to",
    list(text),
  ),
  jsonOption,
];

/** The command, ready to be added to a program. */
export function dataFetchCommand(context: CommandContext): Command {
  return optionCommand("fetch", options, (flags) => fetchPublished(flags, context))
    .description(
      "Download annotations and images of a published data set.\n" +
        "What is there is kept: the same command continues where it was stopped. Addresses\n" +
        "that are dead, as many are today, are counted and listed in fetch-report.json.",
    )
    .addHelpText(
      "after",
      "\nCtrl-C stops at once and leaves whole files only.\n" +
        "docs/data.md says what is published where, and what the words of the report mean.\n" +
        "\nExamples:\n" +
        "  $ sdfn data fetch fashioniq --out data/fashioniq\n" +
        "  $ sdfn data fetch shoes --out data/shoes --archive downloads/attributedata.tar.gz\n" +
        "  $ sdfn data fetch fashion200k --out data/fashion200k --base-url https://mirror.example/fashion200k/ --json\n" +
        "  $ sdfn data fetch fashioniq --out data/fashioniq --url-list other-addresses.txt --parallel 4",
    );
}

async function fetchPublished(flags: Values<typeof options>, context: CommandContext): Promise<void> {
  const startMs = performance.now();
  const view = progressView(context, flags.json);
  let result: FetchResult;
  try {
    result = await fetchDataset(flags.dataset, {
      out: flags.out,
      baseUrl: flags.baseUrl,
      urlLists: flags.urlList,
      archive: flags.archive,
      annotationsOnly: flags.annotationsOnly,
      verify: flags.verify,
      allowedHosts: flags.allowHost,
      limits: { parallel: flags.parallel, maxFileBytes: flags.maxImageMb * bytesPerMegabyte },
      retry: { attempts: flags.attempts },
      stallMs: flags.timeout * 1000,
      signal: context.signal,
      progress: view,
    });
  } catch (error) {
    view.stop();
    if (context.signal.aborted) {
      context.stderr.write(`every file in ${flags.out} is whole; the same command continues from here\n`);
    }
    throw error;
  } finally {
    view.stop();
  }
  const seconds = Math.round((performance.now() - startMs) / 100) / 10;
  if (flags.json) printJson(context, { ...result, seconds });
  else context.stdout.write(textOf(result, seconds));
}

/** One bar after the other. */
function progressView({ stderr }: CommandContext, json: boolean): FetchProgress & { stop(): void } {
  let bar: Progress | undefined;
  return {
    start(label, total, unit) {
      bar?.stop();
      bar = startProgress(label, total, { stream: stderr, json, unit });
    },
    update: (done, note) => bar?.update(done, note),
    stop: () => bar?.stop(),
  };
}

const imageWords: Readonly<Record<keyof ImageCounts, string>> = {
  wanted: "named by the annotations",
  present: "were there",
  fetched: "fetched",
  dead: "dead: their servers say that they are gone",
  unavailable: "not to be had now: run the same command again later",
  refused: "refused: no image, too large, or from where it should not be",
  unlisted: "without an address",
};

function textOf(result: FetchResult, seconds: number): string {
  const { dataset, directory, files, images, wrongLines, unsafeNames, fetchedBytes, report } = result;
  const row = (count: number, what: string): string => `  ${String(count).padStart(7)} ${what}\n`;
  const counts = Object.entries(imageWords) as [keyof ImageCounts, string][];
  const notes: readonly (readonly [number, string])[] = [
    ...(images ? counts.map(([name, words]) => [images[name], `images ${words}`] as const) : []),
    [wrongLines, "lines of address lists that are no `id address`"],
    [unsafeNames, "names that could lead out of the folder"],
  ];
  return (
    `${directory}: ${dataset}, ${(fetchedBytes / bytesPerMegabyte).toFixed(1)} MB in ${formatDuration(seconds)}\n` +
    row(files.present, "annotation files were there") +
    row(files.fetched, "annotation files fetched") +
    notes
      .filter(([count]) => count > 0)
      .map(([count, what]) => row(count, what))
      .join("") +
    `report: ${report}\n` +
    `next: sdfn data check ${directory} --dataset ${dataset}\n`
  );
}
