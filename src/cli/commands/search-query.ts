/** What is asked and how it is answered: the options of every search. */
import { searchLimits } from "../../search/index/catalogue-search.js";
import { option } from "../flags/option.js";
import { list, text, wholeNumber } from "../flags/option-types.js";
import { jsonOption } from "../flags/shared-options.js";

export const shownOptions = [
  option("-k <n>", "how many results", wholeNumber({ min: 1, max: searchLimits.limit }), { default: 10 }),
  option("--category <name>", "rank this category only", text, { otherwise: "all" }),
  option("--html <file>", "also write a page with the pictures and the route through the network", text),
  jsonOption,
];

/** Flag and help of what an index takes several of, and a data set one. */
export const image = ["--image <file or id>", "a JPEG, PNG or WebP of your own, or an id"] as const;
export const words = ["--text <text>", "what should be different"] as const;

export const queryOptions = [
  option(...image, list(text), { repeats: true }),
  option(...words, list(text), { repeats: true }),
  ...shownOptions,
];
