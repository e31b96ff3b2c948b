/** What the program has to know about a published layout before it opens a folder. */
import type { RetrievalDataset } from "../triplet.js";

export interface DatasetKind {
  /** The files by which the layout is recognised, for messages. */
  readonly layout: string;
  /** Does the folder have them? Opens no file and never throws for what is absent. */
  isAt(root: string): boolean;
  /** @throws DatasetError when the folder does not have the layout. */
  open(root: string): RetrievalDataset;
}
