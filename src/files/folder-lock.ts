/** Keeps two processes from writing one folder. */
import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { isErrno } from "./errno.js";

/** A process, told from a later one with the same number by when it started, where the system says so. */
interface Owner {
  readonly processId: number;
  readonly started: string;
}

/**
 * Claims a lock file for this process. A claim of a process that is gone does not count, however it ended.
 * @param busy makes the error for a claim that counts.
 * @returns gives the lock free.
 */
export async function claimLock(
  path: string,
  busy: (processId: number) => Error,
): Promise<() => Promise<void>> {
  await mkdir(dirname(path), { recursive: true });
  const own = `${path}.${randomUUID()}`;
  const started = (await startOf(process.pid)) ?? "";
  await writeFile(own, JSON.stringify({ processId: process.pid, started } satisfies Owner), { flag: "wx" });
  try {
    for (;;) {
      // The file appears with its content: nobody sees a lock without an owner.
      if (await linked(own, path)) return () => rm(path, { force: true });
      const text = await readFile(path, "utf8").catch(() => undefined);
      if (text === undefined) continue; // it was given free
      const owner = ownerIn(text);
      if (owner !== undefined && (await isRunning(owner))) throw busy(owner.processId);
      await removeStale(path, text);
    }
  } finally {
    await rm(own, { force: true });
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (isErrno(error, "EEXIST")) return false;
    throw error;
  }
}

/** Takes a stale lock away, unless another process has replaced it meanwhile. */
async function removeStale(path: string, text: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return;
    throw error;
  }
  if ((await readFile(aside, "utf8")) !== text) await linked(aside, path);
  await rm(aside, { force: true });
}

function ownerIn(text: string): Owner | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    const { processId, started } = value as Record<string, unknown>;
    if (typeof processId !== "number" || typeof started !== "string") return undefined;
    return Number.isInteger(processId) && processId > 0 ? { processId, started } : undefined;
  } catch {
    return undefined;
  }
}

async function isRunning({ processId, started }: Owner): Promise<boolean> {
  if (!isAlive(processId)) return false;
  const now = await startOf(processId);
  return now === undefined || started === "" || now === started;
}

/** Is there a process of this number? It may be another one than was meant. */
export function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch (error) {
    return isErrno(error, "EPERM");
  }
}

/** When a process started, in ticks since a boot that is named; undefined where the system does not say. */
async function startOf(processId: number): Promise<string | undefined> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${processId}/stat`, "utf8"),
      readFile("/proc/sys/kernel/random/boot_id", "utf8"),
    ]);
    // The command's name is in brackets and may hold anything; the start is the 20th field after it.
    const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return ticks === undefined ? undefined : `${boot.trim()} ${ticks}`;
  } catch {
    return undefined;
  }
}
