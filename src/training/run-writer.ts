/** Writes a run's folder as training goes on: metrics, parameters, manifest and checkpoints. */
import type { Tensor } from "../engine/tensor/tensor.js";
import type { Metrics } from "../runs/metrics.js";
import { type RunManifest, writeManifest } from "../runs/run-files.js";
import { writeParameters } from "../runs/run-parameters.js";
import type { CheckpointContent } from "./checkpoint-files.js";
import type { CheckpointStore } from "./checkpoint-store.js";
import type { MetricsLog } from "./metrics-log.js";
import type { TrainingState } from "./training-state.js";

/** What stays the same while a run is written. */
export interface RunFacts {
  readonly runDir: string;
  /** Name of the model's kind. */
  readonly model: string;
  readonly manifest: Omit<RunManifest, "status" | "step" | "seconds">;
  /** Of every checkpoint. */
  readonly checkpoint: Pick<CheckpointContent, "commit" | "config" | "data">;
}

/** Every method throws EnvironmentError when the disk is full; what was saved before stays whole. */
export class RunWriter {
  readonly #facts: RunFacts;
  readonly #log: MetricsLog;
  readonly #checkpoints: CheckpointStore;
  /** What the manifest says of the parameters, and of how the run ended. */
  #outcome: Pick<RunManifest, "kept" | "stoppedEarly" | "unseenWords">;

  constructor(facts: RunFacts, log: MetricsLog, checkpoints: CheckpointStore) {
    this.#facts = facts;
    this.#log = log;
    this.#checkpoints = checkpoints;
    const { kept } = facts.manifest;
    this.#outcome = kept ? { kept } : {};
  }

  metrics(entry: Metrics): void {
    this.#log.write(entry);
  }

  /** The parameters that the run is opened with from now on. */
  parameters(tensors: ReadonlyMap<string, Tensor>, step: number): void {
    const { runDir, model } = this.#facts;
    writeParameters(runDir, tensors, { model, step });
  }

  /** `run.json`. */
  manifest(
    status: RunManifest["status"],
    { step, seconds }: Pick<TrainingState, "step" | "seconds">,
    outcome: Pick<RunManifest, "kept" | "stoppedEarly" | "unseenWords"> = {},
  ): void {
    this.#outcome = { ...this.#outcome, ...outcome };
    writeManifest(this.#facts.runDir, {
      ...this.#facts.manifest,
      ...this.#outcome,
      ...{ status, step, seconds },
    });
  }

  /** @param teacher as `CheckpointStore.write` takes it. */
  checkpoint(
    state: TrainingState,
    tensors: ReadonlyMap<string, Tensor>,
    teacher: Parameters<CheckpointStore["write"]>[2],
  ): void {
    this.#checkpoints.write(
      { ...this.#facts.checkpoint, state, metricsBytes: this.#log.sync() },
      tensors,
      teacher,
    );
  }

  /** Step of the last checkpoint. */
  get checkpointStep(): number | undefined {
    return this.#checkpoints.step;
  }

  /** The run is complete, and on the disk: what only a resumed run needs is deleted. */
  finish(): void {
    this.#log.sync();
    this.#checkpoints.clear();
  }
}
