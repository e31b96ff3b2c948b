/** Saves a run during training: metrics, parameters, manifest and checkpoints. */
import { resolve } from "node:path";
import type { Tensor } from "../engine/tensor/tensor.js";
import { modelFileOf } from "../models/registry.js";
import type { Metrics } from "../runs/metrics.js";
import { projectCommit } from "../runs/project-version.js";
import { type RunManifest, writeManifest } from "../runs/run-files.js";
import { writeParameters } from "../runs/run-parameters.js";
import { CheckpointStore } from "./checkpoint-store.js";
import { MetricsLog } from "./metrics-log.js";
import type { Compiled } from "./stages.js";
import type { Progress } from "./training-state.js";
import { tensorsOf } from "./training-tensors.js";

/** The fields of `run.json` that are known from the start. */
type ManifestFacts = Omit<RunManifest, "status" | "step" | "seconds">;
/** The fields that are known at the end. */
type Outcome = Pick<RunManifest, "kept" | "stoppedEarly" | "unseenWords">;

/** Every method throws EnvironmentError when the disk is full; what was saved before stays whole. */
export class RunWriter {
  readonly #run: Compiled;
  readonly #progress: Progress;
  readonly #commit = projectCommit();
  readonly #facts: ManifestFacts;
  readonly #log: MetricsLog;
  readonly #checkpoints: CheckpointStore;
  #outcome: Outcome;
  #checkpointMs = performance.now();

  /** Opens the files; `metrics.jsonl` is cut back to the checkpoint. @throws RunError when it is shorter than that. */
  constructor(run: Compiled, progress: Progress) {
    const { runDir, saved } = run;
    this.#run = run;
    this.#progress = progress;
    this.#facts = manifestFacts(run, this.#commit);
    this.#outcome = this.#facts.kept ? { kept: this.#facts.kept } : {};
    this.#log = MetricsLog.open(runDir, saved?.checkpoint.content.metricsBytes ?? 0);
    this.#checkpoints = new CheckpointStore(runDir, saved?.checkpoint);
  }

  /** Says in `run.json` that the run is under way. A new one gets its first checkpoint: the disk has room for one. */
  begin(): void {
    this.manifest("training");
    if (!this.#run.saved) this.checkpoint("none");
  }

  /** A line of metrics, for the file and for whoever watches. */
  report(metrics: Metrics): void {
    this.#log.write(metrics);
    this.#run.onEvent(metrics);
  }

  /** The parameters that the run is opened with from now on: the weight average, or the model's values of now. */
  parameters(): void {
    const { runDir, config, model, average } = this.#run;
    const { step } = this.#progress.numbers;
    writeParameters(runDir, average?.tensors() ?? model.tensors(), { model: config.model, step });
  }

  /** `run.json`; what it says of the outcome stays until it is said anew. */
  manifest(status: RunManifest["status"], outcome: Outcome = {}): void {
    this.#outcome = { ...this.#outcome, ...outcome };
    const { step, seconds } = this.#progress.state();
    writeManifest(this.#run.runDir, { ...this.#facts, ...this.#outcome, status, step, seconds });
  }

  /** The run as it stands in the middle of an epoch; its parameters are those of now, unless the best epoch's are to be kept. */
  unfinished(status: "interrupted" | "diverged"): void {
    const isBestKept = this.#run.config.training.keep === "best" && this.#progress.numbers.best !== undefined;
    if (!isBestKept) this.parameters();
    this.manifest(status, { kept: this.kept() });
  }

  /** @param teacher a new one's tensors, "none" to do without, or "same" as the last checkpoint's. */
  checkpoint(teacher: ReadonlyMap<string, Tensor> | "none" | "same"): void {
    const { config, fingerprint, trainingStep } = this.#run;
    const facts = {
      commit: this.#commit,
      config: config.fields,
      data: fingerprint,
      state: this.#progress.state(),
      metricsBytes: this.#log.sync(),
    };
    this.#checkpoints.write(facts, tensorsOf({ ...this.#run, moments: trainingStep.moments }), teacher);
    this.#checkpointMs = performance.now();
  }

  /** Has it been long enough since the last checkpoint? */
  get isCheckpointDue(): boolean {
    return performance.now() - this.#checkpointMs >= this.#run.checkpointMinutes * 60_000;
  }

  /** Step of the last checkpoint. */
  get checkpointStep(): number | undefined {
    return this.#checkpoints.step;
  }

  /** Where the parameters of now come from. */
  kept(): NonNullable<RunManifest["kept"]> {
    const { config, data } = this.#run;
    const { keep: rule, holdOutBy, weightAverage } = config.training;
    const { best, epochsDone, step } = this.#progress.numbers;
    const isBestKept = rule === "best" && best !== undefined;
    const count = data.parts.validation?.triplets.length ?? 0;
    return {
      rule,
      epoch: isBestKept ? best.epoch : epochsDone,
      step: isBestKept ? best.step : step,
      weightAverage,
      chosenOn: isBestKept
        ? `${count} triplets held out of the train split by ${holdOutBy}: mean of R@1, R@10 and R@50`
        : "nothing: the last parameters",
      heldOutRecall: best?.recall,
    };
  }

  /** The run is complete, and on the disk: what only a resumed run needs is deleted. */
  finish(outcome: Omit<Outcome, "kept">): void {
    this.manifest("complete", { kept: this.kept(), ...outcome });
    this.#log.sync();
    this.#checkpoints.clear();
  }

  close(): void {
    this.#log.close();
  }
}

/** Of a new run, or of the run that is resumed, with a line more that says so. */
function manifestFacts(run: Compiled, commit: string): ManifestFacts {
  const { saved, state, dataset, features, featureCacheDir, initialWeights, data, config, startMs } = run;
  const startedAt = new Date(performance.timeOrigin + startMs).toISOString();
  if (saved) {
    const { status: _, step: __, seconds: ___, ...manifest } = saved.manifest;
    return {
      ...manifest,
      resumed: [...(manifest.resumed ?? []), { at: startedAt, step: state.step, commit }],
    };
  }
  const modelFile = modelFileOf(config.model);
  return {
    format: 1,
    commit,
    dataset: { name: dataset.name, root: dataset.root },
    featureCache: features ? resolve(featureCacheDir) : undefined,
    initialWeights,
    heldOut: {
      by: config.training.holdOutBy,
      triplets: data.parts.validation?.triplets.length ?? 0,
      leftOut: data.parts.leftOut,
    },
    modelFile,
    config: config.fields,
    startedAt,
  };
}
