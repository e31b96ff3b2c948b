/** How results are shown: a line for each file, or one document. */
import type { FileResult } from "./check-folder.js";
import { families, tolerances } from "./tolerances.js";

const nameColumns = 18;

/** "ok    jrm    outputs 2.1e-7  gradients 3.0e-6", and what is wrong below it. */
export function lineOf({ name, passed, batchOrders, errors, problems }: FileResult): string {
  const columns = families.flatMap((family) => {
    const worst = errors[family];
    return worst ? [`${tolerances[family].label} ${worst.error.toExponential(1)}`] : [];
  });
  if (batchOrders > 1) columns.push(`(batch order ${batchOrders})`);
  const head = `${passed ? "ok  " : "FAIL"}  ${name.padEnd(nameColumns)}  ${columns.join("  ")}`.trimEnd();
  return [head, ...problems.map((problem) => `        ${problem.replaceAll("\n", "\n        ")}`)].join("\n");
}

/** The last line: how many passed, and what was allowed. */
export function summaryOf(results: readonly FileResult[]): string {
  const passed = results.filter((result) => result.passed).length;
  const limits = families.map((family) => {
    const { label, measure, limit } = tolerances[family];
    return `${label} ${limit.toExponential(0)} ${measure}`;
  });
  return `${passed} of ${results.length} files agree with PyTorch (allowed: ${limits.join(", ")})`;
}

/** Everything, for programs. An infinite error (not a number, or another shape) becomes null in JSON. */
export function resultsAsJson(folder: string, results: readonly FileResult[]): Record<string, unknown> {
  return { passed: results.every((result) => result.passed), folder, tolerances, files: results };
}
