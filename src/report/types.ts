/** What the report's parts are drawn from, where no other module has a type for it. */
import type { Metrics } from "../runs/metrics.js";

/** A picture in a report. */
export interface PagePicture {
  /** Image id or file name, as the reader can find it. */
  readonly id: string;
  /** Address of the picture; `data:` keeps the page self-contained. */
  readonly dataUri: string;
  /** What it shows, if that is known: "red dress with long sleeves". */
  readonly title?: string | undefined;
}

/** One picture of a ranking. */
export interface RankedPicture {
  readonly picture: PagePicture;
  /** Cosine of query and picture, -1 to 1. */
  readonly score: number;
  readonly isTarget: boolean;
}

/** A query and what a model ranked first. */
export interface QueryAnswer {
  readonly reference: PagePicture;
  /** The modification text. */
  readonly text: string;
  /** Best first. */
  readonly results: readonly RankedPicture[];
  /** The group that was searched: "dress". */
  readonly category?: string;
  /** Pictures that were ranked. */
  readonly gallerySize?: number;
  /** The wanted picture and its rank from 1; absent when nobody knows the right answer. */
  readonly target?: { readonly picture: PagePicture; readonly rank: number };
}

/** An operation module, named for people. */
export interface ModuleName {
  /** "JRM" */
  readonly name: string;
  /** What it does in two or three words: "joint reasoning". */
  readonly meaning: string;
}

/** How one query went through the fusion network. */
export interface QueryRoutes {
  /** M modules, in the order of the route weights. */
  readonly modules: readonly ModuleName[];
  /**
   * Per layer, [M sources][J destinations], softmax over the sources: the weights that come into a
   * destination sum to 1. The last layer has J = 1, the query embedding.
   */
  readonly weights: readonly (readonly (readonly number[])[])[];
}

/** What one model's training recorded. */
export interface ModelTraining {
  readonly model: string;
  readonly metrics: readonly Metrics[];
}

/** A number worth reading first: "R@10, SDFN" / "75.9 %". */
export interface KeyFigure {
  readonly label: string;
  readonly value: string;
  /** What it was measured on. */
  readonly note?: string;
}
