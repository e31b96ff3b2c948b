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
