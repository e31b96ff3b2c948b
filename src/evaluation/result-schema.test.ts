import { describe, expect, it } from "vitest";
import { shortcutsAlone, someParaphrases, someShortcuts } from "../../tests/fixtures/query-scores.js";
import { seedEvaluation } from "../../tests/fixtures/seed-evaluation.js";
import { unranked } from "./recall.js";
import type { EvaluationResult } from "./result.js";
import { evaluationFileSchema } from "./result-schema.js";

const { result, ranks } = seedEvaluation({ dress: [1, 20, unranked] });

/** What a file of this result is read as. */
const read = (content: unknown) =>
  evaluationFileSchema.parse(JSON.parse(JSON.stringify({ format: 1, result: content, ranks })));

describe("evaluationFileSchema", () => {
  it.each<[string, Partial<EvaluationResult>]>([
    ["of an older version", {}],
    ["with shortcuts and wordings", { shortcuts: someShortcuts, paraphrases: someParaphrases }],
    [
      "with metrics besides recall",
      {
        mean: { ...result.mean, map5: 1, subset3: 2 },
        perCategory: {
          dress: { queries: 3, gallery: 9, unanswerable: 0, r1: 0, r10: 0, r50: 0, r5: 1, map50: 2 },
        },
        compared: { of: ["map5", "subset3"], value: 1.5 },
      },
    ],
    ["with no query left and no other wording", { shortcuts: shortcutsAlone, paraphrases: null }],
  ])("reads a file %s as it was written", (_, added) => {
    expect(read({ ...result, ...added })).toEqual({ format: 1, result: { ...result, ...added }, ranks });
  });

  it("refuses a field that it does not know, wherever it stands", () => {
    const { mean } = someShortcuts;
    expect(() => read({ ...result, luck: 1 })).toThrow(/luck/);
    expect(() => read({ ...result, shortcuts: { ...someShortcuts, mean: { ...mean, luck: 1 } } })).toThrow(
      /luck/,
    );
  });
});
