// Damages bytes as accidents and attackers do: flipped bits, wrong lengths, parts cut, doubled, swapped, words of the format.

/** Lengths and counts that readers trip over. */
const numbers = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];

/**
 * A damaged copy of one of `seeds`.
 * @param {import("./project.mjs").Random} random
 * @param {readonly Buffer[]} seeds small valid inputs
 * @param {readonly (string | Buffer)[]} words what means something in this format
 */
export function mutated(random, seeds, words = []) {
  let bytes = Buffer.from(random.pick(seeds));
  const count = 1 + random.integer(random.chance(0.2) ? 12 : 3);
  for (let i = 0; i < count; i += 1) bytes = random.pick(changes)(bytes, random, { seeds, words });
  return bytes;
}

/** Random bytes. */
export function noise(random, maxLength) {
  return Buffer.from(Array.from({ length: random.integer(maxLength + 1) }, () => random.integer(256)));
}

const place = (bytes, random) => random.integer(bytes.length + 1);

const changes = [
  function flipBit(bytes, random) {
    if (bytes.length > 0) bytes[random.integer(bytes.length)] ^= 1 << random.integer(8);
    return bytes;
  },
  function setByte(bytes, random) {
    if (bytes.length > 0) bytes[random.integer(bytes.length)] = random.integer(256);
    return bytes;
  },
  function setNumber(bytes, random) {
    const width = random.pick([2, 4, 8]);
    if (bytes.length < width) return bytes;
    const value = BigInt.asUintN(8 * width, random.pick(numbers) - BigInt(random.integer(2)));
    const written = Buffer.from(value.toString(16).padStart(2 * width, "0"), "hex");
    if (random.chance(0.5)) written.reverse();
    written.copy(bytes, random.integer(bytes.length - width + 1));
    return bytes;
  },
  function cutEnd(bytes, random) {
    return bytes.subarray(0, place(bytes, random));
  },
  function cutPart(bytes, random) {
    const start = place(bytes, random);
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + 1 + random.integer(16))]);
  },
  function doublePart(bytes, random) {
    const start = place(bytes, random);
    const part = bytes.subarray(start, start + 1 + random.integer(64));
    const copies = Array.from({ length: 1 + random.integer(random.chance(0.1) ? 500 : 3) }, () => part);
    return Buffer.concat([bytes.subarray(0, start), ...copies, bytes.subarray(start)]);
  },
  function insertWord(bytes, random, { words }) {
    const at = place(bytes, random);
    const word = words.length > 0 ? Buffer.from(random.pick(words)) : noise(random, 8);
    return Buffer.concat([
      bytes.subarray(0, at),
      word,
      bytes.subarray(at + (random.chance(0.5) ? word.length : 0)),
    ]);
  },
  function crossOver(bytes, random, { seeds }) {
    const other = random.pick(seeds);
    const [from, to] = [place(other, random), place(bytes, random)];
    return Buffer.concat([bytes.subarray(0, to), other.subarray(from)]);
  },
];
