/** Writes and opens the checkpoints of a run: always two that are whole, once there are two. */
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Tensor } from "../engine/tensor/tensor.js";
import { RunError } from "../errors.js";
import { diskError } from "../files/errno.js";
import { writeWholeSync } from "../files/whole.js";
import { readSafetensors, writeSafetensors } from "../tensor-files/safetensors.js";
import {
  type CheckpointContent,
  type CheckpointFile,
  checkpointFolder,
  checkpointNumbers,
  manifestNameOf,
  manifestText,
  readCheckpoint,
} from "./checkpoint-files.js";

/** Which of the checkpoints that are kept. */
export const checkpointChoices = ["latest", "previous"] as const;
export type CheckpointChoice = (typeof checkpointChoices)[number];

/** A checkpoint that was opened: checked, and read. */
export interface OpenedCheckpoint {
  readonly number: number;
  readonly content: CheckpointContent;
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Undefined before there is one. */
  readonly teacher: ReadonlyMap<string, Tensor> | undefined;
}

/**
 * Opens a run's last checkpoint, or the one before it.
 * @throws RunError when there is none, or when it is damaged; then the message says whether the one before is whole.
 */
export function openCheckpoint(runDir: string, choice: CheckpointChoice): OpenedCheckpoint {
  const folder = join(runDir, checkpointFolder);
  const numbers = checkpointNumbers(folder);
  const number = numbers.at(choice === "latest" ? -1 : -2);
  if (number === undefined) {
    throw new RunError(
      choice === "latest"
        ? `${runDir}: has no checkpoint to resume from; train anew into another folder`
        : `${runDir}: has no checkpoint before the last; got ${numbers.length}; resume without --checkpoint previous`,
    );
  }
  try {
    const content = readCheckpoint(folder, number);
    const read = ({ name }: CheckpointFile) => readSafetensors(join(folder, name)).tensors;
    const { tensors, teacher } = content;
    return { number, content, tensors: read(tensors), teacher: teacher && read(teacher) };
  } catch (cause) {
    if (!(cause instanceof RunError)) throw cause;
    throw new RunError(`${cause.message}; ${wayOut(runDir, { folder, choice, numbers })}`, { cause });
  }
}

function wayOut(
  runDir: string,
  {
    folder,
    choice,
    numbers,
  }: { readonly folder: string; readonly choice: CheckpointChoice; readonly numbers: readonly number[] },
): string {
  const previous = numbers.at(-2);
  if (choice === "latest" && previous !== undefined) {
    try {
      const { state } = readCheckpoint(folder, previous);
      return `the one before it, of step ${state.step}, is whole: sdfn train --resume ${runDir} --checkpoint previous`;
    } catch (error) {
      if (!(error instanceof RunError)) throw error;
    }
  }
  return "no other checkpoint is whole; train anew into another folder";
}

/** What is known when a checkpoint is written, besides its files. */
export type CheckpointFacts = Omit<CheckpointContent, "savedAt" | "tensors" | "teacher">;

export class CheckpointStore {
  readonly #folder: string;
  /** The last that is known to be whole: written here, or resumed from. */
  #last: { readonly number: number; readonly content: CheckpointContent } | undefined;

  /** @param resumedFrom the checkpoint that the run continues from. */
  constructor(runDir: string, resumedFrom?: OpenedCheckpoint) {
    this.#folder = join(runDir, checkpointFolder);
    this.#last = resumedFrom;
  }

  /** The step of the last whole checkpoint. */
  get step(): number | undefined {
    return this.#last?.content.state.step;
  }

  /**
   * Writes a checkpoint; when it is on the disk, all others but the last one are deleted.
   * @param teacher a new one's tensors, "none" to do without, or "same" as the last checkpoint's.
   * @throws EnvironmentError when the disk is full or not writable; what was saved before stays.
   */
  write(
    facts: CheckpointFacts,
    tensors: ReadonlyMap<string, Tensor>,
    teacher: ReadonlyMap<string, Tensor> | "none" | "same",
  ): void {
    const previous = this.#last;
    const number = Math.max(previous?.number ?? 0, checkpointNumbers(this.#folder).at(-1) ?? 0) + 1;
    try {
      mkdirSync(this.#folder, { recursive: true });
    } catch (cause) {
      throw diskError(this.#folder, cause);
    }
    const write = (kind: string, content: ReadonlyMap<string, Tensor>): CheckpointFile => {
      const name = `${kind}-${String(number).padStart(6, "0")}.safetensors`;
      return { name, ...writeSafetensors(join(this.#folder, name), content) };
    };
    const same = previous?.content.teacher;
    const teacherFile =
      teacher === "none" ? undefined : teacher === "same" ? same : write("teacher", teacher);
    const content: CheckpointContent = {
      ...facts,
      savedAt: new Date().toISOString(),
      tensors: write("state", tensors),
      teacher: teacherFile,
    };
    writeWholeSync(join(this.#folder, manifestNameOf(number)), manifestText(content));
    this.#last = { number, content };
    this.#deleteAllBut([this.#last, ...(previous ? [previous] : [])]);
  }

  /** Deletes every checkpoint: the run is complete. */
  clear(): void {
    rmSync(this.#folder, { recursive: true, force: true });
    this.#last = undefined;
  }

  #deleteAllBut(kept: readonly { readonly number: number; readonly content: CheckpointContent }[]): void {
    const names = new Set(
      kept.flatMap(({ number, content: { tensors, teacher } }) => [
        manifestNameOf(number),
        tensors.name,
        ...(teacher ? [teacher.name] : []),
      ]),
    );
    const others = readdirSync(this.#folder).filter((name) => !names.has(name));
    // Manifests first: one without its files would look damaged.
    for (const name of others.sort((a, b) => Number(b.endsWith(".json")) - Number(a.endsWith(".json")))) {
      rmSync(join(this.#folder, name), { force: true, recursive: true });
    }
  }
}
