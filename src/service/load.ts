/** The limits on what a service does at a time, and how much of them is in use. */
import { serviceLimits } from "./api.js";
import { BodyArrivals } from "./body-arrival.js";
import { ModelTime } from "./model-time.js";
import { Slots } from "./slots.js";

export interface LoadLimits {
  /** Queries and pictures that wait for the model or are with it. */
  readonly maxWaiting: number;
  /** Queries of one address without a key; of its other requests, `cheapFactor` times as many. */
  readonly requestsPerAddress: number;
  /** Of the model's time, for searches of one address without a key. */
  readonly modelMsPerAddress: number;
  /** How long a body may take a break. */
  readonly bodyTimeoutMs: number;
  /** How long a request may take; slots that are all taken for longer are not in use but lost. */
  readonly timeoutMs: number;
}

/** A page asks for all of its thumbnails at once where a proxy speaks HTTP/2. */
const cheapFactor = 8;
/** Bytes of forms in memory. */
const uploadBytes = 256 * 2 ** 20;

export class Load {
  readonly queries: Slots;
  /** Bytes of forms in memory, as they arrive. */
  readonly uploads: Slots;
  /** Answers to addresses without a key; those of searches count as queries instead. */
  readonly answers: Slots;
  readonly modelTime: ModelTime;
  readonly bodies: BodyArrivals;
  readonly #timeoutMs: number;

  constructor({ maxWaiting, requestsPerAddress, modelMsPerAddress, bodyTimeoutMs, timeoutMs }: LoadLimits) {
    this.queries = new Slots({ what: "queries", limit: maxWaiting, perAddress: requestsPerAddress });
    this.uploads = new Slots({
      what: "bytes of pictures",
      limit: uploadBytes,
      // Others find room beside one that sends as much as it may.
      perAddress: uploadBytes / 2,
      least: serviceLimits.pictureBytes,
    });
    this.answers = new Slots({
      what: "requests",
      limit: Number.POSITIVE_INFINITY,
      perAddress: cheapFactor * requestsPerAddress,
    });
    this.modelTime = new ModelTime(modelMsPerAddress);
    this.bodies = new BodyArrivals(bodyTimeoutMs);
    this.#timeoutMs = timeoutMs;
  }

  /** For whoever watches the service. */
  get slots() {
    const { queries, uploads, bodies } = this;
    return {
      queries: { taken: queries.taken, free: queries.free },
      uploadBytes: { taken: uploads.taken, free: uploads.free },
      bodies: { waiting: bodies.waiting },
    };
  }

  /** Which slots are all taken, and have been for longer than any request may take. */
  get stuck(): string | undefined {
    return [this.queries, this.uploads].find(({ fullForMs }) => fullForMs > this.#timeoutMs)?.what;
  }
}
