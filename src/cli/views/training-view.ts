/** Shows a training run's progress: a bar for each epoch, then a line with its recall. */

import { formatCount } from "../../number-text.js";
import { formatDuration } from "../../report/format.js";
import { type EpochMetrics, type LossValues, lossParts } from "../../runs/metrics.js";
import type { TrainEvent } from "../../training/train.js";
import type { CommandContext } from "../terminal/context.js";
import { type Progress, startProgress } from "../terminal/progress.js";
import { recallLine } from "./recall-text.js";

export interface TrainingView {
  onEvent(event: TrainEvent): void;
  /** Ends the bar, also when training stopped in the middle. */
  close(): void;
}

/** @param json a program reads along: nothing is shown. */
export function trainingView(
  { stdout, stderr }: Pick<CommandContext, "stdout" | "stderr">,
  { json, epochs, batchSize, now = () => performance.now() }: ViewOptions,
): TrainingView {
  const say = (line: string): void => {
    if (!json) stdout.write(`${line}\n`);
  };
  let total = { done: 0, steps: 0, stepsPerEpoch: 0 };
  let startMs = now();
  let bar: Progress | undefined;
  const close = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    close,
    onEvent(event) {
      switch (event.kind) {
        case "start":
          total = { done: event.step, steps: event.totalSteps, stepsPerEpoch: event.stepsPerEpoch };
          startMs = now();
          say(startLine(event));
          break;
        case "images":
          bar ??= startProgress("checking", event.total, { stream: stderr, json, unit: "images", now });
          bar.update(event.done);
          if (event.done === event.total) close();
          break;
        case "note":
          close();
          stderr.write(`${event.text}\n`);
          break;
        case "features":
          bar ??= startProgress(featureLabels[event.stage], event.total, {
            stream: stderr,
            json,
            unit: "maps",
            now,
          });
          bar.update(event.done);
          if (event.done >= event.total) close();
          startMs = now();
          break;
        case "step": {
          const { step, epoch, loss } = event;
          const imagesPerStep = 2 * batchSize;
          bar ??= startProgress(`epoch ${epoch}/${epochs}`, total.stepsPerEpoch * imagesPerStep, {
            stream: stderr,
            json,
            unit: "images",
            now,
          });
          const secondsAStep = (now() - startMs) / 1000 / (step - total.done);
          const secondsLeft = Math.round(secondsAStep * (total.steps - step));
          const done = (step - (epoch - 1) * total.stepsPerEpoch) * imagesPerStep;
          bar.update(done, `loss ${loss.total.toFixed(3)} · ${formatDuration(secondsLeft)} to the end`);
          break;
        }
        case "epoch":
          close();
          say(epochLine(event, epochs));
      }
    },
  };
}

const featureLabels = { check: "checking feature maps", compute: "feature maps" } as const;

interface ViewOptions {
  readonly json: boolean;
  readonly epochs: number;
  readonly batchSize: number;
  /** The clock, in milliseconds. */
  readonly now?: () => number;
}

function startLine(event: Extract<TrainEvent, { kind: "start" }>): string {
  const held = event.heldOut > 0 ? ` (${formatCount(event.heldOut)} more held out)` : "";
  return (
    `${formatCount(event.triplets)} triplets${held}, ${formatCount(event.vocabulary)} words, ` +
    `${formatCount(event.parameters)} parameters, ${formatCount(event.totalSteps)} steps` +
    (event.step > 0 ? `, ${formatCount(event.step)} of them done` : "") +
    `; needs about ${(event.memoryBytes / 1e9).toFixed(1)} GB of memory`
  );
}

/** "epoch 3/8  loss 1.234 (classification 1.200, distillation 0.034)  held-out R@1 10.0  R@10 41.5  R@50 80.0 (of 240 queries)  18 s" */
function epochLine({ epoch, loss, validation, seconds }: EpochMetrics, epochs: number): string {
  const recall = validation
    ? `held-out ${recallLine(validation)}  (${formatCount(validation.queries)} queries)  `
    : "";
  return `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}  loss ${loss.total.toFixed(3)}${partsText(loss)}  ${recall}${formatDuration(seconds)}`;
}

/** Nothing for a loss of one part, which is the sum. */
function partsText(loss: LossValues): string {
  const parts = lossParts(loss);
  if (parts.length < 2) return "";
  return ` (${parts.map(([name, value]) => `${name} ${value.toFixed(3)}`).join(", ")})`;
}
