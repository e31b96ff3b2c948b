/** Answers that routes have in common, by status, as the OpenAPI document says them. */
import type { FastifyContextConfig } from "fastify";

interface CommonAnswer {
  /** Among the document's responses. */
  readonly name: string;
  /** What it means, with the codes that come with it. */
  readonly description: string;
  readonly headers?: readonly string[];
}

export const commonAnswers = {
  304: { name: "NotModified", description: "The client has it already, by the tag that it named" },
  400: {
    name: "BadRequest",
    description: "Something in the request is wrong: `INPUT_INVALID`, `USAGE`, `IMAGE_INVALID`",
  },
  401: {
    name: "Unauthorized",
    description: "A key is needed, or the one that came is not valid: `KEY_NEEDED`, `KEY_INVALID`",
    headers: ["www-authenticate"],
  },
  403: { name: "Forbidden", description: "Not with this key, or not on this service: `NOT_ALLOWED`" },
  404: { name: "NotFound", description: "There is none: `NOT_FOUND`" },
  408: { name: "RequestTimeout", description: "The body does not arrive: `BODY_TIMEOUT`" },
  413: { name: "ContentTooLarge", description: "The body is too large: `TOO_LARGE`" },
  414: { name: "AddressTooLong", description: "A part of the address is too long: `INPUT_INVALID`" },
  415: {
    name: "UnsupportedType",
    description: "The body is of a type that is not read: `UNSUPPORTED_TYPE`",
  },
  421: {
    name: "Misdirected",
    description: "The service does not answer to the name that it was asked by: `HOST_NOT_ALLOWED`",
  },
  429: {
    name: "TooManyRequests",
    description:
      "Too many requests, too many at a time, or too much work: `RATE_LIMITED`, `CONCURRENCY_LIMITED`, `MODEL_TIME_LIMITED`",
    headers: ["retry-after"],
  },
  500: { name: "InternalError", description: "A bug of the service: `INTERNAL`" },
  503: {
    name: "Unavailable",
    description:
      "Not at the moment: `OVERLOADED`, `NOT_READY`, `INDEX_INVALID`, `BUNDLE_INVALID`, `ENCODER_FAILED`; " +
      "or not until the operator looks after it: `ITEM_DAMAGED`, `IMAGE_INVALID`",
    headers: ["retry-after"],
  },
  504: { name: "Timeout", description: "Not done in time; a write may have been done: `TIMEOUT`" },
} as const satisfies Readonly<Record<number, CommonAnswer>>;

export type CommonStatus = keyof typeof commonAnswers;

interface RouteFacts {
  readonly isRead: boolean;
  /** Has its address parts that the client chooses? */
  readonly hasParams: boolean;
  readonly config: FastifyContextConfig;
}

/** Statuses of a route besides its own successes: from how it is guarded, what it reads, and what it says of itself. */
export function commonStatuses({ isRead, hasParams, config }: RouteFacts): readonly CommonStatus[] {
  const { access = "open", isQuiet = false, alsoGives = [] } = config;
  const isGuarded = access !== "open" || !isQuiet;
  const statuses: readonly (CommonStatus | false)[] = [
    isRead && !isQuiet && 304,
    400,
    access !== "open" && 401,
    access === "write" && 403,
    !isRead && 408,
    !isRead && 413,
    hasParams && 414,
    !isRead && 415,
    421,
    isGuarded && 429,
    500,
    // Quiet routes are answered while the service stops.
    !isQuiet && 503,
    ...alsoGives,
  ];
  return statuses.filter((status) => status !== false);
}
