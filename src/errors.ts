/** Every error class of the project, each with a code that never changes. */

/** Every code. The service has a status for each (`src/service/error-answers.ts`), or says that no request raises it. */
export type ErrorCode =
  | RefusalCode
  | "USAGE"
  | "CONFIG_INVALID"
  | "MODEL_FILE_INVALID"
  | "SHAPE_MISMATCH"
  | "GRAPH_INVALID"
  | "STATE_DICT_MISMATCH"
  | "WEIGHTS_INVALID"
  | "DATASET_INVALID"
  | "IMAGE_INVALID"
  | "FETCH_FAILED"
  | "RUN_INVALID"
  | "INDEX_INVALID"
  | "ITEM_DAMAGED"
  | "BUNDLE_INVALID"
  | "ENCODER_FAILED"
  | "TRAINING_DIVERGED"
  | "ENVIRONMENT";

/**
 * Base of all errors a user can cause or fix. The message reads
 * `<where>: <what is wrong>; got <actual values>` and, when there is one, the next step.
 * Anything thrown that is not an SdfnError is a bug and keeps its stack.
 */
export abstract class SdfnError extends Error {
  /** Stable code for programs; printed by the command line, mapped to statuses by the service. */
  abstract readonly code: ErrorCode;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A command line or call that cannot be meant. */
export class UsageError extends SdfnError {
  readonly code = "USAGE";
}

/** One or more configuration fields are wrong; the message lists them all. */
export class ConfigError extends SdfnError {
  readonly code = "CONFIG_INVALID";
}

/** A file with a model of a user's own that is missing, does not run, or defines no model that can be used. */
export class ModelFileError extends SdfnError {
  readonly code = "MODEL_FILE_INVALID";
}

/** Shapes or element types that do not fit an operation. */
export class ShapeError extends SdfnError {
  readonly code = "SHAPE_MISMATCH";

  /** `got` names the offending values; anything with a useful toString. */
  constructor(where: string, what: string, got?: Readonly<Record<string, { toString(): string }>>) {
    const values = got
      ? `; got ${Object.entries(got)
          .map(([name, value]) => `${name} ${value}`)
          .join(", ")}`
      : "";
    super(`${where}: ${what}${values}`);
  }
}

/** A graph that cannot be differentiated, lowered or run as asked. */
export class GraphError extends SdfnError {
  readonly code = "GRAPH_INVALID";
}

/** A state dict whose names or shapes differ from the module's; all differences at once. */
export class StateDictError extends SdfnError {
  readonly code = "STATE_DICT_MISMATCH";
}

/** A weights file that is damaged or not of the format it claims. */
export class WeightsError extends SdfnError {
  readonly code = "WEIGHTS_INVALID";
}

/** A data set whose files are missing or wrong; names file and entry. */
export class DatasetError extends SdfnError {
  readonly code = "DATASET_INVALID";
}

/** An image that is missing, damaged, or past the limits. */
export class ImageError extends SdfnError {
  readonly code = "IMAGE_INVALID";
}

/** A download that failed, or that cannot be done safely. */
export class FetchError extends SdfnError {
  readonly code = "FETCH_FAILED";
}

/** A run folder that is missing, incomplete or in use. */
export class RunError extends SdfnError {
  readonly code = "RUN_INVALID";
}

/** An index of a catalogue, or the store in it, that is missing, damaged, in use, or of another model or version. */
export class StoreError extends SdfnError {
  readonly code = "INDEX_INVALID";
}

/** An item of an index whose row is not as it was written; it is not shown. */
export class DamagedItemError extends SdfnError {
  readonly code = "ITEM_DAMAGED";
}

/** A bundle that is missing, damaged, or of another version; or a model that cannot be made one. */
export class BundleError extends SdfnError {
  readonly code = "BUNDLE_INVALID";
}

/** The thread that computes embeddings ended before it answered. Asking again starts another one. */
export class EncoderError extends SdfnError {
  readonly code = "ENCODER_FAILED";
}

/** Why the service refuses a request. */
export type RefusalCode =
  | "INPUT_INVALID"
  | "KEY_NEEDED"
  | "KEY_INVALID"
  | "NOT_ALLOWED"
  | "NOT_FOUND"
  | "METHOD_NOT_ALLOWED"
  | "TOO_LARGE"
  | "UNSUPPORTED_TYPE"
  | "RATE_LIMITED"
  | "CONCURRENCY_LIMITED"
  | "MODEL_TIME_LIMITED"
  | "OVERLOADED"
  | "NOT_READY"
  | "HOST_NOT_ALLOWED"
  | "BODY_TIMEOUT"
  | "TIMEOUT";

/** A request to the service that is not answered as asked; the message is written for its client. */
export class RequestError extends SdfnError {
  readonly code: RefusalCode;
  /** When it is worth asking again, where this request knows better than its code. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: RefusalCode,
    message: string,
    options: ErrorOptions & { readonly retryAfterSeconds?: number } = {},
  ) {
    super(message, options);
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Training met NaN or infinity and stopped; the last good parameters were kept. */
export class DivergenceError extends SdfnError {
  readonly code = "TRAINING_DIVERGED";
}

/** Node.js is older than the project supports, or a machine lacks what it needs. */
export class EnvironmentError extends SdfnError {
  readonly code = "ENVIRONMENT";
}
