/** What the program has to know about a published layout before it opens a folder. */
import type { RetrievalDataset } from "../triplet.js";

/** What counts as found: the target alone, or every item that is like it in all attributes. */
export const answerKinds = ["target", "attributes"] as const;
export type AnswerKind = (typeof answerKinds)[number];

/** What can be chosen when a data set is opened. */
export interface OpenOptions {
  /** The data set's own choice by default. */
  readonly answers?: AnswerKind | undefined;
}

export interface DatasetKind {
  /** The files by which the layout is recognised, for messages. */
  readonly layout: string;
  /** Does the folder have them? Opens no file and never throws for what is absent. */
  isAt(root: string): boolean;
  /** What can count as found; the target alone where absent. */
  readonly answers?: readonly AnswerKind[];
  /** @throws DatasetError when the folder does not have the layout. */
  open(root: string, options?: OpenOptions): RetrievalDataset;
}
