/** Options that several commands have. */
import { datasetNames } from "../../data/datasets/open-dataset.js";
import { syntheticLimits } from "../../data/synthetic/options.js";
import { splitNames } from "../../data/triplet.js";
import { protocolNames } from "../../evaluation/protocols.js";
import { option } from "./option.js";
import { choice, onOff, text, wholeNumber } from "./option-types.js";

export const jsonOption = option("--json", "print the result as one JSON line instead of text", onOff);

export const dataOption = option("--data <dir>", "folder of the data set", text, { required: true });

export const datasetOption = option("--dataset <name>", "layout of the folder", choice(datasetNames), {
  otherwise: "as its files show",
});

export const runOption = option("--run <dir>", "run folder that `sdfn train` wrote", text, {
  required: true,
});

export const evaluatedSplitOption = option("--split <name>", "part that is evaluated", choice(splitNames), {
  otherwise: "the data set's own",
});

export const protocolOption = option("--protocol <name>", "galleries", choice(protocolNames), {
  otherwise: "the data set's own",
});

/** Files that training starts from. */
export const weightsOptions = [
  option(
    "--backbone-weights <file>",
    "start the backbone from a ResNet's weights: safetensors, or torchvision's .pth",
    text,
  ),
  option("--word-vectors <file>", "start the words from vectors in GloVe's text format", text),
];

/** What the synthetic catalogue has as options of commands. */
export const syntheticCatalogueOptions = [
  option("--seed <n>", "seed of everything random", wholeNumber(syntheticLimits.seed), {
    default: syntheticLimits.seed.default,
  }),
  option(
    "--items <n>",
    "train pictures per category of the catalogue; val has 1.05 times as many",
    wholeNumber(syntheticLimits.itemsPerCategory),
    { default: syntheticLimits.itemsPerCategory.default },
  ),
  option(
    "--triplets <n>",
    "train triplets of all categories together",
    wholeNumber(syntheticLimits.triplets),
    { default: syntheticLimits.triplets.default },
  ),
];
