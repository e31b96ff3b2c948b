/** Reads the weights of a model's folder: one file, or shards with an index. Whoever made the folder is not trusted. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Tensor } from "../engine/tensor/tensor.js";
import { WeightsError } from "../errors.js";
import { readJsonSync } from "../files/read-json.js";
import { readSafetensors } from "../tensor-files/safetensors.js";
import { readWeights } from "./read-weights.js";

const indexFile = "model.safetensors.index.json";
/** In the order in which they are looked for. */
const wholeFiles = [
  "model.safetensors",
  indexFile,
  "open_clip_model.safetensors",
  "pytorch_model.bin",
  "open_clip_pytorch_model.bin",
] as const;

const maxIndexBytes = 16 * 2 ** 20;
const maxShards = 1000;
/** A file's name and nothing else: an index must not lead out of its folder. */
const shardName = /^\w[\w.-]*\.safetensors$/;

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/** A folder's tensors. */
export interface ModelWeights {
  /** What they were read from, for messages. */
  readonly file: string;
  /** Half precision is float32 here. */
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** @throws WeightsError when there are no weights, when a shard is missing, and for quantised weights. */
export async function readModelFolder(folder: string): Promise<ModelWeights> {
  const name = wholeFiles.find((candidate) => existsSync(join(folder, candidate)));
  if (name === undefined) {
    throw new WeightsError(
      `${folder}: has no weights; looked for ${wholeFiles.join(", ")}; give the folder of a model as it is downloaded`,
    );
  }
  const file = join(folder, name);
  const tensors = name === indexFile ? readShards(folder, file) : (await readWeights(file)).tensors;
  refuseQuantised(file, tensors.keys());
  return { file, tensors };
}

function readShards(folder: string, file: string): ReadonlyMap<string, Tensor> {
  const { weight_map: map } = readJsonSync(
    file,
    indexSchema,
    ({ got, cause }) => {
      throw new WeightsError(`${file}: is not an index of shards; got ${got}; download it again`, { cause });
    },
    { maxBytes: maxIndexBytes },
  );
  const shards = [...new Set(Object.values(map))].sort();
  requireShards(folder, file, shards);
  const tensors = new Map<string, Tensor>();
  for (const shard of shards) {
    for (const [name, tensor] of readSafetensors(join(folder, shard)).tensors) {
      if (map[name] !== shard) {
        throw new WeightsError(
          `${join(folder, shard)}: holds "${name}", which the index ${map[name] === undefined ? "does not list" : `has in ${map[name]}`}; ` +
            "the shards are of different models: download the folder again",
        );
      }
      tensors.set(name, tensor);
    }
  }
  const absent = Object.keys(map).filter((name) => !tensors.has(name));
  if (absent.length > 0) {
    throw new WeightsError(
      `${file}: ${absent.length} tensors are not in their shards, the first is "${absent[0]}" of ${map[absent[0] ?? ""]}; ` +
        "download the folder again",
    );
  }
  return tensors;
}

function requireShards(folder: string, file: string, shards: readonly string[]): void {
  const strange = shards.find((shard) => !shardName.test(shard));
  if (strange !== undefined) {
    throw new WeightsError(
      `${file}: shards must be safetensors files beside it; got ${JSON.stringify(strange.slice(0, 200))}; download it again`,
    );
  }
  if (shards.length === 0 || shards.length > maxShards) {
    throw new WeightsError(
      `${file}: must list 1 to ${maxShards} shards; got ${shards.length}; download it again`,
    );
  }
  const missing = shards.filter((shard) => !existsSync(join(folder, shard)));
  if (missing.length > 0) {
    throw new WeightsError(
      `${file}: ${missing.length} of ${shards.length} shards are missing: ${missing.slice(0, 5).join(", ")}; ` +
        "download them into the same folder",
    );
  }
}

/** Names that GPTQ and AWQ give to packed weights. */
const packedName = /\.(qweight|qzeros|g_idx)$/;

function refuseQuantised(file: string, names: Iterable<string>): void {
  for (const name of names) {
    if (!packedName.test(name)) continue;
    throw new WeightsError(
      `${file}: quantised weights (GPTQ, AWQ) are not read; got "${name}"; give the model in float32, float16 or bfloat16`,
    );
  }
}
