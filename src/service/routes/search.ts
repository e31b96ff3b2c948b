/** `POST /v1/search`: pictures, words and filters in, ranked items out. */
import type { FastifyRequest } from "fastify";
import type { z } from "zod";
import { RequestError } from "../../errors.js";
import type { ListedEntries } from "../../search/index/catalogue-index.js";
import type { CatalogueAnswer, CatalogueQuery, QueryAccount } from "../../search/index/catalogue-search.js";
import {
  type SearchResponse,
  searchFormRequestSchema,
  searchRequestSchema,
  searchResponseSchema,
} from "../api.js";
import { parsed, readForm, requireClient } from "../form.js";
import { filterOf, itemOf } from "../item.js";
import type { Metrics } from "../metrics.js";
import type { ServiceApp } from "../service-app.js";
import type { ServiceParts } from "../service-parts.js";
import { type Take, within } from "../slots.js";

type Asked = z.output<typeof searchFormRequestSchema>;

export function searchRoute(app: ServiceApp, parts: ServiceParts): void {
  app.post(
    "/v1/search",
    {
      config: {
        access: "read",
        isCostly: true,
        alsoGives: [504],
        takes: {
          json: searchRequestSchema,
          form: {
            description: "Pictures beside the request, each in the part that an `upload` names",
            jsonPart: "request",
            json: searchFormRequestSchema,
          },
        },
      },
      schema: {
        operationId: "search",
        tags: ["search"],
        summary: "Items that fit pictures, words and filters, best first",
        response: { 200: searchResponseSchema },
      },
    },
    (request) =>
      within(
        parts.timeoutMs,
        parts.load.uploads.during(request.anonymousAddress, (take) => answer(request, parts, take)),
      ),
  );
}

async function answer(
  request: FastifyRequest,
  { catalogue, load, metrics }: ServiceParts,
  takeBytes: Take,
): Promise<SearchResponse> {
  const startMs = performance.now();
  const isForm = request.isMultipart();
  const { json, pictures } = isForm
    ? await readForm(request, "request", takeBytes)
    : { json: request.body, pictures: new Map<string, Uint8Array>() };
  const asked: Asked = parsed("request", isForm ? searchFormRequestSchema : searchRequestSchema, json);
  const queries = queriesOf(asked, pictures);
  const readMs = performance.now();
  const { anonymousAddress } = request;
  return load.queries.during(anonymousAddress, async (take) => {
    take(Math.max(1, queries.length));
    requireClient(request);
    const page = { filter: filterOf(asked.filter), limit: asked.limit, offset: asked.offset };
    if (queries.length === 0) {
      const listed = await catalogue.index.list(page);
      reportDamaged(listed.damaged, request, metrics);
      return listOf(listed, asked, performance.now() - readMs);
    }
    const found = await catalogue.search.search({
      queries,
      ...page,
      includeReferences: asked.includeReferences,
      isExact: asked.exact,
      onModelTime: (ms) => anonymousAddress !== undefined && load.modelTime.spend(anonymousAddress, ms),
    });
    metrics.stage("read", readMs - startMs);
    metrics.stage("encode", found.timesMs.encode);
    metrics.stage("search", found.timesMs.search);
    reportDamaged(found.damaged, request, metrics);
    return responseOf(found, asked, catalogue.modules);
  });
}

/** Items that are left out because they are damaged are the operator's trouble. */
function reportDamaged(ids: readonly string[], request: FastifyRequest, metrics: Metrics): void {
  if (ids.length === 0) return;
  metrics.damaged(ids.length);
  request.log.error(
    { ids },
    "damaged items were left out of an answer; run `sdfn index check`, then `sdfn index`",
  );
}

/** @throws RequestError when names of pictures and pictures do not match. */
function queriesOf({ queries }: Asked, pictures: ReadonlyMap<string, Uint8Array>): readonly CatalogueQuery[] {
  const unused = new Set(pictures.keys());
  const missing: string[] = [];
  const result = queries.map(({ reference, text, weight }): CatalogueQuery => {
    if (reference === undefined || "id" in reference) return { reference, text, weight };
    const picture = pictures.get(reference.upload);
    unused.delete(reference.upload);
    if (picture === undefined) missing.push(reference.upload);
    return { reference: { picture: picture ?? new Uint8Array() }, text, weight };
  });
  if (missing.length + unused.size === 0) return result;
  const problems = [
    ...(missing.length === 0 ? [] : [`no picture of the form is named ${missing.join(", ")}`]),
    ...(unused.size === 0 ? [] : [`no query has the picture ${[...unused].join(", ")}`]),
  ];
  throw new RequestError(
    "INPUT_INVALID",
    `request: ${problems.join("; ")}; name the form's parts as the uploads`,
  );
}

/** Digits that matter: what is left of float32 after a sum of squares. */
const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

function responseOf(
  { hits, damaged, fitting, plan, scoredPairs, queries, timesMs }: CatalogueAnswer,
  { attention: isAttentionAsked }: Asked,
  modules: readonly string[],
): SearchResponse {
  const { encode, search, total } = timesMs;
  return {
    items: hits.map(({ rank, score, entry }) => ({ rank, score: rounded(score, 6), item: itemOf(entry) })),
    fitting,
    damaged: damaged.length,
    plan,
    scoredPairs,
    modules: [...modules],
    queries: queries.map(({ routes, unknownWords, attention }) => ({
      routes: routes.map((layer) => layer.map((row) => row.map((weight) => rounded(weight, 4)))),
      unknownWords: [...unknownWords],
      attention: isAttentionAsked && attention ? attentionOf(attention) : undefined,
    })),
    timesMs: { encode: rounded(encode, 2), search: rounded(search, 2), total: rounded(total, 2) },
  };
}

/** What fits, without a query to compare it with. */
function listOf({ entries, fitting, damaged }: ListedEntries, { offset }: Asked, ms: number): SearchResponse {
  return {
    items: entries.map((entry, i) => ({ rank: offset + i + 1, score: null, item: itemOf(entry) })),
    fitting,
    damaged: damaged.length,
    plan: "list",
    modules: [],
    queries: [],
    timesMs: { encode: 0, search: rounded(ms, 2), total: rounded(ms, 2) },
  };
}

function attentionOf({ words, rows, columns, weights }: NonNullable<QueryAccount["attention"]>) {
  const regions = rows * columns;
  return {
    words: [...words],
    rows,
    columns,
    weights: words.map((_, i) =>
      Array.from(weights.subarray(i * regions, (i + 1) * regions), (weight) => rounded(weight, 4)),
    ),
  };
}
