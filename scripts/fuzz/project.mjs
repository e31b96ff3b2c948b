// What the fuzzing targets take from the compiled project: the only place that knows where it lies in dist/.

export { parseFilter } from "../../dist/cli/filter-flag.js";
export { readCatalogue } from "../../dist/data/catalogue/read-catalogue.js";
export { decodeImage, thumbnail } from "../../dist/data/image.js";
export { joinCaptions, tokenise, Vocabulary } from "../../dist/data/vocabulary.js";
export { SdfnError } from "../../dist/errors.js";
export { exportBundle } from "../../dist/exporter/export-bundle.js";
export { createModel } from "../../dist/models/registry.js";
export { CatalogueIndex } from "../../dist/retrieval/index-folder/catalogue-index.js";
export { indexCatalogue } from "../../dist/retrieval/index-folder/index-catalogue.js";
export { openBundle } from "../../dist/retrieval/open-bundle.js";
export { ExactStore } from "../../dist/retrieval/store/exact-store.js";
export { filterLimits, filterSize, tagOf } from "../../dist/retrieval/store/filter.js";
export { LanceStore } from "../../dist/retrieval/store/lance-store.js";
export { readModel } from "../../dist/runtime/read-model.js";
export { addKey } from "../../dist/service/keys.js";
export { startService } from "../../dist/service/start-service.js";
export { Random } from "../../dist/tensor/random.js";
export { resolveRunConfig } from "../../dist/training/run-config.js";
export { readPickle } from "../../dist/weights/pickle.js";
export { readWeights } from "../../dist/weights/read-weights.js";
export { writeSafetensors } from "../../dist/weights/safetensors.js";
export { torchPickle } from "../../dist/weights/torch-tensor.js";
