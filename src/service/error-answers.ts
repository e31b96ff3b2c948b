/** What a client is told of an error: one table from codes to statuses, and nothing of the server's inside. */
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import { type ErrorCode, ImageError, RequestError, SdfnError, UsageError } from "../errors.js";
import { codeOf } from "../files/errno.js";

export interface ErrorAnswer {
  readonly status: number;
  readonly code: ErrorCode | "INTERNAL";
  readonly message: string;
  /** When it is worth asking again. */
  readonly retryAfterSeconds?: number | undefined;
  /** Is it the server's trouble? Then it is logged whole; the client has the request's id. */
  readonly isServers: boolean;
}

/** Codes that no request raises: in a service such an error is a bug. */
type BugCode =
  | "CONFIG_INVALID"
  | "MODEL_FILE_INVALID"
  | "SHAPE_MISMATCH"
  | "GRAPH_INVALID"
  | "STATE_DICT_MISMATCH"
  | "WEIGHTS_INVALID"
  | "DATASET_INVALID"
  | "FETCH_FAILED"
  | "RUN_INVALID"
  | "TRAINING_DIVERGED"
  | "ENVIRONMENT";

type ByCode<T> = Readonly<Partial<Record<ErrorCode, T>>>;

/** Status by code. A new code does not compile until it is here or in `BugCode`. */
export const statuses = {
  USAGE: 400,
  INPUT_INVALID: 400,
  IMAGE_INVALID: 400,
  KEY_NEEDED: 401,
  KEY_INVALID: 401,
  NOT_ALLOWED: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  BODY_TIMEOUT: 408,
  TOO_LARGE: 413,
  UNSUPPORTED_TYPE: 415,
  HOST_NOT_ALLOWED: 421,
  RATE_LIMITED: 429,
  CONCURRENCY_LIMITED: 429,
  MODEL_TIME_LIMITED: 429,
  INDEX_INVALID: 503,
  ITEM_DAMAGED: 503,
  BUNDLE_INVALID: 503,
  ENCODER_FAILED: 503,
  OVERLOADED: 503,
  NOT_READY: 503,
  TIMEOUT: 504,
} as const satisfies Readonly<Record<Exclude<ErrorCode, BugCode>, number>>;

const statusOf: ByCode<number> = statuses;

/** Codes of what Fastify and its plugins refuse. */
const codesOfStatuses: Readonly<Record<number, ErrorCode>> = {
  404: "NOT_FOUND",
  413: "TOO_LARGE",
  415: "UNSUPPORTED_TYPE",
};

/** Seconds after which trouble of the server may be over. */
const retryAfter: ByCode<number> = {
  CONCURRENCY_LIMITED: 1,
  ENCODER_FAILED: 1,
  OVERLOADED: 1,
  NOT_READY: 5,
  INDEX_INVALID: 5,
  BUNDLE_INVALID: 5,
};

const genericMessages: ByCode<string> = {
  INDEX_INVALID:
    "the index cannot be used at the moment; ask again later, or tell the operator the request's id",
  ITEM_DAMAGED: "the index has this item damaged, so it is not shown; tell the operator the request's id",
  BUNDLE_INVALID:
    "the model cannot be used at the moment; ask again later, or tell the operator the request's id",
  ENCODER_FAILED: "the model stopped before it answered; ask again",
  IMAGE_INVALID: "a picture of the catalogue cannot be read; tell the operator the request's id",
};

export function errorAnswer(error: unknown): ErrorAnswer {
  if (error instanceof SdfnError) {
    const { code } = error;
    const message = error.message.replaceAll(/\n *- /g, "; ");
    const status = statusOf[code];
    if (status === undefined) return bug;
    const isClients = error instanceof RequestError || error instanceof UsageError || isAboutUpload(error);
    if (isClients) {
      const own = error instanceof RequestError ? error.retryAfterSeconds : undefined;
      return { status, code, message, retryAfterSeconds: own ?? retryAfter[code], isServers: false };
    }
    return {
      status: Math.max(status, 503),
      code,
      message: genericMessages[code] ?? bug.message,
      retryAfterSeconds: retryAfter[code],
      isServers: true,
    };
  }
  if (isCutOff(error)) return clientGone;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const problems = error.validation.map(
      ({ instancePath, message }) => `${instancePath.slice(1)}: ${message}`,
    );
    const message = `${error.validationContext}: ${problems.join("; ")}`;
    return { status: 400, code: "INPUT_INVALID", message, isServers: false };
  }
  const { statusCode, message } = (error ?? {}) as { statusCode?: unknown; message?: unknown };
  if (
    typeof statusCode === "number" &&
    statusCode >= 400 &&
    statusCode < 500 &&
    typeof message === "string"
  ) {
    const code = codesOfStatuses[statusCode] ?? "INPUT_INVALID";
    return { status: statusCode, code, message, isServers: false };
  }
  return bug;
}

const bug: ErrorAnswer = {
  status: 500,
  code: "INTERNAL",
  isServers: true,
  message: "this is a bug of the service; tell the operator the request's id",
};

/** The client went away while an answer was compressed for it: nobody reads this. */
const clientGone: ErrorAnswer = {
  status: 499,
  code: "TIMEOUT",
  message: "the client went away",
  isServers: false,
};

function isCutOff(error: unknown): boolean {
  return codeOf(error) === "ERR_STREAM_PREMATURE_CLOSE";
}

/** Pictures that came as bytes have no path, and are called so; others are files of the server. */
function isAboutUpload(error: SdfnError): boolean {
  return error instanceof ImageError && error.message.startsWith("image: ");
}
