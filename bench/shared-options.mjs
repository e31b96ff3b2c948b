// Options that several benchmarks have.
import { option } from "../dist/cli/flags/option.js";
import { onOff, text, wholeNumber } from "../dist/cli/flags/option-types.js";

const count = wholeNumber({ min: 1, max: 1e9 });

/** A whole number above 0. @param {string} flags @param {string} help @param {number} value what it is when it is not given */
export function countOption(flags, help, value) {
  return option(flags, help, count, { default: value });
}

export const batchOption = countOption("--batch <n>", "triplets a step; images a step are twice as many", 8);
export const widthOption = countOption("--width <n>", "D, the width of embeddings", 1024);
export const itemsOption = countOption("--items <n>", "items in the catalogue", 100_000);

/** A folder that a benchmark cannot do without. @param {string} help */
export function neededFolder(help) {
  return option("--folder <dir>", help, text, { required: true });
}

export const pictureFolderOption = option("--folder <dir>", "JPEG files that queries take in turn", text, {
  otherwise: "drawn ones",
});

export const tinyOption = option(
  "--tiny",
  "models too small to mean anything, to see that all of it runs",
  onOff,
);
export const resumeOption = option(
  "--resume <file>",
  "a line for each point that was measured; those that are in the file are not measured again",
  text,
);

/** What every benchmark has. */
export const everyBenchmarksOptions = [
  "Output:",
  option("--json", "print one JSON line instead of text", onOff),
  option(
    "--out <file>",
    "write the result with machine, versions, commit, date and options to a JSON file",
    text,
  ),
];
