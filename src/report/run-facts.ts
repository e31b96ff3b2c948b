/** What a run's manifest says, in words. */

import { formatCount } from "../number-text.js";
import type { RunManifest } from "../runs/run-files.js";
import type { Fact } from "./fact-list.js";
import { countOf, formatPercent } from "./format.js";

/** Where the saved parameters come from. */
interface KeptEpoch {
  readonly rule: "last" | "best";
  readonly epoch: number;
  readonly step: number;
  readonly weightAverage: number;
  readonly chosenOn: string;
  readonly heldOutRecall?: number | undefined;
}

/** A manifest, with what only some runs record. */
export type RecordedRun = RunManifest & {
  readonly kept?: KeptEpoch | undefined;
  readonly stoppedEarly?: number | undefined;
};

/** How the epoch was chosen whose parameters the run keeps. */
export function chosenEpoch({ kept, stoppedEarly, step }: RecordedRun): string {
  if (!kept)
    return `The parameters are those of step ${formatCount(step)}, the last one; no epoch was chosen.`;
  const average = kept.weightAverage > 0 ? `, as a weight average of decay ${kept.weightAverage}` : "";
  const early = stoppedEarly === undefined ? "" : ` Training stopped early, after epoch ${stoppedEarly}.`;
  const how =
    kept.rule === "last"
      ? "the last one; it was not chosen by any recall"
      : `chosen on ${kept.chosenOn}${kept.heldOutRecall === undefined ? "" : ` (mean recall ${formatPercent(kept.heldOutRecall)} %)`}, never on the split that is reported`;
  return `The parameters are those of epoch ${kept.epoch}, step ${formatCount(kept.step)}${average}: ${how}.${early}`;
}

/** For the foot of the page. */
export function runFacts({
  commit,
  dataset,
  config,
  startedAt,
  initialWeights,
  resumed = [],
}: RecordedRun): readonly Fact[] {
  const { backboneWeights, wordVectors } = initialWeights ?? {};
  return [
    ["Trained on", `${dataset.name}, ${dataset.root}`],
    ["Seed", String(config.seed ?? "unknown")],
    ["Trained by commit", commit],
    ["Started", startedAt.slice(0, 16).replace("T", " ")],
    ...(resumed.length === 0
      ? []
      : [
          [
            "Resumed",
            resumed.map(({ step, commit: by }) => `at step ${formatCount(step)} by ${by}`).join(", "),
          ] as const,
        ]),
    [
      "Started from",
      [
        backboneWeights && `${backboneWeights.file} (sha256 ${backboneWeights.sha256.slice(0, 12)})`,
        wordVectors &&
          `${wordVectors.file} (${wordVectors.wordsFound} of ${countOf(wordVectors.words, "word")})`,
      ]
        .filter(Boolean)
        .join(", ") || "random values",
    ],
  ];
}
