import { describe, expect, it } from "vitest";
import type { EpochMetrics, Metrics, StepMetrics } from "../runs/metrics.js";
import { trainingCurves } from "./training-curves.js";

function step(index: number, { distillation = 0, consistency = 0 } = {}): StepMetrics {
  const loss = { total: 4 / index, classification: 4 / index, distillation, consistency };
  return {
    kind: "step",
    step: index,
    epoch: 1,
    loss,
    gradientNorm: 1,
    learningRate: 0.001,
    imagesPerSecond: 600,
  };
}

function epoch(index: number, change: Partial<EpochMetrics> = {}): EpochMetrics {
  const loss = { total: 2, classification: 2, distillation: 0, consistency: 0 };
  return { kind: "epoch", epoch: index, step: 4, loss, seconds: 12.34, ...change };
}

function titles(metrics: readonly Metrics[]): string[] {
  const { markup } = trainingCurves([{ model: "sdfn", metrics }]);
  return [...markup.matchAll(/<h3>([^<]*)<\/h3>/g)].map(([, title]) => title ?? "");
}

describe("trainingCurves", () => {
  const steps = [1, 2, 3, 4].map((index) => step(index));

  it("draws what was recorded and leaves out what was not", () => {
    expect(titles(steps)).toEqual(["Training loss", "Learning rate", "Images per second"]);
    const validation = { r1: 5, r10: 31.5, r50: 60, queries: 200, gallery: 400 };
    expect(
      titles([
        step(1, { distillation: 0.002, consistency: 0.01 }),
        epoch(1, { validation, routerEntropy: [0.9, 0.8] }),
      ]),
    ).toEqual([
      "Recall@10 on held-out training queries",
      "Training loss",
      "Parts of sdfn&#39;s loss",
      "How undecided sdfn&#39;s routers are",
      "Learning rate",
      "Images per second",
    ]);
  });

  it("describes each chart by its first and last values", () => {
    const { markup } = trainingCurves([{ model: "sdfn", metrics: steps }]);
    expect(markup).toContain('aria-label="Training loss: sdfn from 4 to 1."');
  });

  it("gives a model the same colour whatever else is in the chart", () => {
    const { markup } = trainingCurves([{ model: "tirg", metrics: steps }], { models: ["sdfn", "tirg"] });
    expect(markup).toContain('stroke="var(--series-2)"');
    expect(markup).not.toContain('stroke="var(--series-1)"');
  });

  it("lists the epochs in a table, dashes where nothing was measured", () => {
    const { markup } = trainingCurves([{ model: "sdfn", metrics: [...steps, epoch(1)] }]);
    const [, body = ""] = markup.split("<tbody>");
    expect([...body.matchAll(/<t[hd][^>]*>([^<]*)</g)].map(([, text]) => text)).toEqual([
      "sdfn",
      "1",
      "4",
      "2",
      "–",
      "–",
      "–",
      "–",
      "–",
      "600",
      "12.3",
    ]);
  });

  it("survives a run that stopped before its first step, and values that are not finite", () => {
    expect(titles([])).toEqual([]);
    const broken = { ...step(5), loss: { ...step(5).loss, total: Number.NaN } };
    expect(trainingCurves([{ model: "sdfn", metrics: [...steps, broken] }]).markup).not.toContain("NaN");
  });
});
