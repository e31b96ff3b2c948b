/** `sdfn report`: a page on one run. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { openDataset } from "../../data/datasets/open-dataset.js";
import type { ImageProblem } from "../../data/presence/check-images.js";
import { type RetrievalDataset, usualEvaluation } from "../../data/triplet.js";
import { RunError } from "../../errors.js";
import { summariseDataset } from "../../evaluation/dataset-summary.js";
import type { RunInstruments } from "../../evaluation/instruments/run-instruments.js";
import { protocolFor } from "../../evaluation/protocols.js";
import { type EvaluateRunOptions, evaluateRun } from "../../experiments/evaluate-run.js";
import { type InspectRunOptions, inspectRun } from "../../experiments/instruments/inspect-run.js";
import { modelTitle } from "../../models/model-title.js";
import { machineFacts } from "../../report/machine-facts.js";
import { type RunEvaluation, runPage } from "../../report/run-page.js";
import { projectCommit } from "../../runs/project-version.js";
import { type RunConfig, resolveRunConfig } from "../../runs/run-config.js";
import { readManifest, readMetrics, runFiles } from "../../runs/run-files.js";
import { loadRunModel } from "../../runs/run-model.js";
import { untilAborted } from "../../until-aborted.js";
import { imageCacheOf, imageCacheOptions } from "../flags/image-cache-flags.js";
import { runModelOption } from "../flags/model-flag.js";
import { option, type Values } from "../flags/option.js";
import { optionCommand } from "../flags/option-command.js";
import { text, wholeNumber } from "../flags/option-types.js";
import { datasetOption, evaluatedSplitOption, jsonOption, protocolOption } from "../flags/shared-options.js";
import { type CommandContext, printJson } from "../terminal/context.js";
import { type Progress, startProgress } from "../terminal/progress.js";
import { writePage } from "../terminal/write-page.js";
import { extremeQueries } from "../views/extreme-queries.js";
import { imageCheckView } from "../views/image-check-view.js";
import { withQueryPictures } from "../views/query-pictures.js";
import { moduleNamesOf, namedRoutes } from "../views/query-routes.js";

const pageName = "report.html";

const options = [
  option("--run <dir>", "run folder that `sdfn train` wrote; it may still be trained", text, {
    required: true,
  }),
  runModelOption,
  option("--data <dir>", "folder of the data set, to evaluate the run on", text),
  datasetOption,
  evaluatedSplitOption,
  protocolOption,
  option(
    "--instruments <n>",
    "look into the run too, on the train split: gradients by loss, other routes for up to n held-out queries; 0 leaves it out",
    wholeNumber({ min: 0, max: 100_000 }),
    { default: 256, needs: "--data" },
  ),
  option("--out <file>", "the page", text, { otherwise: `${pageName} in the run folder` }),
  ...imageCacheOptions,
  jsonOption,
];

/** Queries shown of either kind, and pictures of each ranking. */
const shownQueries = 6;
const shownPictures = 5;

/** The command, ready to be added to a program. */
export function reportCommand(context: CommandContext): Command {
  return optionCommand("report", options, (flags) =>
    untilAborted(context.signal, () => writeReport(flags, context)),
  )
    .description(
      "Write a page on one run: losses, held-out recall, learning rate, speed, routers, configuration. With --data the\n" +
        "run is evaluated too: recall, where queries fail, the worst and best of them with pictures, data statistics,\n" +
        "and looked into: what each loss asks of each part, and what other routes than its own would give.",
    )
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  $ sdfn report --run runs/sdfn\n" +
        "  $ sdfn report --run runs/sdfn --data data/synthetic --out sdfn.html",
    );
}

async function writeReport(flags: Values<typeof options>, context: CommandContext): Promise<void> {
  const { run: runDir, out = join(runDir, pageName), json } = flags;
  const manifest = readManifest(runDir);
  await loadRunModel(runDir, flags.model);
  const config = resolveRunConfig({ file: manifest.config });
  const dataset = flags.data === undefined ? undefined : openDataset(flags.data, flags.dataset);
  const evaluation =
    dataset &&
    (await evaluateForPage(config, {
      dataset,
      runDir,
      split: flags.split ?? (dataset.evaluation ?? usualEvaluation).split,
      protocol: protocolFor(dataset, { name: flags.protocol }),
      imageCache: imageCacheOf(flags),
      signal: context.signal,
      imageChecks: imageCheckView(context, json),
    }));
  const isTrainThere = dataset !== undefined && (dataset.splits?.includes("train") ?? true);
  const instruments =
    isTrainThere && flags.instruments > 0
      ? await inspectForPage({ dataset, runDir, queries: flags.instruments }, flags, context)
      : undefined;
  const page = runPage({
    runDir,
    model: modelTitle(config.model),
    manifest,
    metrics: readMetrics(runDir),
    modules: moduleNamesOf(config),
    unusable: readUnusable(runDir),
    data: dataset && summariseDataset(dataset),
    evaluation,
    instruments,
    facts: [["Page made by commit", projectCommit()], ...machineFacts()],
  });
  writePage(out, page, "--out");
  if (json) {
    const result = evaluation?.result ?? null;
    printJson(context, { run: runDir, report: out, result, instruments: instruments ?? null });
  } else {
    const next = dataset ? "" : "with --data DIR it shows recall, pictures and data statistics too\n";
    context.stdout.write(`${out}\n${next}`);
  }
}

/** With a bar that counts batches and routes. */
async function inspectForPage(
  inspected: Pick<InspectRunOptions, "dataset" | "runDir" | "queries">,
  flags: Values<typeof options>,
  context: CommandContext,
): Promise<RunInstruments> {
  let bar: Progress | undefined;
  try {
    return await inspectRun({
      ...inspected,
      imageCache: imageCacheOf(flags),
      signal: context.signal,
      imageChecks: imageCheckView(context, flags.json),
      onProgress: (done, total) => {
        bar ??= startProgress("instruments", total, {
          stream: context.stderr,
          json: flags.json,
          unit: "batches and routes",
        });
        bar.update(done);
      },
    });
  } finally {
    bar?.stop();
  }
}

async function evaluateForPage(
  config: RunConfig,
  options: EvaluateRunOptions & { readonly dataset: RetrievalDataset },
): Promise<RunEvaluation> {
  let added: Omit<RunEvaluation, "result" | "ranks"> | undefined;
  const evaluated = await evaluateRun(options, async ({ embedder }, categories) => {
    const { worst, best } = extremeQueries(categories, { count: shownQueries, shown: shownPictures });
    const withPictures = (queries: typeof worst) =>
      Promise.all(queries.map((query) => withQueryPictures(query, options)));
    const queries = categories.flatMap(({ asked }) =>
      asked.map(({ triplet: { reference }, text }) => ({ reference, text })),
    );
    const [first] = best;
    added = {
      worst: await withPictures(worst),
      best: await withPictures(best),
      routeStatistics: await embedder.routeStatistics(queries),
      routes:
        first &&
        namedRoutes(
          config,
          (await embedder.embedQuery({ reference: first.triplet.reference, text: first.text })).routes,
        ),
    };
  });
  return { ...evaluated, ...(added ?? { worst: [], best: [], routeStatistics: [] }) };
}

const unusableSchema = z.object({
  id: z.string(),
  state: z.enum(["missing", "broken"]),
  reason: z.string(),
});

/** The images that training left out. @throws RunError when the list is damaged. */
function readUnusable(runDir: string): readonly ImageProblem[] {
  const file = join(runDir, runFiles.droppedImages);
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line, i) => {
      try {
        return unusableSchema.parse(JSON.parse(line));
      } catch (cause) {
        throw new RunError(
          `${file}: line ${i + 1} is not an image and its state; got ${line.slice(0, 60)}; copy the run folder again`,
          { cause },
        );
      }
    });
}
