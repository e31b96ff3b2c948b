/** `sdfn demo`, which is `npm start`: catalogue, training, evaluation, answers, a report and an index, at small size. */
import { rmSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { openFashionIq } from "../../data/datasets/fashion-iq.js";
import { generateCatalogue } from "../../data/synthetic/generate.js";
import { type SyntheticOptions, syntheticOptions } from "../../data/synthetic/options.js";
import { type CataloguePlan, planCatalogue } from "../../data/synthetic/plan.js";
import { Random } from "../../engine/tensor/random.js";
import { defaultProtocol } from "../../evaluation/protocols.js";
import type { EvaluationResult } from "../../evaluation/result.js";
import { withEmbedder } from "../../evaluation/run-embedder.js";
import { evaluateRun, trainRun } from "../../experiments/evaluate-run.js";
import { demoPage } from "../../report/demo-page.js";
import { formatDuration } from "../../report/format.js";
import { machineFacts } from "../../report/machine-facts.js";
import { openRun } from "../../runs/open-run.js";
import { projectCommit } from "../../runs/project-version.js";
import { resolveRunConfig } from "../../runs/run-config.js";
import { readMetrics } from "../../runs/run-files.js";
import { serviceDefaults } from "../../service/start-service.js";
import { answerQueries } from "../demo/demo-answers.js";
import { type DemoFolder, prepareDemoFolder } from "../demo/demo-folder.js";
import { indexDemo, serveDemo } from "../demo/demo-service.js";
import { packagedConfig, readConfigFile } from "../flags/config-file.js";
import { option, type Values } from "../flags/option.js";
import { optionCommand } from "../flags/option-command.js";
import { assignments, onOff, text, wholeNumber } from "../flags/option-types.js";
import { jsonOption, syntheticCatalogueOptions } from "../flags/shared-options.js";
import { type CommandContext, printJson } from "../terminal/context.js";
import { startProgress } from "../terminal/progress.js";
import { imageCheckView } from "../views/image-check-view.js";
import { namedRoutes } from "../views/query-routes.js";
import { comparisonText } from "../views/recall-text.js";
import { trainingView } from "../views/training-view.js";

/** What is trained, in this order; the first one answers the queries. */
const plans = [
  { model: "sdfn", config: "demo.json", set: [] },
  { model: "tirg", config: "demo-baseline.json", set: [] },
  // These two lack one half of the question, which no further epoch makes up for.
  { model: "image-only", config: "demo-baseline.json", set: ["epochs=1"] },
  { model: "text-only", config: "demo-baseline.json", set: ["epochs=1"] },
] as const;

const options = [
  option("--out <dir>", "folder for everything it makes", text, { default: "runs/demo" }),
  ...syntheticCatalogueOptions,
  option("--set <field=value...>", "configuration fields for all models; may be repeated", assignments),
  option("--serve", "at the end, search in a browser until Ctrl-C (not with --json)", onOff),
  option(
    "--port <n>",
    "with --serve: port to listen on, or another when it is taken",
    wholeNumber({ min: 0, max: 65_535 }),
    { default: serviceDefaults.port, needs: "--serve" },
  ),
  jsonOption,
];

/** The command, ready to be added to a program. */
export function demoCommand(context: CommandContext): Command {
  return optionCommand("demo", options, (flags) => runDemo(flags, context))
    .description(
      "See all of it work: draws a catalogue of garments, trains SDFN and simpler models on it, evaluates them,\n" +
        "answers a few queries, writes a report with pictures, and indexes pictures that were not trained on.\n" +
        "This is what `npm start` runs, with --serve.",
    )
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  $ sdfn demo --serve\n" +
        "  $ sdfn demo --seed 2 --out runs/demo-2 --json\n" +
        "  $ sdfn demo --out runs/quick --items 100 --triplets 600 --set epochs=1",
    );
}

interface Demo {
  readonly context: CommandContext;
  readonly folder: DemoFolder;
  readonly seed: number;
  readonly json: boolean;
  readonly set: readonly string[];
}

async function runDemo(
  { out, seed, items, triplets, set, json, serve, port }: Values<typeof options>,
  context: CommandContext,
): Promise<void> {
  const startMs = performance.now();
  const catalogue = syntheticOptions({ seed, itemsPerCategory: items, triplets });
  for (const plan of plans) configOf(plan, { seed, set });
  const folder = prepareDemoFolder(
    out,
    plans.map(({ model }) => model),
  );
  const demo: Demo = { context, folder, seed, json, set };
  const say = (text: string): void => {
    if (!json) context.stdout.write(text);
  };

  say("Drawing a catalogue of garments\n");
  await drawCatalogue(demo, catalogue);
  const results: EvaluationResult[] = [];
  for (const plan of plans) {
    say(`\nTraining ${plan.model}\n`);
    results.push(await trainAndEvaluate(demo, plan));
  }
  say("\nAnswering queries\n");
  const drawn = planCatalogue(catalogue, new Random(catalogue.seed));
  const { answers, routes } = await answer(demo, drawn);
  rmSync(folder.imageCache, { recursive: true, force: true });
  say("\nIndexing the pictures that no model was trained on\n");
  const indexed = await indexDemo(
    { folder, run: folder.runOf(plans[0].model), items: drawn.items, json },
    context,
  );
  say(`${indexed} items: ${folder.index}\n`);

  const seconds = (performance.now() - startMs) / 1000;
  const html = demoPage({
    results,
    trainings: plans.map(({ model }) => ({ model, metrics: readMetrics(folder.runOf(model)) })),
    answers,
    routes,
    seconds,
    facts: [["Seed", String(seed)], ["Commit", projectCommit()], ...machineFacts()],
  });
  writeFileSync(folder.report, html);
  writeFileSync(folder.results, `${JSON.stringify({ seconds, seed, results }, undefined, 2)}\n`);
  if (json) {
    const { name: protocol } = defaultProtocol;
    printJson(context, { seconds, seed, protocol, models: modelsOf(results), index: folder.index });
    return;
  }
  say(
    `\nMean recall, protocol ${defaultProtocol.name}, percent\n${comparisonText(results)}\n` +
      `Done in ${formatDuration(seconds)}. Open the report in a browser:\n  ${folder.report}\n`,
  );
  if (serve) await serveDemo({ index: folder.index, port }, context);
  else say(`Search the catalogue in a browser: sdfn serve ${folder.index}\n`);
}

type Plan = (typeof plans)[number];

function configOf({ model, config, set: own }: Plan, { seed, set }: Pick<Demo, "seed" | "set">) {
  return resolveRunConfig({
    file: readConfigFile(packagedConfig(config)),
    model,
    seed,
    set: [...own, ...set],
  });
}

async function drawCatalogue({ context, folder, json }: Demo, options: SyntheticOptions): Promise<void> {
  let progress: ReturnType<typeof startProgress> | undefined;
  try {
    const { imageCount } = await generateCatalogue(folder.catalogue, options, {
      force: true, // the folder is the demo's own; an older version's catalogue is replaced
      signal: context.signal,
      onProgress(done, total) {
        progress ??= startProgress("drawing", total, { stream: context.stderr, json, unit: "pictures" });
        progress.update(done);
      },
    });
    progress?.stop();
    if (!json) context.stdout.write(`${imageCount} pictures: ${folder.catalogue}\n`);
  } finally {
    progress?.stop();
  }
}

async function trainAndEvaluate(demo: Demo, plan: Plan): Promise<EvaluationResult> {
  const { context, folder, json } = demo;
  const config = configOf(plan, demo);
  const { epochs, batchSize } = config.training;
  const run = {
    signal: context.signal,
    imageChecks: imageCheckView(context, json),
    dataset: openFashionIq(folder.catalogue),
    runDir: folder.runOf(plan.model),
    imageCache: { folder: folder.imageCache },
  };
  const view = trainingView(context, { json, epochs, batchSize });
  try {
    await trainRun({ ...run, config, onEvent: view.onEvent });
  } finally {
    view.close();
  }
  return (await evaluateRun({ ...run, split: "val", protocol: defaultProtocol })).result;
}

async function answer(demo: Demo, { items }: CataloguePlan) {
  const { context, folder, json, seed } = demo;
  context.signal.throwIfAborted();
  const opened = openRun(folder.runOf(plans[0].model));
  const dataset = openFashionIq(folder.catalogue);
  const titles = new Map(items.map(({ id, title }) => [id, title]));
  const options = {
    signal: context.signal,
    imageChecks: imageCheckView(context, json),
    imageCache: { folder: folder.imageCache },
  };
  const answered = await withEmbedder(opened, dataset, options, ({ embedder }) =>
    answerQueries(embedder, {
      dataset,
      split: dataset.split("val"),
      protocol: defaultProtocol,
      seed,
      queriesPerCategory: 2,
      shown: 10,
      titleOf: (id) => titles.get(id),
    }),
  );
  return {
    answers: answered.map((entry) => entry.answer),
    routes: namedRoutes(opened.config, answered[0]?.routes ?? []),
  };
}

/** Recalls by model, as `--json` prints them. */
function modelsOf(results: readonly EvaluationResult[]) {
  return Object.fromEntries(
    results.map(({ model, mean: { r1, r10, r50 }, perCategory }) => [model, { r1, r10, r50, perCategory }]),
  );
}
