import { describe, expect, it } from "vitest";
import { someParaphrases, someShortcuts } from "../../tests/fixtures/query-scores.js";
import { seedEvaluation } from "../../tests/fixtures/seed-evaluation.js";
import type { Metrics } from "../runs/metrics.js";
import { chosenEpoch, type RecordedRun } from "./run-facts.js";
import { type RunPage, runPage } from "./run-page.js";

const loss = { total: 2, classification: 2, distillation: 0, consistency: 0 };
const metrics: Metrics[] = [
  { kind: "step", step: 1, epoch: 1, loss, gradientNorm: 1, learningRate: 0.1, imagesPerSecond: 50 },
  {
    ...({ kind: "epoch", epoch: 1, step: 1, loss, seconds: 3 } as const),
    validation: { r1: 1, r10: 22.2, r50: 60, queries: 12, gallery: 20 },
    routerEntropy: [0.9, 0.8],
    routeWeights: [
      [0.25, 0.75],
      [0.4, 0.6],
    ],
  },
];
const manifest: RecordedRun = {
  format: 1,
  status: "complete",
  commit: "0123456789ab",
  dataset: { name: "fashioniq", root: "/data" },
  config: { model: "sdfn", epochs: 2, seed: 5, modules: ["jrm", "rcm"] },
  step: 1234,
  startedAt: "2026-01-02T03:04:05.000Z",
  seconds: 90,
};
const picture = (id: string) => ({ id, dataUri: "data:," });
const evaluation = seedEvaluation({ dress: [1, 4, 30, 400, 7] }, { text: "is <longer>, and red" });
const answer = (text: string) => ({
  reference: picture("R"),
  text,
  results: [{ picture: picture("A"), score: 0.5, isTarget: true }],
  target: { picture: picture("A"), rank: 1 },
});
const content: RunPage = {
  runDir: "runs/<a>",
  model: "sdfn",
  manifest,
  metrics,
  modules: [
    { name: "JRM", meaning: "joint reasoning" },
    { name: "RCM", meaning: "keep" },
  ],
  unusable: [],
  facts: [],
};
const evaluated: RunPage = {
  ...content,
  evaluation: {
    ...evaluation,
    worst: [answer("worst one")],
    best: [answer("best one")],
    routeStatistics: [{ weights: [0.31, 0.69], deviations: [0.012, 0.034], entropy: 0.87 }],
    routes: {
      modules: content.modules,
      weights: [[[0.2], [0.8]]],
    },
  },
};

function fail(): never {
  throw new Error("there is no evaluation");
}

describe("runPage", () => {
  it("shows training, router weights by layer and configuration of a run alone", () => {
    const page = runPage(content);
    for (const title of ["Training loss", "Learning rate", "Images per second", "Route weights of layer 2"]) {
      expect(page).toContain(`<h3>${title}</h3>`);
    }
    expect(page).toContain("RCM from 0.6 to 0.6");
    expect(page).toContain("<dt>epochs</dt><dd>2</dd>");
    expect(page).toContain("<dt>Trained by commit</dt><dd>0123456789ab</dd>");
    expect(page).not.toMatch(/id="(recall|failures|worst|best|route)"/);
    expect(page).not.toMatch(/NaN|undefined|<script|(src|href)="(?!data:|#)/);
    expect(page).toContain("runs/&lt;a&gt;");
  });

  it("shows with an evaluation where queries fail, and the spread of the routers", () => {
    const page = runPage(evaluated);
    expect(page).toContain("1: 20.0, 2–5: 20.0, 6–10: 20.0, 11–20: 0.0, 21–50: 20.0");
    expect(page).toContain('<th scope="row">longer</th><td>5</td><td>60.0</td>');
    expect(page).toContain('0.690<small class="soft"> ± 0.034</small>');
    expect(page.indexOf("worst one")).toBeLessThan(page.indexOf("best one"));
    expect(page).toContain('id="route"');
    expect(page).not.toMatch(/NaN|undefined|<longer>/);
  });

  it("shows what each half of a query answers and the spread over wordings, where they were measured", () => {
    const { result, ...rest } = evaluated.evaluation ?? fail();
    const withScores = { ...result, shortcuts: someShortcuts, paraphrases: someParaphrases };
    const page = runPage({ ...content, evaluation: { ...rest, result: withScores } });
    const ids = [...page.matchAll(/<section id="([^"]*)"/g)].map(([, id]) => id);
    expect(ids.slice(0, 5)).toEqual(["training", "recall", "shortcuts", "paraphrases", "failures"]);
    expect(runPage(evaluated)).not.toMatch(/id="(shortcuts|paraphrases)"/);
  });

  it("says what was held out and when the run was resumed", () => {
    const page = runPage({
      ...content,
      manifest: {
        ...manifest,
        heldOut: { by: "item", triplets: 12, leftOut: 3 },
        resumed: [{ at: "2026-01-02T04:00:00.000Z", step: 1100, commit: "ba9876543210" }],
      },
    });
    expect(page).toContain("12 triplets of train were held out by item, and 3 more are in neither part.");
    expect(page).toContain("<dt>Resumed</dt><dd>at step 1,100 by ba9876543210</dd>");
    expect(runPage(content)).not.toMatch(/held out by|Resumed/);
  });

  it("names words that no batch had", () => {
    const unseenWords = { count: 3, words: ["a-line", "<hem>"] };
    const page = runPage({ ...content, manifest: { ...manifest, unseenWords } });
    expect(page).toContain("No batch of the 1,234 steps had 3 words of the vocabulary");
    expect(page).toContain("as they began: a-line, &lt;hem&gt;, ....");
    expect(runPage(content)).not.toContain("No batch");
  });

  it("names images that could not be used, the first of many", () => {
    const unusable = Array.from({ length: 25 }, (_, i) => ({
      id: `image${i}`,
      state: "broken" as const,
      reason: "ends early",
    }));
    const page = runPage({ ...content, unusable });
    expect(page).toContain("25 images could not be used");
    expect(page).toContain('<th scope="row">image19</th><td>broken</td><td>ends early</td>');
    expect(page).toContain("and 5 more");
    expect(page).not.toContain("image20");
  });

  it("has a page for a run that has recorded nothing yet, and for one without routers", () => {
    const page = runPage({ ...content, metrics: [], modules: [] });
    expect(page).not.toContain('id="routers"');
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe("chosenEpoch", () => {
  const kept = {
    rule: "best",
    epoch: 7,
    step: 700,
    weightAverage: 0,
    chosenOn: "250 held-out triplets",
  } as const;
  it("says that nothing was chosen", () => {
    expect(chosenEpoch(manifest)).toBe(
      "The parameters are those of step 1,234, the last one; no epoch was chosen.",
    );
    expect(chosenEpoch({ ...manifest, kept: { ...kept, rule: "last" } })).toContain(
      "not chosen by any recall",
    );
  });
  it("says what was chosen on what", () => {
    expect(
      chosenEpoch({
        ...manifest,
        stoppedEarly: 12,
        kept: { ...kept, weightAverage: 0.999, heldOutRecall: 41.26 },
      }),
    ).toBe(
      "The parameters are those of epoch 7, step 700, as a weight average of decay 0.999: chosen on 250 held-out " +
        "triplets (mean recall 41.3 %), never on the split that is reported. Training stopped early, after epoch 12.",
    );
  });
});
