/** A parameter and its next value. */
import type { Parameter, Value } from "./value.js";

/** A parameter and the value it takes after each run of a stateful graph. */
export interface ParameterUpdate {
  readonly parameter: Parameter;
  readonly next: Value;
}
