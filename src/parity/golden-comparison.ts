/** How well our tensors agree with those of a golden file. */
import { elementCount, formatShape, sameShape } from "../engine/tensor/shape.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import { GoldenFile } from "./golden-file.js";
import { largest, largestDifference, sample } from "./numbers.js";
import { type Family, float32Roundoff, tolerances } from "./tolerances.js";

/** The largest error of one family of tensors. */
export interface FamilyError {
  /** Infinite where shapes differ or something is not a number. */
  readonly error: number;
  /** The tensor that has it. */
  readonly tensor: string;
  /** How many tensors were compared. */
  readonly count: number;
}

/** How one tensor is compared. */
export interface CompareOptions {
  readonly family: Family;
  /**
   * The file holds every k-th element of the flattened tensor, k = ceil(elements / mostElements). A tensor whose
   * elements are all there is compared as a whole.
   */
  readonly mostElements?: number;
  /** For a sum: the L2 norm of what is summed, see `tolerances`. */
  readonly summandNorm?: number;
  /** How many roundings of the largest element of its sort are allowed in any case; 1 by default, see `tolerances`. */
  readonly roundoffCount?: number;
  /** The tensor counts as at least this share of the largest element of its sort; 0 by default, see `tolerances`. */
  readonly leastShare?: number;
}

/** A golden file and the errors of ours against it. A compared tensor counts as used. */
export class GoldenComparison extends GoldenFile {
  readonly #errors = new Map<Family, Map<string, number>>();
  readonly #problems: string[] = [];
  readonly #largestBySort = new Map<string, number>();

  /** Compares our value of a tensor with the file's. A second comparison of the same tensor keeps the larger error. */
  compare(key: string, actual: Tensor, options: CompareOptions): void {
    const expected = this.use(key);
    const { family, mostElements } = options;
    const ours = mostElements === undefined ? actual : sample(actual, expected, mostElements);
    if (!sameShape(ours.shape, expected.shape)) {
      const [wanted, got] = [formatShape(expected.shape), formatShape(ours.shape)];
      this.#problems.push(`${key} has another shape: expected ${wanted}; got ${got}`);
      this.#record(family, key, Number.POSITIVE_INFINITY);
      return;
    }
    if (elementCount(expected.shape) === 0) return;
    const difference = largestDifference(ours.data, expected.data);
    const isRelative = tolerances[family].measure === "relative" && Number.isFinite(difference);
    this.#record(family, key, isRelative ? difference / this.#size(key, expected, options) : difference);
  }

  /** Shapes that differ, in words. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  /** The worst tensor of each family that was compared. */
  errors(): Partial<Record<Family, FamilyError>> {
    const worst = [...this.#errors].map(([family, byKey]) => {
      const [tensor, error] = [...byKey].reduce((a, b) => (b[1] > a[1] ? b : a));
      return [family, { error, tensor, count: byKey.size }] as const;
    });
    return Object.fromEntries(worst);
  }

  /** What a relative error is relative to, see `tolerances`; above 0. */
  #size(
    key: string,
    expected: Tensor,
    { family, summandNorm = 0, roundoffCount = 1, leastShare = 0 }: CompareOptions,
  ): number {
    const [sort = ""] = key.split("/");
    const largestOfSort = this.#largestOf(sort);
    const rounding = roundoffCount * float32Roundoff * largestOfSort;
    const size = Math.max(
      largest(expected.data),
      summandNorm,
      rounding / tolerances[family].limit,
      leastShare * largestOfSort,
    );
    return size === 0 ? 1 : size;
  }

  /** Largest element of the tensors of one sort; sums of their elements are not counted. */
  #largestOf(sort: string): number {
    const known = this.#largestBySort.get(sort);
    if (known !== undefined) return known;
    const names = this.namesAfter(`${sort}/`).filter((name) => !/(^|\/)loss$/.test(name));
    const result = names.reduce(
      (most, name) => Math.max(most, largest(this.peek(`${sort}/${name}`).data)),
      0,
    );
    this.#largestBySort.set(sort, result);
    return result;
  }

  #record(family: Family, key: string, error: number): void {
    const byKey = this.#errors.get(family) ?? new Map<string, number>();
    byKey.set(key, Math.max(byKey.get(key) ?? 0, error));
    this.#errors.set(family, byKey);
  }
}
