/** The end of an epoch: the model is watched, the best epoch kept, the next teacher made, and all of it saved. */

import type { EpochMetrics } from "../runs/metrics.js";
import { collapsedLayers, collapseWarning } from "./guards.js";
import { meanLoss, noLosses } from "./loss-sums.js";
import type { RunWriter } from "./run-writer.js";
import type { Compiled } from "./stages.js";
import type { BestEpoch, Progress } from "./training-state.js";
import { describeUnseen, unseenWords } from "./unseen-words.js";
import { recallOf, watch } from "./watch.js";

/** The result of an epoch. */
export interface EndedEpoch {
  readonly metrics: EpochMetrics;
  /** Was it the last one, or did patience run out? */
  readonly isRunComplete: boolean;
}

type Watched = Awaited<ReturnType<typeof watch>>;

/**
 * Nothing is written before all that can fail over an image is done.
 * @throws ImageError for an image that broke after it was looked at; EnvironmentError when the disk is full.
 */
export async function endEpoch(run: Compiled, progress: Progress, writer: RunWriter): Promise<EndedEpoch> {
  const { training } = run.config;
  const epoch = progress.numbers.epochsDone + 1;
  const watched = await watchModel(run);
  const best = bestOf(progress, epoch, watched);
  const isNewBest = best !== progress.numbers.best;
  const isLast = epoch === training.epochs;
  const isOut = training.patience > 0 && best !== undefined && epoch - best.epoch >= training.patience;
  const isRunComplete = isLast || isOut;
  const teacher = isRunComplete ? undefined : await run.teacher.advance(run.loader.epochTriplets());

  const metrics = reportEpoch(run, progress, writer, watched);
  progress.update({ epochsDone: epoch, epochLoss: noLosses, epochSeconds: 0, best });
  if (training.keep === "last" || isNewBest) writer.parameters();
  if (isRunComplete) {
    finishRun(run, progress, writer, isLast ? undefined : epoch);
  } else {
    writer.manifest("training", { kept: writer.kept() });
    writer.checkpoint(teacher ?? "none");
  }
  return { metrics, isRunComplete };
}

/** Held-out recall and routers, of the weight average where there is one. */
async function watchModel({
  model,
  average,
  config,
  data,
  loader,
  images,
  features,
  session,
}: Compiled): Promise<Watched> {
  const look = () =>
    watch(model, {
      images,
      vocabulary: data.vocabulary,
      features,
      training: config.training,
      validation: data.parts.validation,
      trainedOn: loader.epochTriplets(),
      session,
    });
  return average ? average.during(look) : look();
}

/** The best epoch so far, this one included. */
function bestOf(progress: Progress, epoch: number, { validation }: Watched): BestEpoch | undefined {
  const { best, step } = progress.numbers;
  if (!validation) return best;
  const recall = recallOf(validation);
  return best === undefined || recall > best.recall ? { epoch, step, recall } : best;
}

function reportEpoch(
  { onEvent }: Compiled,
  progress: Progress,
  writer: RunWriter,
  watched: Watched,
): EpochMetrics {
  const { step, epochsDone, epochLoss, epochSeconds, collapsedLayers: known } = progress.state();
  const epoch = epochsDone + 1;
  const entropies = watched.routerEntropy ?? [];
  const collapsed = collapsedLayers(entropies, known);
  const warnings = collapsed.map((layer) => collapseWarning(layer, entropies[layer] ?? 0));
  const metrics: EpochMetrics = {
    kind: "epoch",
    epoch,
    step,
    loss: meanLoss(epochLoss),
    ...watched,
    warnings: warnings.length > 0 ? warnings : undefined,
    seconds: epochSeconds,
  };
  writer.report(metrics);
  for (const text of warnings) onEvent({ kind: "note", text: `warning: epoch ${epoch}: ${text}` });
  progress.update({ collapsedLayers: [...known, ...collapsed] });
  return metrics;
}

function finishRun(
  { config, data, trainingStep, seenWords, runDir, onEvent }: Compiled,
  progress: Progress,
  writer: RunWriter,
  stoppedEarly: number | undefined,
): void {
  const { training } = config;
  const readsWords = trainingStep.readsText && training.wordRate > 0;
  const unseen = readsWords ? unseenWords(seenWords, data.vocabulary) : undefined;
  writer.finish({
    stoppedEarly,
    unseenWords: unseen,
  });
  const note = (text: string) => onEvent({ kind: "note", text });
  const bestEpoch = progress.numbers.best?.epoch;
  if (stoppedEarly !== undefined) {
    note(
      `stopped early: ${training.patience} epochs without a higher held-out recall than epoch ${bestEpoch}'s`,
    );
  }
  if (unseen) note(describeUnseen(unseen, training));
  if (training.keep === "best") note(`${runDir}: the parameters are those of epoch ${bestEpoch}`);
}
