/** One layer of the fusion network: operation modules, and the routers that weight them (section 2.3). */
import type { Value } from "../../engine/graph/value.js";
import { add, multiply } from "../../engine/ops/arithmetic.js";
import { stopGradient } from "../../engine/ops/constant.js";
import { matmul } from "../../engine/ops/matmul.js";
import { mean } from "../../engine/ops/reduce.js";
import { broadcastTo, concat, expandDims, reshape, slice, transposeLast } from "../../engine/ops/shape.js";
import type { Random } from "../../engine/tensor/random.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { mergeRoutes, type RouterLogits } from "../../nn/losses/routes.js";
import { Module } from "../../nn/module.js";
import type { TextFeatures } from "../text-encoder.js";
import { CrossAttentionModule } from "./cam.js";
import { type OperationModuleName, routerWidthOf, type SdfnConfig } from "./config.js";
import { GlobalTransformModule } from "./gtm.js";
import { JointReasoningModule } from "./jrm.js";
import type { ModuleOutput, OperationModule } from "./operation-module.js";
import { ResidualConnectionModule } from "./rcm.js";
import { Router } from "./router.js";
import { TextRouter } from "./text-router.js";

/** What may be decided from outside. */
export interface GivenRoutes {
  /** Route weights [B, M, J] in place of those of the layer's routers. */
  readonly routes?: Value | undefined;
}

/** What a layer gives. */
export interface FusionLayerOutput {
  /** Inputs of the next layer's modules; for the last layer one element, the fused map. Each [B, N, D]. */
  readonly next: readonly Value[];
  /** p [B, M, J] */
  readonly routes: Value;
  /** Empty without routers, and where the routes were given. */
  readonly logits: RouterLogits;
  /** The modules' own outputs, in their order. */
  readonly moduleOutputs: readonly ModuleOutput[];
}

const operationModules: Readonly<
  Record<OperationModuleName, new (config: SdfnConfig, random: Random) => OperationModule>
> = {
  jrm: JointReasoningModule,
  cam: CrossAttentionModule,
  gtm: GlobalTransformModule,
  rcm: ResidualConnectionModule,
};

/**
 * M modules, which are the fields `jrm`, `cam`, `gtm`, `rcm` (those configured), each on its own input, mixed for J destinations:
 *
 *   next[j] = sum over i of p[i -> j] · module_i(inputs[i])        (3)
 *
 * p comes from the routers: softmax over the sources of image and text logits, merged; from one shared router on
 * [mean X ; s]; or is 1 / M everywhere. Modules share no parameters.
 */
export class FusionLayer extends Module {
  readonly image_routers: readonly Router[];
  readonly text_routers: readonly TextRouter[];
  readonly shared_routers: readonly Router[];
  readonly #modules: readonly OperationModule[];
  readonly #destinationCount: number;
  readonly #config: SdfnConfig;

  constructor(config: SdfnConfig, destinationCount: number, random: Random) {
    super();
    const built = config.modules.map((name) => [name, new operationModules[name](config, random)] as const);
    Object.assign(this, Object.fromEntries(built));
    this.#modules = built.map(([, module]) => module);
    this.#destinationCount = destinationCount;
    this.#config = config;
    const hiddenWidth = routerWidthOf(config);
    const sizes = { inWidth: config.embedDim, hiddenWidth, destinationCount };
    const perModule = <T>(isUsed: boolean, create: () => T) => (isUsed ? config.modules.map(create) : []);
    const isSpecific = config.router === "modality-specific";
    this.image_routers = perModule(isSpecific, () => new Router(sizes, random));
    this.text_routers = perModule(isSpecific, () => new TextRouter(sizes, random));
    this.shared_routers = perModule(
      config.router === "shared",
      () => new Router({ ...sizes, inWidth: 2 * config.embedDim }, random),
    );
  }

  /** @param inputs one for each module, in their order. */
  forward(
    inputs: readonly Value[],
    text: TextFeatures,
    pass: ForwardPass,
    { routes: given }: GivenRoutes = {},
  ): FusionLayerOutput {
    const moduleOutputs = this.#modules.map((module, i) => module.forward(at(inputs, i), text, pass));
    const outputs = moduleOutputs.map(({ y }) => y);
    if (given) return { next: mix(outputs, given), routes: given, logits: {}, moduleOutputs };
    const logits = this.#logits(inputs, text);
    if (Object.keys(logits).length === 0) {
      const share = 1 / outputs.length;
      const average = multiply(
        outputs.reduce((total, y) => add(total, y)),
        share,
      );
      const next = Array.from({ length: this.#destinationCount }, () => average);
      return { next, routes: this.#uniform(text.sentence, share), logits, moduleOutputs };
    }
    const routes = mergeRoutes(logits, { merge: this.#config.routerMerge, over: this.#config.routerSoftmax });
    return { next: mix(outputs, routes), routes, logits, moduleOutputs };
  }

  /** `share` everywhere, [B, M, J]; `like` [B, D] lends the batch axis. */
  #uniform(like: Value, share: number): Value {
    const [batch = 0] = like.shape;
    const column = slice(stopGradient(like), { axis: 1, start: 0, end: 1 }); // [B, 1]
    const each = add(multiply(reshape(column, [batch, 1, 1]), 0), share);
    return broadcastTo(each, [batch, this.#modules.length, this.#destinationCount]);
  }

  #logits(inputs: readonly Value[], text: TextFeatures): RouterLogits {
    const pooled = inputs.map((x) => mean(x, { axes: [1] })); // each [B, D]
    const stack = (perModule: readonly Value[]) =>
      concat(
        perModule.map((a) => expandDims(a, 1)),
        { axis: 1 },
      ); // [B, M, J]
    switch (this.#config.router) {
      case "none":
        return {};
      case "shared": {
        const both = (i: number) => concat([at(pooled, i), text.sentence], { axis: 1 }); // [B, 2D]
        return { shared: stack(this.shared_routers.map((router, i) => router.forward(both(i)))) };
      }
      case "modality-specific":
        return {
          image: stack(this.image_routers.map((router, i) => router.forward(at(pooled, i)))),
          text: stack(this.text_routers.map((router) => router.forwardWords(text))),
        };
    }
  }
}

/** next[j] = sum over i of p[i, j] · outputs[i], all destinations in one product: M times [B, N, D], [B, M, J] -> J times [B, N, D]. */
function mix(outputs: readonly Value[], routes: Value): Value[] {
  const { shape } = at(outputs, 0);
  const [batch = 0, regionCount = 0, width = 0] = shape;
  const size = Number(regionCount) * Number(width);
  const stacked = concat(
    outputs.map((y) => reshape(y, [batch, 1, size])),
    { axis: 1 },
  ); // [B, M, N·D]
  const mixed = matmul(transposeLast(routes), stacked); // [B, J, N·D]
  return Array.from({ length: routes.dim(2) }, (_, j) =>
    reshape(slice(mixed, { axis: 1, start: j, end: j + 1 }), shape),
  );
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined)
    throw new RangeError(`FusionLayer: there is no element ${index} of ${items.length}`);
  return item;
}
