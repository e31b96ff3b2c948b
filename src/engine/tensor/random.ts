/** The seeded generator that every random number of the project comes from. */
import { xoroshiro128plus, xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";

/** State of a generator, as numbers that survive JSON. */
export type RandomState = readonly number[];

/**
 * A stream of random numbers: the same seed, or the same saved state, gives the same numbers.
 * Generator: xoroshiro128+ (Blackman and Vigna 2018), as implemented by pure-rand.
 * @example
 * import { Random } from "sdfn";
 * console.log(new Random(1).integer(100) === new Random(1).integer(100)); // true
 */
export class Random {
  #generator;

  /** Starts a stream. `seed` is an integer; neighbouring seeds give unrelated streams. */
  constructor(seed: number) {
    this.#generator = xoroshiro128plus(scramble(seed | 0));
    for (let i = 0; i < 16; i += 1) this.#generator.next(); // the first numbers still show the seed's bits
  }

  /** Continues a stream where `state()` left it. */
  static fromState(state: RandomState): Random {
    const random = new Random(0);
    random.#generator = xoroshiro128plusFromState(state);
    return random;
  }

  /** Everything needed to continue this stream later. */
  state(): RandomState {
    return this.#generator.getState();
  }

  /** An unrelated stream named by `label`; consumes one number of this one. */
  fork(label: string): Random {
    let hash = this.#generator.next();
    for (let i = 0; i < label.length; i += 1) hash = scramble(hash ^ label.charCodeAt(i));
    return new Random(hash);
  }

  /** Uniform in [0, 1), 32 bits. */
  uniform(): number {
    return (this.#generator.next() >>> 0) / 0x1_0000_0000;
  }

  /** Uniform in [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  /** Uniform integer in [0, count). The bias of at most count / 2^32 is left. */
  integer(count: number): number {
    return Math.floor(this.uniform() * count);
  }

  /** True with probability `probability`. */
  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  /** Standard normal (Box and Muller). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** One element of `items`. @throws RangeError when there is none. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("Random.pick: nothing to pick from");
    return items[this.integer(items.length)] as T;
  }

  /** A shuffled copy (Fisher and Yates). */
  shuffled<T>(items: readonly T[]): T[] {
    const result = items.slice();
    for (let i = result.length - 1; i > 0; i -= 1) {
      const j = this.integer(i + 1);
      const swapped = result[i] as T;
      result[i] = result[j] as T;
      result[j] = swapped;
    }
    return result;
  }

  /** Fills `mask` with 1 at probability `keepProbability` (to 1 / 65536) and 0 otherwise. */
  fillMask(mask: Uint8Array, keepProbability: number): void {
    const threshold = Math.round(keepProbability * 65536);
    const generator = this.#generator;
    for (let i = 0; i < mask.length; i += 2) {
      const bits = generator.next();
      mask[i] = bits >>> 16 < threshold ? 1 : 0;
      mask[i + 1] = (bits & 0xffff) < threshold ? 1 : 0; // past the end of an odd mask: ignored
    }
  }
}

/** Finalizer of MurmurHash3: every input bit reaches every output bit. */
function scramble(value: number): number {
  let h = value ^ 0x9e3779b9;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) | 0;
}
