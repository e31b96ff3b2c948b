/** The evaluation of a cell, in its run's folder. */
import { join } from "node:path";
import type { SeedEvaluation } from "../evaluation/comparison.js";
import { evaluationFileSchema } from "../evaluation/result-schema.js";
import { readJsonSync } from "../files/read-json.js";
import { writeWholeSync } from "../files/whole.js";

const evaluationFile = "evaluation.json";

export function writeEvaluation(runDir: string, { result, ranks }: SeedEvaluation): void {
  writeWholeSync(join(runDir, evaluationFile), `${JSON.stringify({ format: 1, result, ranks })}\n`);
}

/** Undefined where there is none, or one that is damaged: the cell is evaluated again. */
export function readEvaluation(runDir: string): SeedEvaluation | undefined {
  const found = readJsonSync(join(runDir, evaluationFile), evaluationFileSchema, () => undefined);
  return found && { result: found.result, ranks: found.ranks };
}
