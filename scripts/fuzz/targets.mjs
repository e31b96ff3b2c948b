// The parts of the project that take bytes from strangers, each with how its inputs are made and what may not happen.
//
// A target's `open(scratch)` gives `make(random)`, the bytes of an input, `check(bytes)`, which throws what the project
// throws and `Disagreement` where an answer is wrong, and `close()`. `memoryMib` bounds what one input may add to the
// process's largest resident size.
import { csv, jsonLines } from "./targets/catalogue.mjs";
import { filters } from "./targets/filters.mjs";
import { form } from "./targets/form.mjs";
import { indexFolder } from "./targets/index-folder.mjs";
import { onnx } from "./targets/onnx.mjs";
import { pictures } from "./targets/pictures.mjs";
import { tokeniser } from "./targets/tokeniser.mjs";
import { pickle, safetensors, torch } from "./targets/weights.mjs";

export const targets = {
  csv,
  jsonLines,
  form,
  safetensors,
  torch,
  pickle,
  onnx,
  tokeniser,
  filters,
  pictures,
  indexFolder,
};
