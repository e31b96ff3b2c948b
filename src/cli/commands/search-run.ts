/** `sdfn search --run --data`: embeds the pictures of a data set and ranks them for one query. */

import { basename } from "node:path";
import { z } from "zod";
import { openDataset } from "../../data/datasets/open-dataset.js";
import { availableSplit, type DropReport } from "../../data/presence/missing-images.js";
import { type RetrievalDataset, type SplitName, splitNames, usualEvaluation } from "../../data/triplet.js";
import { UsageError } from "../../errors.js";
import { withEmbedder } from "../../evaluation/run-embedder.js";
import { thumbnailDataUri } from "../../images/image.js";
import { modelTitle } from "../../models/model-title.js";
import { searchPage } from "../../report/search-page.js";
import type { PagePicture } from "../../report/types.js";
import { openRun, type Run } from "../../runs/open-run.js";
import { projectCommit } from "../../runs/project-version.js";
import { loadRunModel } from "../../runs/run-model.js";
import { referenceFile, Searcher } from "../../search/searcher.js";
import { imageCacheOf, imageCacheOptions } from "../flags/image-cache-flags.js";
import { runModelOption } from "../flags/model-flag.js";
import { option, type Values } from "../flags/option.js";
import { choice, text } from "../flags/option-types.js";
import { datasetOption, runOption } from "../flags/shared-options.js";
import { type CommandContext, printJson } from "../terminal/context.js";
import { textTable } from "../terminal/text-table.js";
import { writePage } from "../terminal/write-page.js";
import { imageCheckView } from "../views/image-check-view.js";
import { searchPicturePx } from "../views/picture-sizes.js";
import { namedRoutes, routesText } from "../views/query-routes.js";
import { image, shownOptions, words } from "./search-query.js";

const placeOptions = [
  runOption,
  runModelOption,
  option("--data <dir>", "folder of the data set whose pictures are ranked", text, { required: true }),
  datasetOption,
];
const galleryOptions = [
  option("--split <name>", "pictures of this part are ranked", choice(splitNames), {
    otherwise: "the data set's own",
  }),
  ...imageCacheOptions,
];
export const inDatasetOptions = [...placeOptions, ...galleryOptions];

/** One picture and one text, of which an index takes several. */
const single = z.array(text).transform(([only = "", ...more], context) => {
  if (more.length > 0)
    context.addIssue({ code: "custom", message: "may be given once only without --index" });
  return only;
});

/** All that a search in a data set takes. */
export const runSearchOptions = [
  ...placeOptions,
  option(...image, single, { required: true }),
  option(...words, single, { required: true }),
  ...shownOptions,
  ...galleryOptions,
];

/** Opens, embeds, searches, prints. */
export async function searchRun(
  flags: Values<typeof runSearchOptions>,
  context: CommandContext,
): Promise<void> {
  await loadRunModel(flags.run, flags.model);
  const opened = openRun(flags.run);
  const dataset = openDataset(flags.data, flags.dataset);
  const listed = listedIds(dataset, flags);
  const file = referenceFile(dataset, flags.image);
  const options = {
    signal: context.signal,
    imageChecks: imageCheckView(context, flags.json),
    imageCache: imageCacheOf(flags),
  };
  const found = await withEmbedder(opened, dataset, options, async ({ embedder, images, usable }) => {
    // The reference is looked at first: a wrong one should not be found out after the whole gallery.
    await images.pixels(flags.image);
    const checked = await usable(listed);
    const gallery = listed.filter((id) => checked.imagePath(id) !== undefined);
    const dropped = {
      dropped: listed.length - gallery.length,
      of: listed.length,
      broken: checked.broken?.size ?? 0,
    };
    if (!flags.json) context.stderr.write(`embedding ${gallery.length} pictures${leftOut(dropped)} ...\n`);
    const searcher = await Searcher.create(embedder, gallery);
    const result = await searcher.search({ reference: flags.image, text: flags.text, k: flags.k });
    return { ...result, gallery, dropped };
  });
  const { hits, routes, scoredPairs, gallery, dropped } = found;
  const items = hits.map(({ id, score }, index) => ({
    rank: index + 1,
    id,
    score,
    path: dataset.imagePath(id) ?? "",
  }));
  const named = namedRoutes(opened.config, routes);

  if (flags.html !== undefined) {
    const picture = async (id: string, path: string): Promise<PagePicture> => ({
      id,
      dataUri: await thumbnailDataUri(path, searchPicturePx),
    });
    const answer = {
      reference: await picture(basename(flags.image), file),
      text: flags.text,
      gallerySize: gallery.length,
      results: await Promise.all(
        items.map(async ({ id, score, path }) => ({
          picture: await picture(id, path),
          score,
          isTarget: false,
        })),
      ),
    };
    writePage(flags.html, searchPage({ answer, routes: named, facts: factsOf(opened, dataset) }));
  }
  if (flags.json) {
    printJson(context, {
      model: opened.config.model,
      reference: file,
      text: flags.text,
      gallery: gallery.length,
      dropped,
      scoredPairs,
      items,
      modules: named?.modules.map(({ name }) => name) ?? [],
      routes,
      html: flags.html ?? null,
    });
    return;
  }
  context.stdout.write(
    textTable([
      ["rank", "score", "id"],
      ...items.map(({ rank, score, id }) => [String(rank), score.toFixed(4), id]),
    ]) +
      (scoredPairs === undefined ? "" : `\n${scoredPairs} pictures scored in pairs with the query\n`) +
      (named ? `\nroute weights\n${routesText(named)}` : "") +
      (flags.html === undefined ? "" : `\npage with pictures: ${flags.html}\n`),
  );
}

/** " (2 of 30 left out, 1 broken)", or nothing. */
function leftOut({ dropped, of, broken }: DropReport["images"]): string {
  return dropped === 0 ? "" : ` (${dropped} of ${of} left out, ${broken} broken)`;
}

/** Images that the split lists, each once. @throws UsageError for a category that the data set does not have. */
function listedIds(
  dataset: RetrievalDataset,
  {
    split = (dataset.evaluation ?? usualEvaluation).split,
    category,
  }: { readonly split?: SplitName | undefined; readonly category?: string | undefined },
): readonly string[] {
  if (category !== undefined && !dataset.categories.includes(category)) {
    throw new UsageError(`--category must be one of ${dataset.categories.join(", ")}; got ${category}`);
  }
  const { images } = availableSplit(dataset, split).whole;
  const lists = category === undefined ? [...images.values()] : [images.get(category) ?? []];
  return [...new Set(lists.flat())];
}

function factsOf(run: Run, dataset: RetrievalDataset): readonly (readonly [string, string])[] {
  return [
    ["Model", modelTitle(run.config.model)],
    ["Run", run.runDir],
    ["Trained for", `${run.manifest.step} steps`],
    ["Data", `${dataset.name}, ${dataset.root}`],
    ["Commit", projectCommit()],
  ];
}
