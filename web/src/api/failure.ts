/** What can go wrong between page and service, in words for a shopper. */

/** One failed request. */
export class Failure extends Error {
  /** `unreachable`: no answer came; `refused`: the service said no; `upload gone`: see `uploads.ts`. */
  readonly kind: "unreachable" | "refused" | "upload gone";
  /** HTTP status; undefined without an answer. */
  readonly status: number | undefined;
  /** The service's own code, "INPUT_INVALID". */
  readonly code: string | undefined;
  readonly requestId: string | undefined;
  /** Seconds after which the service wants to be asked again. */
  readonly retryAfterS: number | undefined;

  constructor(
    kind: Failure["kind"],
    message: string,
    facts: Partial<Pick<Failure, "status" | "code" | "requestId" | "retryAfterS">> = {},
  ) {
    super(message);
    this.name = "Failure";
    this.kind = kind;
    this.status = facts.status;
    this.code = facts.code;
    this.requestId = facts.requestId;
    this.retryAfterS = facts.retryAfterS;
  }
}

/** Anything thrown as a failure; what is not one is a mistake of this page, and said to be. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  return new Failure("refused", `The page made a mistake: ${error instanceof Error ? error.message : error}`);
}

/** Was the request given up because nobody waits for it any more? */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
