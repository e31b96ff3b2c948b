// Filters: any text is one or is refused, and both stores answer any filter alike.
import { join } from "node:path";
import { Disagreement } from "../disagreement.mjs";
import { ExactStore, LanceStore, parseFilter, Random, tagOf } from "../project.mjs";

const embedDim = 4;
const values = [
  "red",
  "Dark  Blue",
  "o'range",
  "\\'); DROP TABLE items;--",
  "100%_top",
  "",
  " ",
  "e\u0301",
  "\u00e9",
  "İ",
  "\u{1F457}",
  "\u001F",
  "\0",
  "a\nb",
  "__proto__",
  "null",
  "x".repeat(400),
];
const names = ["colour", "a=b", "constructor", "o'name", "\u001F"];
const prices = [undefined, 0, -0, 1, 49.99, 1e-320, 1e21, 1e308, Number.MAX_SAFE_INTEGER];
const operators = [
  "=",
  "!=",
  "<=",
  ">=",
  "<",
  "..",
  "|",
  "price",
  "category",
  "id",
  "colour",
  " ",
  "1e5",
  "-1",
  "NaN",
  "Infinity",
  "0x10",
  "\n",
  "40",
  "red",
];

export const filters = {
  memoryMib: 256,
  async open(scratch) {
    const items = manyItems();
    const lance = await LanceStore.open(join(scratch, "store"), { embedDim, access: "create" });
    const exact = await ExactStore.create(embedDim, { threadCount: 1 });
    await lance.upsert(items);
    await exact.upsert(items);
    return {
      make(random) {
        if (random.chance(0.2)) return Buffer.from(JSON.stringify({ filter: randomFilter(random, 4) }));
        return Buffer.from(
          JSON.stringify({
            text: Array.from({ length: random.integer(8) }, () =>
              random.pick(random.chance(0.7) ? operators : values),
            ).join(""),
          }),
        );
      },
      async check(bytes) {
        const { text, filter } = JSON.parse(bytes.toString());
        if (filter !== undefined) return checkAlike(lance, exact, filter);
        const parsed = parseFilter(text);
        if (typeof parsed === "string") return;
        // Most texts parse to what many others do; a store is asked about some.
        if (bytes.length % 4 === 0) await checkAlike(lance, exact, parsed);
      },
      async close() {
        await lance.close();
        await exact.close();
      },
    };
  },
};

function manyItems() {
  const random = new Random(3);
  return Array.from({ length: 80 }, (_, i) => {
    const vector = Float32Array.from({ length: embedDim }, () => random.normal());
    const length = Math.hypot(...vector);
    const tags = Array.from({ length: random.integer(3) }, () =>
      tagOf(random.pick(names), random.pick(values)),
    );
    return {
      id: `${random.pick(values)}${i}`,
      hash: `h${i}`,
      category: random.pick(values),
      price: random.pick(prices),
      tags,
      details: "{}",
      vector: vector.map((value) => value / length),
    };
  });
}

function randomFilter(random, depth) {
  const some = (items) => Array.from({ length: random.integer(4) }, () => random.pick(items));
  const kind = random.pick(
    depth > 0
      ? ["id", "category", "price", "attribute", "not", "all"]
      : ["id", "category", "price", "attribute"],
  );
  if (kind === "id") return { kind, anyOf: some(values).map((value) => `${value}${random.integer(80)}`) };
  if (kind === "category") return { kind, anyOf: some(values) };
  if (kind === "price") return { kind, min: random.pick(prices), max: random.pick(prices) };
  if (kind === "attribute") return { kind, name: random.pick(names), anyOf: some(values) };
  if (kind === "not") return { kind, filter: randomFilter(random, depth - 1) };
  return { kind, of: Array.from({ length: random.integer(4) }, () => randomFilter(random, depth - 1)) };
}

async function checkAlike(lance, exact, filter) {
  const [a, b] = await Promise.all([lance, exact].map((store) => store.list({ filter, limit: 200 })));
  const ids = ({ items }) =>
    items
      .map(({ id }) => id)
      .sort()
      .join("\n");
  if (a.fitting !== b.fitting || ids(a) !== ids(b)) {
    throw new Disagreement(
      `LanceStore finds ${a.fitting}, ExactStore ${b.fitting} for ${JSON.stringify(filter)}`,
    );
  }
}
