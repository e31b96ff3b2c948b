/** Numbers about a service for Prometheus. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Load } from "./load.js";

/** What a request's time is spent on. */
export type Stage = "read" | "encode" | "search" | "embed" | "write";

/** What is looked at when the numbers are asked for. */
export interface Watched {
  /** Items of the index; rejects while it cannot be asked. */
  readonly items: () => Promise<number>;
  readonly load: Load;
}

const seconds = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30];

export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<"method" | "route" | "status">;
  readonly #durations: Histogram<"method" | "route">;
  readonly #stages: Histogram<"stage">;
  readonly #batches: Histogram;
  readonly #errors: Counter<"code">;
  readonly #damagedItems: Counter;
  readonly #damagedFiles: Gauge;

  constructor() {
    const registers = [this.#registry];
    // Memory, event loop delay, processor time, open files.
    collectDefaultMetrics({ register: this.#registry });
    this.#requests = new Counter({
      name: "sdfn_requests_total",
      help: "Requests by route and status; 499 for clients that went away",
      labelNames: ["method", "route", "status"],
      registers,
    });
    this.#durations = new Histogram({
      name: "sdfn_request_seconds",
      help: "Time from a request's first line to its answer's last byte",
      labelNames: ["method", "route"],
      buckets: seconds,
      registers,
    });
    this.#stages = new Histogram({
      name: "sdfn_stage_seconds",
      help: "Time of a request's stages; encode and embed wait for the model",
      labelNames: ["stage"],
      buckets: seconds,
      registers,
    });
    this.#batches = new Histogram({
      name: "sdfn_batch_size",
      help: "Queries or pictures that the model computed at once",
      buckets: [1, 2, 3, 4, 6, 8],
      registers,
    });
    this.#errors = new Counter({
      name: "sdfn_errors_total",
      help: "Answers that are errors, by code: refusals and failures",
      labelNames: ["code"],
      registers,
    });
    this.#damagedItems = new Counter({
      name: "sdfn_damaged_items_total",
      help: "Items that were left out of answers because the index has them damaged",
      registers,
    });
    this.#damagedFiles = new Gauge({
      name: "sdfn_damaged_files",
      help: "Files of the index's store that are not as they were written, when they were last looked at",
      registers,
    });
  }

  /** Adds what is looked at rather than counted. */
  watch({ items, load }: Watched): void {
    const registers = [this.#registry];
    new Gauge({
      name: "sdfn_items",
      help: "Items of the index, when it could last be asked",
      registers,
      async collect() {
        const count = await items().catch(() => undefined);
        if (count !== undefined) this.set(count);
      },
    });
    new Gauge({
      name: "sdfn_waiting",
      help: "Queries and pictures that wait for the model or are with it",
      registers,
      collect() {
        this.set(load.queries.taken);
      },
    });
    new Gauge({
      name: "sdfn_slots",
      help: "Slots of queries, and of bytes of pictures in memory",
      labelNames: ["slots", "state"],
      registers,
      collect() {
        const { queries, uploadBytes } = load.slots;
        for (const [slots, states] of Object.entries({ queries, uploadBytes })) {
          for (const [state, count] of Object.entries(states)) this.set({ slots, state }, count);
        }
      },
    });
    new Gauge({
      name: "sdfn_bodies_waiting",
      help: "Requests whose body is still to come",
      registers,
      collect() {
        this.set(load.bodies.waiting);
      },
    });
  }

  batch(size: number): void {
    this.#batches.observe(size);
  }

  request(
    labels: { readonly method: string; readonly route: string; readonly status: number },
    ms: number,
  ): void {
    const { method, route, status } = labels;
    this.#requests.inc({ method, route, status });
    this.#durations.observe({ method, route }, ms / 1000);
  }

  stage(stage: Stage, ms: number): void {
    this.#stages.observe({ stage }, ms / 1000);
  }

  error(code: string): void {
    this.#errors.inc({ code });
  }

  damaged(items: number): void {
    this.#damagedItems.inc(items);
  }

  damagedFiles(count: number): void {
    this.#damagedFiles.set(count);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
