/** The service's routes that the page uses. */
import type {
  ApiError,
  CatalogueInfo,
  Item,
  SearchRequest,
  SearchResponse,
} from "../../../src/service/api.js";
import { Failure } from "./failure.js";
import { readKey, refuseKey } from "./read-key.js";

/** A query's answer has arrived by then, or never will. */
const patienceMs = 60_000;

/** Seconds that are waited when the service is busy and does not say for how long. */
const defaultRetryS = 3;

/** @throws Failure; an AbortError when the signal fires. */
export async function getCatalogue(signal: AbortSignal): Promise<CatalogueInfo> {
  return json(await ask("/v1/catalogue", { signal }));
}

/** @throws Failure; an AbortError when the signal fires. */
export async function getItem(id: string, signal: AbortSignal): Promise<Item> {
  return json(await ask(`/v1/items/${encodeURIComponent(id)}`, { signal }));
}

/** Phrases for what was typed, the likeliest first. @throws Failure; an AbortError when the signal fires. */
export async function getSuggestions(
  { prefix, limit }: { readonly prefix: string; readonly limit: number },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const parameters = new URLSearchParams({ prefix, limit: String(limit) });
  const { suggestions } = await json<{ suggestions: string[] }>(
    await ask(`/v1/suggestions?${parameters}`, { signal }),
  );
  return suggestions;
}

/**
 * Searches; `uploads` are the pictures that the request names.
 * @throws Failure; an AbortError when the signal fires.
 */
export async function postSearch(
  request: SearchRequest,
  uploads: ReadonlyMap<string, Blob>,
  signal: AbortSignal,
): Promise<SearchResponse> {
  if (uploads.size === 0) {
    const headers = { "content-type": "application/json" };
    return json(await ask("/v1/search", { method: "POST", headers, body: JSON.stringify(request), signal }));
  }
  const body = new FormData();
  body.append("request", JSON.stringify(request));
  for (const [name, picture] of uploads) body.append(name, picture, name);
  return json(await ask("/v1/search", { method: "POST", body, signal }));
}

/** A picture's bytes, for pages that need a key to see them. @throws Failure; an AbortError when the signal fires. */
export async function getPicture(url: string, signal: AbortSignal): Promise<Blob> {
  return (await ask(url, { signal })).blob();
}

async function ask(path: string, init: RequestInit & { readonly signal: AbortSignal }): Promise<Response> {
  const { key } = readKey();
  const headers = new Headers(init.headers);
  if (key !== undefined) headers.set("authorization", `Bearer ${key}`);
  const patience = AbortSignal.timeout(patienceMs);
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers, signal: AbortSignal.any([init.signal, patience]) });
  } catch (error) {
    init.signal.throwIfAborted();
    throw new Failure(
      "unreachable",
      patience.aborted
        ? `No answer within ${patienceMs / 1000} seconds.`
        : `No answer: ${error instanceof Error ? error.message : error}.`,
    );
  }
  if (response.ok) return response;
  if (response.status === 401) refuseKey(key);
  throw await refusal(response);
}

async function json<T>(response: Response): Promise<T> {
  try {
    return await response.json();
  } catch (error) {
    if (error instanceof DOMException) throw error;
    if (!(error instanceof SyntaxError)) throw new Failure("unreachable", "The answer broke off.");
    throw new Failure("refused", "The answer is not what a search service says; is this its address?", {
      status: response.status,
    });
  }
}

async function refusal(response: Response): Promise<Failure> {
  const body: Partial<ApiError> | undefined = await response.json().catch(() => undefined);
  const { status } = response;
  // A reverse proxy's word for a service that is not there.
  if (body?.error === undefined && (status === 502 || status === 504)) {
    return new Failure("unreachable", `The service behind this page does not answer (${status}).`, {
      status,
    });
  }
  return new Failure("refused", body?.error?.message ?? `The service answered with status ${status}.`, {
    status,
    ...(body?.error === undefined ? {} : { code: body.error.code, requestId: body.error.requestId }),
    retryAfterS: status === 429 || status === 503 ? retryAfterS(response) : undefined,
  });
}

/** RFC 9110: seconds or a date. */
function retryAfterS(response: Response): number {
  const header = response.headers.get("retry-after") ?? "";
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(1, Math.ceil(seconds)) : defaultRetryS;
}
