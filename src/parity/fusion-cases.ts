/** Golden files of operation modules, routers, one fusion layer and the fusion network. */
import type { Value } from "../engine/graph/value.js";
import { mean } from "../engine/ops/reduce.js";
import type { Random } from "../engine/tensor/random.js";
import { CrossAttentionModule } from "../models/sdfn/cam.js";
import type { SdfnConfig } from "../models/sdfn/config.js";
import { FusionLayer } from "../models/sdfn/fusion-layer.js";
import { FusionNetwork } from "../models/sdfn/fusion-network.js";
import { GlobalTransformModule } from "../models/sdfn/gtm.js";
import { JointReasoningModule } from "../models/sdfn/jrm.js";
import type { OperationModule } from "../models/sdfn/operation-module.js";
import { Router, type RouterSizes } from "../models/sdfn/router.js";
import { TextRouter } from "../models/sdfn/text-router.js";
import type { RouterLogits } from "../nn/losses/routes.js";
import { Module } from "../nn/module.js";
import type { GoldenComparison } from "./golden-comparison.js";
import { anyRandom } from "./layer-cases.js";
import { runModuleCase } from "./module-case.js";
import { sdfnConfigOf } from "./sdfn-fields.js";

/** x, and s or w -> y. */
function operationModuleCase(
  create: new (config: SdfnConfig, random: Random) => OperationModule,
): (comparison: GoldenComparison) => Promise<void> {
  return (comparison) => {
    const module = new create(
      sdfnConfigOf(comparison, { embedDim: comparison.dim("input/x", 2) }),
      anyRandom(),
    );
    return runModuleCase(comparison, {
      module,
      forward: (inputs, pass) => ({
        "output/y": module.forward(inputs.value("x"), inputs.text(), pass).y,
      }),
    });
  };
}

export const jointReasoningCase = operationModuleCase(JointReasoningModule);
export const crossAttentionCase = operationModuleCase(CrossAttentionModule);
export const globalTransformCase = operationModuleCase(GlobalTransformModule);

function routerSizes(comparison: GoldenComparison): RouterSizes {
  return {
    inWidth: comparison.dim("param/fc1.weight", 1),
    hiddenWidth: comparison.dim("param/fc1.weight", 0),
    destinationCount: comparison.dim("param/fc2.weight", 0),
  };
}

/** x [B, N, D] -> logits [B, J]. */
export function imageRouterCase(comparison: GoldenComparison): Promise<void> {
  const module = new Router(routerSizes(comparison), anyRandom());
  return runModuleCase(comparison, {
    module,
    forward: (inputs) => ({ "output/logits": module.forward(mean(inputs.value("x"), { axes: [1] })) }),
  });
}

/** w [B, T, D], pad_mask -> logits [B, J]. */
export function textRouterCase(comparison: GoldenComparison): Promise<void> {
  const module = new TextRouter(routerSizes(comparison), anyRandom());
  return runModuleCase(comparison, {
    module,
    forward: (inputs) => ({ "output/logits": module.forwardWords(inputs.text()) }),
  });
}

/** x.0, x.1, ..., w, s -> y.0, y.1, ..., aux.p and aux.logits.KIND [B, source, destination]. */
export function fusionLayerCase(comparison: GoldenComparison): Promise<void> {
  const config = sdfnConfigOf(comparison, {
    embedDim: comparison.dim("input/x.0", 2),
    moduleCount: comparison.namesAfter("input/x.").length,
  });
  const module = new FusionLayer(config, comparison.namesAfter("output/y.").length, anyRandom());
  return runModuleCase(comparison, {
    module,
    forward(inputs, pass) {
      const xs = config.modules.map((_, i) => inputs.value(`x.${i}`));
      const { next, routes, logits } = module.forward(xs, inputs.text(), pass);
      const ys = next.map((y, j) => [`output/y.${j}`, y]);
      return {
        ...Object.fromEntries(ys),
        "output/aux.p": routes,
        ...logitsByKey("output/aux.logits", logits),
      };
    },
  });
}

/** Gives the network the name it has in the whole model. */
class FusionHolder extends Module {
  constructor(readonly fusion: FusionNetwork) {
    super();
  }
}

/** x, w, s -> map [B, N, D], q, u [B, D], aux.p.LAYER, aux.logits.LAYER.KIND. */
export function fusionNetworkCase(comparison: GoldenComparison): Promise<void> {
  const config = sdfnConfigOf(comparison, {
    embedDim: comparison.dim("input/x", 2),
    moduleCount: comparison.dim("output/aux.p.0", 1),
    fields: { layers: comparison.namesAfter("output/aux.p.").length, lambda2: 0 },
  });
  const module = new FusionHolder(new FusionNetwork(config, anyRandom()));
  return runModuleCase(comparison, {
    module,
    forward(inputs, pass) {
      const { map, q, u, routes, logits } = module.fusion.forward(inputs.value("x"), inputs.text(), pass);
      const p = routes.map((layer, l) => [`output/aux.p.${l}`, layer]);
      const all = logits.map((layer, l) => logitsByKey(`output/aux.logits.${l}`, layer));
      return Object.assign(
        { "output/map": map, "output/q": q, "output/u": u },
        Object.fromEntries(p),
        ...all,
      );
    },
  });
}

/** `PREFIX.KIND` -> logits. */
function logitsByKey(prefix: string, logits: RouterLogits): Record<string, Value> {
  return Object.fromEntries(Object.entries(logits).map(([kind, value]) => [`${prefix}.${kind}`, value]));
}
