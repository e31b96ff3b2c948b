/** `sdfn evaluate`: recall of a trained model on a data set. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Command } from "commander";
import { answerKinds } from "../../data/datasets/dataset-kind.js";
import { openDataset } from "../../data/datasets/open-dataset.js";
import { oneCategory } from "../../data/one-category.js";
import { describeDrops } from "../../data/presence/missing-images.js";
import {
  type RetrievalDataset,
  referenceRules,
  type SplitName,
  usualEvaluation,
} from "../../data/triplet.js";
import { wordingCount } from "../../data/wordings.js";
import { UsageError } from "../../errors.js";
import { evaluate, evaluationImages } from "../../evaluation/evaluate.js";
import { captionJoins, defaultProtocol, type Protocol, protocolFor } from "../../evaluation/protocols.js";
import { type EmbedderOptions, withEmbedder } from "../../evaluation/run-embedder.js";
import {
  answerSplit,
  submissionFiles,
  submissionImages,
  submissionOf,
  submissionText,
} from "../../evaluation/submission.js";
import { type TrecFiles, writeTrec } from "../../evaluation/trec.js";
import { writeWholeSync } from "../../files/whole.js";
import { openRun, type Run } from "../../runs/open-run.js";
import { projectCommit } from "../../runs/project-version.js";
import { loadRunModel } from "../../runs/run-model.js";
import { untilAborted } from "../../until-aborted.js";
import { imageCacheOf, imageCacheOptions } from "../flags/image-cache-flags.js";
import { runModelOption } from "../flags/model-flag.js";
import { option, type Values } from "../flags/option.js";
import { optionCommand } from "../flags/option-command.js";
import { choice, text, wholeNumber } from "../flags/option-types.js";
import {
  dataOption,
  datasetOption,
  evaluatedSplitOption,
  jsonOption,
  protocolOption,
  runOption,
} from "../flags/shared-options.js";
import { type CommandContext, printJson } from "../terminal/context.js";
import { imageCheckView } from "../views/image-check-view.js";
import { recallText } from "../views/recall-text.js";

const options = [
  runOption,
  runModelOption,
  dataOption,
  datasetOption,
  evaluatedSplitOption,
  protocolOption,
  option("--captions <join>", "texts of a query", choice(captionJoins), {
    default: defaultProtocol.captions,
  }),
  option("--reference <rule>", "is the reference image ranked", choice(referenceRules), {
    otherwise: "the data set's own",
  }),
  option(
    "--answers <kind>",
    "what counts as found in a catalogue, attributes being any item like the target",
    choice(answerKinds),
    { otherwise: "the folder's" },
  ),
  option(
    "--wordings <n>",
    "wordings that each query is asked in, where the data set has them; 1 for its own alone",
    wholeNumber({ min: 1, max: 100 }),
    { default: wordingCount },
  ),
  option("--trec <dir>", "also write TREC run and qrels files, a pair for each category", text),
  option(
    "--trec-depth <n>",
    "with --trec: answers of each query in the run files",
    wholeNumber({ min: 1, max: 1e6 }),
    {
      default: 100,
      needs: "--trec",
    },
  ),
  option(
    "--submission <file>",
    "measure nothing, but write the answers that the data set's server takes (CIRR, CIRCO)",
    text,
    { excludes: "--trec" },
  ),
  ...imageCacheOptions,
  jsonOption,
];

/** The command, ready to be added to a program. */
export function evaluateCommand(context: CommandContext): Command {
  return optionCommand("evaluate", options, (flags) =>
    untilAborted(context.signal, () => evaluateModel(flags, context)),
  )
    .description(
      "Recall@1, @10 and @50 of a trained model, by category and on average, and what else " +
        "the data set's tables have (CIRR: recall in subsets; CIRCO: mAP); how many queries the " +
        "picture or the words alone answer, and recall on the others; and how recall moves when " +
        "the same change is put into other words.",
    )
    .addHelpText(
      "after",
      "\nDefaults are those of published results: FashionIQ val, val-split; Shoes val, original; Fashion200k test, original;\n" +
        "CIRR val, original; CIRCO val, original, reference kept. The targets of CIRR's and CIRCO's test are not published:\n" +
        "--split test --submission FILE writes the answers to send to their servers, for CIRR a second file FILE-subset.\n" +
        "  val-split   ranks against the reference and target images of the split's queries\n" +
        "  original    ranks against every image that the data set lists for the split\n" +
        '  and         one query "c1 and c2"; swapped: "c2 and c1" as a second query; each: one query a caption\n' +
        "A run that was trained on one category is evaluated on it alone. Results under different protocols cannot be compared. In the TREC files, Recall@K is trec_eval's success_K.\n" +
        "\nExamples:\n" +
        "  $ sdfn evaluate --run runs/sdfn --data data/synthetic\n" +
        "  $ sdfn evaluate --run runs/sdfn --data data/fashioniq --protocol original --reference kept --json\n" +
        "  $ sdfn evaluate --run runs/shop --data data/shop-triplets --split test --answers attributes\n" +
        "  $ sdfn evaluate --run runs/shoes --data data/shoes --trec runs/shoes/trec\n" +
        "  $ sdfn evaluate --run runs/cirr --data data/cirr --split test --submission runs/cirr/test.json",
    );
}

async function evaluateModel(flags: Values<typeof options>, context: CommandContext): Promise<void> {
  await loadRunModel(flags.run, flags.model);
  const opened = openRun(flags.run);
  const { category } = opened.config.training;
  const whole = openDataset(flags.data, flags.dataset, { answers: flags.answers });
  const dataset = category === "" ? whole : oneCategory(whole, category);
  const { protocol: name, captions, reference, trec: folder, trecDepth: depth } = flags;
  const { model } = opened.config;
  const written: TrecFiles[] = [];
  if (folder !== undefined) makeFolder("--trec", folder);
  const split = flags.split ?? (dataset.evaluation ?? usualEvaluation).split;
  const protocol = protocolFor(dataset, { name, captions, reference });
  const options = {
    signal: context.signal,
    imageChecks: imageCheckView(context, flags.json),
    imageCache: imageCacheOf(flags),
  };
  if (flags.submission !== undefined) {
    const { submission: file, json } = flags;
    await submit(opened, dataset, { ...options, split, protocol, file, json, context });
    return;
  }
  const result = await withEmbedder(opened, dataset, options, async ({ embedder, usable }) =>
    evaluate(await usable(evaluationImages(dataset.split(split), protocol)), embedder, {
      split,
      protocol,
      wordings: flags.wordings,
      model,
      seed: opened.config.training.seed,
      commit: projectCommit(),
      onCategory:
        folder === undefined
          ? undefined
          : async (category) => {
              written.push(await writeTrec(folder, category, { depth, tag: model }));
            },
    }),
  );
  if (flags.json) printJson(context, folder === undefined ? result : { ...result, trec: written });
  else {
    context.stdout.write(recallText(result));
    for (const { run: runFile, qrels } of written) context.stdout.write(`${runFile}\n${qrels}\n`);
  }
}

interface SubmitOptions extends EmbedderOptions {
  readonly split: SplitName;
  readonly protocol: Protocol;
  /** Where the answers go; further files get names beside it. */
  readonly file: string;
  readonly json: boolean;
  readonly context: CommandContext;
}

/** Writes the answers to all queries of a split, and says where. */
async function submit(run: Run, dataset: RetrievalDataset, options: SubmitOptions): Promise<void> {
  const { split, protocol, file, json, context } = options;
  const files = submissionFiles(file, submissionOf(dataset));
  makeFolder("--submission", dirname(file));
  const answered = await withEmbedder(run, dataset, options, async ({ embedder, usable }) =>
    answerSplit(await usable(submissionImages(dataset.split(split), protocol)), embedder, {
      split,
      protocol,
    }),
  );
  const { answers, gallery, dropped } = answered;
  for (const [i, { path, content }] of files.entries()) {
    writeWholeSync(path, submissionText(content, answers[i] ?? new Map()));
  }
  const paths = files.map(({ path }) => path);
  const queries = answers[0]?.size ?? 0;
  if (json) {
    const { model, training } = run.config;
    const { name: protocolName, ...rules } = protocol;
    printJson(context, {
      model,
      dataset: dataset.name,
      split,
      protocol: protocolName,
      ...rules,
      queries,
      gallery,
      dropped,
      seed: training.seed,
      commit: projectCommit(),
      submission: paths,
    });
  } else {
    context.stdout.write(
      `${queries} queries of ${dataset.name} ${split} answered from a gallery of ${gallery}, protocol ${protocol.name}, ` +
        `reference ${protocol.reference}; ${describeDrops(dropped)}\n${paths.map((path) => `${path}\n`).join("")}`,
    );
  }
}

/** Before the work, so that a wrong folder is not found out after it. */
function makeFolder(flag: string, folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new UsageError(`${flag}: the folder cannot be made; got ${cause}; choose another one`, { cause });
  }
}
