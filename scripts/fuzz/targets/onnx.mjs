// Model files: those of a bundle, damaged.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mutated, noise } from "../mutate.mjs";
import { makeBundle } from "../place.mjs";
import { readModel } from "../project.mjs";

export const onnx = {
  memoryMib: 256,
  async open(scratch) {
    const bundle = makeBundle(scratch);
    const seeds = readdirSync(bundle)
      .filter((name) => name.endsWith(".onnx"))
      .map((name) => readFileSync(join(bundle, name)));
    const words = [
      "batch",
      "com.microsoft",
      "Loop",
      "If",
      "location",
      Buffer.from([0x70, 1]),
      Buffer.from([0x3a, 0x80, 0x01]),
      Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
      Buffer.from([0x2a]),
      Buffer.from([0x32, 2, 0x32, 0]),
    ];
    return {
      make: (random) =>
        random.chance(0.03) ? noise(random, 200) : nested(random, mutated(random, seeds, words)),
      async check(bytes) {
        readModel(new Uint8Array(bytes));
      },
      async close() {},
    };
  },
};

/** Now and then a message in itself many times: readers that call themselves run out of stack. */
function nested(random, bytes) {
  if (!random.chance(0.02)) return bytes;
  const tag = random.pick([0x3a, 0x0a, 0x2a, 0x32, 0x12]);
  let inner = Buffer.alloc(0);
  for (let i = random.integer(3000); i > 0; i -= 1) {
    const size = [];
    for (let rest = inner.length; ; rest >>>= 7) {
      size.push(rest < 128 ? rest : (rest & 127) | 128);
      if (rest < 128) break;
    }
    inner = Buffer.concat([Buffer.from([tag, ...size]), inner]);
  }
  return inner;
}
