/** Residual connection module (section 2.2). */
import type { Value } from "../../engine/graph/value.js";
import { type ModuleOutput, OperationModule } from "./operation-module.js";

/** RCM(X) = X: lets a query keep what it has. X [B, N, D] -> [B, N, D]. */
export class ResidualConnectionModule extends OperationModule {
  forward(regions: Value): ModuleOutput {
    return { y: regions };
  }
}
