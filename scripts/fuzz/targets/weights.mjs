// Files of weights: safetensors, torch.save's files as a whole, and the pickles in them by themselves.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mutated, noise } from "../mutate.mjs";
import { readPickle, readWeights, torchPickle, writeSafetensors } from "../project.mjs";

const folder = fileURLToPath(new URL("../../../tests/weights/", import.meta.url));
const checkpoints = () =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".pth"))
    .map((name) => readFileSync(join(folder, name)));

export const safetensors = {
  memoryMib: 128,
  async open(scratch) {
    const file = join(scratch, "weights.safetensors");
    const data = Float32Array.of(1, 2, 3, 4, 5, 6);
    writeSafetensors(
      file,
      new Map([
        ["a.weight", { dtype: "float32", shape: [2, 3], data }],
        ["n", { dtype: "int64", shape: [], data: BigInt64Array.of(7n) }],
      ]),
      { made: "by hand" },
    );
    const seeds = [
      readFileSync(file),
      headed('{"__proto__":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}', 4),
    ];
    const words = [
      '"',
      "{",
      "}",
      "[]",
      "F16",
      "BF16",
      "F64",
      "U8",
      "data_offsets",
      "shape",
      "1e308",
      "-1",
      "0.5",
      "9007199254740992",
      "__metadata__",
      "__proto__",
    ];
    return fileTarget(file, (random) => withHeaderLength(random, mutated(random, seeds, words)));
  },
};

export const torch = {
  memoryMib: 256,
  async open(scratch) {
    const seeds = checkpoints();
    return fileTarget(join(scratch, "weights.pth"), (random) => mutated(random, seeds, pickleWords));
  },
};

/** Opcodes and names of torch's pickles. */
const pickleWords = [
  ..."(.0NJKMG]aesu}tRbQ)c",
  ...[0x80, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a].map((code) => Buffer.from([code])),
  Buffer.from([0x71, 0]),
  Buffer.from([0x68, 0]),
  Buffer.from([0x72, 0xff, 0xff, 0xff, 0xff]),
  "ctorch\nFloatStorage\n",
  "ctorch._utils\n_rebuild_tensor_v2\n",
  "ccollections\nOrderedDict\n",
  "ctorch\nSize\n",
  "cos\nsystem\n",
  "c__builtin__\neval\n",
  "X\x07\0\0\0storage",
  "X\xff\xff\xff\x7fa",
  "U\x01a",
];

export const pickle = {
  memoryMib: 256,
  async open() {
    const seeds = checkpoints().flatMap((file) => {
      const start = file.indexOf(Buffer.from([0x80, 2]));
      return start < 0 ? [] : [file.subarray(start, start + 4096)];
    });
    return {
      make(random) {
        if (random.chance(0.7)) return mutated(random, seeds, pickleWords);
        const parts = Array.from({ length: random.integer(60) }, () => Buffer.from(random.pick(pickleWords)));
        return Buffer.concat([Buffer.from([0x80, 2]), ...parts, Buffer.from(random.chance(0.9) ? "." : "")]);
      },
      async check(bytes) {
        readPickle(bytes, 0, torchPickle("pickle"));
      },
      async close() {},
    };
  },
};

function fileTarget(file, make) {
  return {
    make: (random) => (random.chance(0.02) ? noise(random, 200) : make(random)),
    async check(bytes) {
      writeFileSync(file, bytes);
      await readWeights(file);
    },
    async close() {},
  };
}

function headed(header, dataBytes) {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  return Buffer.concat([length, Buffer.from(header), Buffer.alloc(dataBytes)]);
}

/** Most changes make the header's length wrong, and nothing behind it is then looked at. */
function withHeaderLength(random, bytes) {
  const end = bytes.lastIndexOf("}");
  if (end > 8 && random.chance(0.7)) bytes.writeBigUInt64LE(BigInt(end - 7), 0);
  return bytes;
}
