/** What the instruments found about a run. Plain data: it is written to JSON as it is. */
import type { GradientMeasure } from "./gradient-sums.js";
import type { RouteInformation } from "./route-information.js";
import type { RouteTrial } from "./route-trials.js";

/** One loss, and what reaches each group of parameters of it. */
export interface LossGradients {
  readonly loss: string;
  /** Mean over the batches, before its weight. */
  readonly value: number;
  /** By group: the gradients of weight times loss; a group that the loss does not reach has norm 0. */
  readonly groups: Readonly<Record<string, GradientMeasure>>;
}

/** Gradients on some training batches, nothing updated. */
export interface GradientShares {
  readonly batches: number;
  /** Names of the groups that have parameters, with their number of parameters. */
  readonly parameters: Readonly<Record<string, number>>;
  readonly losses: readonly LossGradients[];
}

/** Recall along other routes than the model's own. */
export interface RouteTrials {
  /** Candidates of each oracle. */
  readonly candidates: number;
  /** Are these all paths of one module a layer, or drawn from them? */
  readonly isExhaustive: boolean;
  /** The model's own routes first. */
  readonly trials: readonly RouteTrial[];
}

export interface RouteInstruments {
  /** Where kinds of change come from: attributes of the catalogue, or words of the texts. */
  readonly kindsFrom: "attributes" | "words";
  readonly information: RouteInformation;
  /** Absent for a model that does not take routes. */
  readonly trials?: RouteTrials | undefined;
}

/** Of train: what the run held out, what it was trained on (none was held out), or data that are not the run's. */
export type QuerySource = "held out" | "trained on" | "other data";

export interface RunInstruments {
  readonly gradients: GradientShares;
  /** Queries looked at, and where they come from. */
  readonly queries: number;
  readonly from: QuerySource;
  /** Absent for a model without routes. */
  readonly routes?: RouteInstruments | undefined;
}
