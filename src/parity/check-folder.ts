/** Checks every golden file of a folder. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { SdfnError, WeightsError } from "../errors.js";
import { readSafetensors } from "../tensor-files/safetensors.js";
import { caseNames, caseOf } from "./cases.js";
import { type FamilyError, GoldenComparison } from "./golden-comparison.js";
import { type Family, families, toleranceOf } from "./tolerances.js";

const fileEnding = ".safetensors";

/** What came out for one file. */
export interface FileResult {
  /** File name without ending. */
  readonly name: string;
  readonly passed: boolean;
  /** In how many orders of the batch's examples it was run: 1 but where rounding was amplified. */
  readonly batchOrders: number;
  /** The worst tensor of each family that was compared. */
  readonly errors: Readonly<Partial<Record<Family, FamilyError>>>;
  /** Why it did not pass, in words; empty when it did. */
  readonly problems: readonly string[];
}

/**
 * Checks the files one by one, in the order of their names, and yields each result when it is there.
 * @throws WeightsError at once when the folder cannot be read or holds no golden file.
 */
export async function* checkFolder(folder: string): AsyncGenerator<FileResult> {
  for (const name of goldenFiles(folder)) yield await checkFile(join(folder, name + fileEnding), name);
}

/** Names of the golden files of a folder, without their ending. */
function goldenFiles(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (cause) {
    throw new WeightsError(
      `parity: the folder cannot be read; got ${(cause as Error).message}; the project's own golden files are in tests/golden`,
      { cause },
    );
  }
  const files = names
    .filter((name) => name.endsWith(fileEnding))
    .map((name) => name.slice(0, -fileEnding.length));
  if (files.length === 0)
    throw new WeightsError(
      `parity: no golden file (NAME${fileEnding}) in ${folder}; got ${names.length} other files; the project's own are in tests/golden`,
    );
  return files.toSorted();
}

async function checkFile(path: string, name: string): Promise<FileResult> {
  const golden = caseOf(name);
  if (!golden) return failed(name, `unknown kind of file; known names begin with ${caseNames.join(", ")}`);
  try {
    const file = readSafetensors(path);
    const results: FileResult[] = [];
    for (let batchOrder = 0; batchOrder < golden.batchOrderCount; batchOrder += 1) {
      const comparison = new GoldenComparison(name, file);
      await golden.run(comparison, batchOrder);
      const result = { ...resultOf(name, comparison), batchOrders: batchOrder + 1 };
      if (result.passed || !mayBeRounding(comparison)) return result;
      results.push(result);
    }
    return { ...(results[0] ?? failed(name, "was not run")), batchOrders: results.length };
  } catch (error) {
    if (!(error instanceof SdfnError)) throw error;
    return failed(name, `${error.code}: ${error.message}`);
  }
}

/** Families whose worst tensor is off by more than is allowed. */
function excesses(comparison: GoldenComparison): Family[] {
  const errors = comparison.errors();
  return families.filter((family) => (errors[family]?.error ?? 0) > toleranceOf(family).limit);
}

/** Is nothing wrong but what several steps may have amplified? */
function mayBeRounding(comparison: GoldenComparison): boolean {
  const isAmplified = (family: Family) => toleranceOf(family).isAmplified === true;
  const isComplete = comparison.unaccounted().length === 0 && comparison.problems.length === 0;
  return isComplete && excesses(comparison).every(isAmplified);
}

function resultOf(name: string, comparison: GoldenComparison): FileResult {
  const errors = comparison.errors();
  const tooLarge = excesses(comparison).map((family) => {
    const { label, limit } = toleranceOf(family);
    const { tensor, error } = errors[family] ?? { tensor: "?", error: Number.NaN };
    return `${label}: ${tensor} is off by ${error.toExponential(1)}; at most ${limit.toExponential(0)} is allowed`;
  });
  const left = comparison.unaccounted();
  const problems = [
    ...comparison.problems,
    ...tooLarge,
    ...(left.length > 0 ? [`not compared: ${left.join(", ")}`] : []),
    ...(Object.keys(errors).length === 0 ? ["there is nothing to compare in it"] : []),
  ];
  return { name, passed: problems.length === 0, batchOrders: 1, errors, problems };
}

function failed(name: string, problem: string): FileResult {
  return { name, passed: false, batchOrders: 1, errors: {}, problems: [problem] };
}
