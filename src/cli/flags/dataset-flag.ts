/** `--dataset`: which layout a folder has, where it is not to be found out. */
import { datasetNames } from "../../data/datasets/open-dataset.js";
import { choiceFlag } from "./flags.js";

/** For `readFlags`. */
export const datasetFlag = choiceFlag(datasetNames).optional();

/** For commander's `option`. */
export const datasetOption = [
  "--dataset <name>",
  `layout of the folder: ${datasetNames.join(", ")} (found out by default)`,
] as const;
