/** How many cells run side by side, and why not more. */

/** What limits it. */
export interface JobLimits {
  /** As the user asked. */
  readonly asked: number;
  readonly cores: number;
  /** Peak memory of each cell that is to be run, where it is known. */
  readonly cellBytes: readonly number[];
  readonly availableBytes: number;
}

export interface Jobs {
  readonly jobs: number;
  /** Why fewer than asked for, in words. */
  readonly reasons: readonly string[];
}

/** As many as asked for, but not more than there are cores, nor more than fit into memory if the largest come together. */
export function jobsFor({ asked, cores, cellBytes, availableBytes }: JobLimits): Jobs {
  const reasons: string[] = [];
  let jobs = asked;
  const lower = (to: number, reason: string): void => {
    reasons.push(`--jobs: ${to} at a time, not ${asked}: ${reason}`);
    jobs = to;
  };
  if (jobs > cores) lower(cores, `there are ${cores} cores`);
  const largest = cellBytes.toSorted((a, b) => b - a);
  const needed = (count: number) => largest.slice(0, count).reduce((sum, bytes) => sum + bytes, 0);
  let fitting = jobs;
  while (fitting > 1 && needed(fitting) > availableBytes) fitting -= 1;
  if (fitting < jobs) {
    lower(
      fitting,
      `the ${Math.min(jobs, largest.length)} largest cells would need about ${gigabytes(needed(jobs))} of memory together, and ${gigabytes(availableBytes)} are free`,
    );
  }
  return { jobs, reasons };
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
