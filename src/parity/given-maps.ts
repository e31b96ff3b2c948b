/** An image network for files that have the maps already. */
import type { Value } from "../engine/graph/value.js";
import { WeightsError } from "../errors.js";
import { Backbone, type Level, type LoadedWeights } from "../models/backbones/backbone.js";
import { resNetPreprocessing } from "../models/backbones/resnet.js";

/** States the widths of a file's maps, which no published network may have; computes none. */
export class GivenMaps extends Backbone {
  readonly preprocessing = resNetPreprocessing;
  readonly levels: readonly [Level, ...Level[]];

  constructor(levels: readonly [Level, ...Level[]]) {
    super();
    this.levels = levels;
  }

  featureMaps(): ReadonlyMap<string, Value> {
    throw new WeightsError("the file's maps are given: no network computes them");
  }

  loadWeights(): LoadedWeights {
    throw new WeightsError("the file's maps are given: there is no network to load weights into");
  }
}
