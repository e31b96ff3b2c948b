/** What a fetch did, and what it could not get. */
import { join } from "node:path";
import type { FailureKind } from "./address-error.js";
import { storeFile } from "./store.js";

/** Name of the report in the data set's folder. */
const reportFileName = "fetch-report.json";

/** Something that could not be had. */
export interface FetchProblem {
  /** An image id, or a path in an archive. */
  readonly id: string;
  /** Where it was looked for; null when no list has an address for it. */
  readonly address: string | null;
  readonly kind: FailureKind | "unlisted";
  readonly reason: string;
}

/** Images, by what became of them. */
export interface ImageCounts {
  /** That the annotations name. */
  readonly wanted: number;
  readonly present: number;
  readonly fetched: number;
  /** Gone: the server says so. */
  readonly dead: number;
  /** May be had another time. */
  readonly unavailable: number;
  /** What was there is no image we take. */
  readonly refused: number;
  /** No address is known, or the archive does not have it. */
  readonly unlisted: number;
}

export interface FetchSummary {
  readonly dataset: string;
  readonly directory: string;
  /** Annotation files and lists. */
  readonly files: { readonly present: number; readonly fetched: number };
  /** Absent when only annotations were asked for. */
  readonly images?: ImageCounts | undefined;
  /** Lines of address lists that could not be read, and names that could lead out of the folder. */
  readonly wrongLines: number;
  readonly unsafeNames: number;
  readonly fetchedBytes: number;
}

/** How many problems of each kind there are. */
export function countProblems(problems: readonly FetchProblem[]): Record<FetchProblem["kind"], number> {
  const counts = { dead: 0, unavailable: 0, refused: 0, unlisted: 0 };
  for (const { kind } of problems) counts[kind] += 1;
  return counts;
}

/** Writes the report into the data set's folder and gives its path. */
export async function writeReport(
  summary: FetchSummary,
  problems: readonly FetchProblem[],
  { isComplete }: { readonly isComplete: boolean },
): Promise<string> {
  const path = join(summary.directory, reportFileName);
  const sorted = problems.toSorted((a, b) => a.kind.localeCompare(b.kind) || a.id.localeCompare(b.id));
  await storeFile(path, `${JSON.stringify({ ...summary, isComplete, problems: sorted }, undefined, 2)}\n`);
  return path;
}
