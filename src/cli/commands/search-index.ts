/** `sdfn search --index`: searches an indexed catalogue. */
import { basename } from "node:path";
import { z } from "zod";
import { UsageError } from "../../errors.js";
import { thumbnailDataUri } from "../../images/image.js";
import { searchPage } from "../../report/search-page.js";
import type { PagePicture } from "../../report/types.js";
import { projectCommit } from "../../runs/project-version.js";
import type { CatalogueEntry } from "../../search/index/catalogue-entry.js";
import { CatalogueIndex } from "../../search/index/catalogue-index.js";
import {
  type CatalogueAnswer,
  type CatalogueQuery,
  CatalogueSearch,
  searchLimits,
} from "../../search/index/catalogue-search.js";
import type { Filter } from "../../search/store/filter.js";
import { openModel } from "../encoders/open-model.js";
import { filterFlag, filterHelp } from "../flags/filter-flag.js";
import { option, type Values } from "../flags/option.js";
import { list, onOff, text, wholeNumber } from "../flags/option-types.js";
import { type CommandContext, printJson } from "../terminal/context.js";
import { textTable } from "../terminal/text-table.js";
import { writePage } from "../terminal/write-page.js";
import { searchPicturePx } from "../views/picture-sizes.js";
import { routesOf, routesText } from "../views/query-routes.js";
import { queryOptions } from "./search-query.js";

const weight = z
  .string()
  .transform(Number)
  .refine((value) => Number.isFinite(value) && value !== 0, "must be numbers other than 0");

export const inIndexOptions = [
  option("--index <dir>", "folder that `sdfn index` wrote; --image or --text may then be left out", text, {
    required: true,
  }),
  option(
    "--images <dir>",
    "folder of the catalogue's pictures, instead of the one that the index says",
    text,
  ),
  option("--filter <expression>", filterHelp, filterFlag.prefault([]), { repeats: true }),
  option(
    "--offset <n>",
    "leave out so many of the best, for the next page",
    wholeNumber({ min: 0, max: searchLimits.offset }),
    { default: 0 },
  ),
  option("--weight <n>", "how much a query counts, once for each; negative for away from it", list(weight), {
    repeats: true,
  }),
  option("--include-references", "the answers may have the reference itself", onOff),
  option("--exact", "compare every item", onOff),
];

/** All that a search in an index takes. */
export const indexedSearchOptions = [...inIndexOptions, ...queryOptions];

type Flags = Values<typeof indexedSearchOptions>;

/** Opens, searches, prints. */
export async function searchIndex(flags: Flags, context: CommandContext): Promise<void> {
  const pairs = pairsOf(flags);
  const index = await CatalogueIndex.open(flags.index, { access: "read", images: flags.images });
  try {
    const files = index.store.damagedFiles(context.signal);
    files.catch(() => undefined); // awaited below, should the model fail first
    const { encoder, close } = await openModel({ bundle: index.bundleFolder });
    try {
      const queries = await Promise.all(pairs.map((pair) => queryOf(pair, index)));
      const answer = await new CatalogueSearch(index, encoder).search({
        queries,
        filter: withCategory(flags),
        limit: flags.k,
        offset: flags.offset,
        includeReferences: flags.includeReferences,
        isExact: flags.exact,
      });
      const damagedFiles = await files;
      warnOfDamage(context, {
        folder: flags.index,
        items: answer.damaged.length,
        files: damagedFiles.length,
      });
      if (flags.html !== undefined) {
        writePage(flags.html, await pageOf({ answer, queries, flags, index, modules: encoder.modules }));
      }
      if (flags.json)
        printJson(context, await jsonOf({ answer, damagedFiles, flags, index, modules: encoder.modules }));
      else context.stdout.write(textOf(answer, { modules: encoder.modules, html: flags.html }));
    } finally {
      await close();
    }
  } finally {
    await index.close();
  }
}

/** Says that the answer may not be what it should be. */
function warnOfDamage(
  { stderr }: CommandContext,
  { folder, items, files }: { readonly folder: string; readonly items: number; readonly files: number },
): void {
  if (items + files === 0) return;
  const found = [
    ...(items === 0 ? [] : [`damaged items that were found and left out: ${items}`]),
    ...(files === 0 ? [] : [`damaged files of the store, whose items may be missing: ${files}`]),
  ];
  stderr.write(`warning: ${found.join("; ")}; see: sdfn index check ${folder}\n`);
}

interface Pair {
  readonly image: string | undefined;
  readonly text: string | undefined;
  readonly weight: number;
}

/** The first image with the first text, and so on; one alone with all. @throws UsageError when they do not pair up. */
function pairsOf({ image, text, weight }: Flags): readonly Pair[] {
  const count = Math.max(image.length, text.length);
  const problems = [
    ...(count === 0 ? ["--image or --text is needed"] : []),
    ...([image, text].every(({ length }) => length <= 1 || length === count)
      ? []
      : [`as many --text as --image, or one for all; got ${image.length} and ${text.length}`]),
    ...(weight.length === 0 || weight.length === count
      ? []
      : [`one --weight for each query; got ${weight.length} for ${count}`]),
  ];
  if (problems.length > 0)
    throw new UsageError(`sdfn search: ${problems.join("; ")}; see sdfn search --help`);
  const at = <T>(values: readonly T[], i: number): T | undefined => values[values.length === 1 ? 0 : i];
  return Array.from({ length: count }, (_, i) => ({
    image: at(image, i),
    text: at(text, i),
    weight: weight[i] ?? 1,
  }));
}

/** An id of the index before a file of that name. */
async function queryOf({ image, text, weight }: Pair, index: CatalogueIndex): Promise<CatalogueQuery> {
  if (image === undefined) return { text, weight };
  const isItem = (await index.get(image)) !== undefined;
  return { reference: isItem ? { id: image } : { picture: image }, text, weight };
}

function withCategory({ filter, category }: Flags): Filter | undefined {
  if (category === undefined) return filter;
  return { kind: "all", of: [{ kind: "category", anyOf: [category] }, ...(filter ? [filter] : [])] };
}

interface Shown {
  readonly answer: CatalogueAnswer;
  readonly flags: Flags;
  readonly index: CatalogueIndex;
  readonly modules: readonly string[] | undefined;
}

async function jsonOf({
  answer,
  damagedFiles,
  flags,
  index,
  modules,
}: Shown & { readonly damagedFiles: readonly string[] }) {
  const { hits, damaged, queries, fitting, plan, scoredPairs, timesMs } = answer;
  return {
    index: flags.index,
    model: index.manifest.model,
    fitting,
    plan,
    scoredPairs,
    timesMs,
    damaged: { items: damaged, files: damagedFiles },
    items: await Promise.all(
      hits.map(async ({ rank, score, entry }) => ({
        rank,
        score,
        ...entry,
        path: (await index.pictureFile(entry)) ?? null,
      })),
    ),
    modules: modules ?? [],
    queries: queries.map(({ routes, unknownWords }) => ({ routes, unknownWords })),
    html: flags.html ?? null,
  };
}

function textOf(
  { hits, queries, fitting, plan, scoredPairs, timesMs }: CatalogueAnswer,
  { modules, html }: { readonly modules: readonly string[] | undefined; readonly html: string | undefined },
): string {
  const unknown = [...new Set(queries.flatMap(({ unknownWords }) => unknownWords))];
  const routes = queries.map((query, i) => {
    const named = routesOf(modules, query.routes);
    if (!named) return "";
    return `\nroute weights${queries.length === 1 ? "" : ` of query ${i + 1}`}\n${routesText(named)}`;
  });
  return (
    textTable([
      ["rank", "score", "id", "category", "price", "title"],
      ...hits.map(({ rank, score, entry: { id, category, price, title } }) => [
        String(rank),
        score.toFixed(4),
        id,
        category,
        price === undefined ? "" : String(price),
        shortened(title),
      ]),
    ]) +
    `\n${fitting} items fit, ${plan === "exact" ? "every one" : plan} looked at${scoredPairs === undefined ? "" : `, ${scoredPairs} scored in pairs with the query`}; ` +
    `query ${timesMs.encode.toFixed(0)} ms, search ${timesMs.search.toFixed(0)} ms\n` +
    (unknown.length === 0 ? "" : `words that the model does not know: ${unknown.join(", ")}\n`) +
    routes.join("") +
    (html === undefined ? "" : `\npage with pictures: ${html}\n`)
  );
}

function shortened(title = ""): string {
  return title.length > 60 ? `${title.slice(0, 57)}...` : title;
}

/** Stands where a query has no picture. */
const noPicture: PagePicture = {
  id: "no picture",
  dataUri: `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>')}`,
};

async function pageOf({
  answer,
  queries,
  flags,
  index,
  modules,
}: Shown & { readonly queries: readonly CatalogueQuery[] }): Promise<string> {
  const pictureOf = async (entry: CatalogueEntry): Promise<PagePicture> => {
    const bytes = await index.thumbnail(entry);
    const dataUri = bytes
      ? `data:image/webp;base64,${Buffer.from(bytes).toString("base64")}`
      : noPicture.dataUri;
    return { id: entry.id, dataUri, title: entry.title };
  };
  const [first] = queries;
  let reference = noPicture;
  if (first?.reference && "id" in first.reference) {
    const item = await index.get(first.reference.id);
    if (item) reference = await pictureOf(item.entry);
  } else if (first?.reference && "picture" in first.reference) {
    const file = String(first.reference.picture); // the command line gives paths
    reference = { id: basename(file), dataUri: await thumbnailDataUri(file, searchPicturePx) };
  }
  const { model, modelId, updated } = index.manifest;
  return searchPage({
    answer: {
      reference,
      text: flags.text.join(" + "),
      gallerySize: answer.fitting,
      results: await Promise.all(
        answer.hits.map(async ({ score, entry }) => ({
          picture: await pictureOf(entry),
          score,
          isTarget: false,
        })),
      ),
    },
    routes: routesOf(modules, answer.queries[0]?.routes ?? []),
    facts: [
      ["Model", `${model} ${modelId.slice(0, 12)}`],
      ["Index", `${flags.index}, ${updated}`],
      ["Commit", projectCommit()],
    ],
  });
}
