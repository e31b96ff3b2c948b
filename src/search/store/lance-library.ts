/** Loads LanceDB when it is first needed: the only place that imports it. */
import { availableParallelism } from "node:os";

export type * from "@lancedb/lancedb";

/** LanceDB, told how many cores there are: by itself it builds indexes on one core of two. */
export async function loadLance(): Promise<typeof import("@lancedb/lancedb")> {
  process.env.LANCE_CPU_THREADS ??= String(availableParallelism());
  return import("@lancedb/lancedb");
}
