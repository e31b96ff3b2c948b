// What the fuzzing targets take from the compiled project: the only place that knows where it lies in dist/.

export { exportBundle } from "../../dist/bundle/export-bundle.js";
export { openBundle } from "../../dist/bundle/open-bundle.js";
export { readCatalogue } from "../../dist/catalogue/read-catalogue.js";
export { parseFilter } from "../../dist/cli/flags/filter-flag.js";
export { readModel } from "../../dist/engine/runtime/read-model.js";
export { Random } from "../../dist/engine/tensor/random.js";
export { SdfnError } from "../../dist/errors.js";
export { decodeImage, thumbnail } from "../../dist/images/image.js";
export { createModel } from "../../dist/models/registry.js";
export { resolveRunConfig } from "../../dist/runs/run-config.js";
export { CatalogueIndex } from "../../dist/search/index/catalogue-index.js";
export { indexCatalogue } from "../../dist/search/index/index-catalogue.js";
export { ExactStore } from "../../dist/search/store/exact-store.js";
export { filterLimits, filterSize, tagOf } from "../../dist/search/store/filter.js";
export { LanceStore } from "../../dist/search/store/lance-store.js";
export { addKey } from "../../dist/service/keys.js";
export { startService } from "../../dist/service/start-service.js";
export { writeSafetensors } from "../../dist/tensor-files/safetensors.js";
export { joinCaptions, tokenise, Vocabulary } from "../../dist/text/vocabulary.js";
export { readPickle } from "../../dist/weights/pickle.js";
export { readWeights } from "../../dist/weights/read-weights.js";
export { torchPickle } from "../../dist/weights/torch-tensor.js";
