/** What gradients of several batches have in common: their size, and how far they agree. */
import { ShapeError } from "../../errors.js";

/** Gradients of one loss with respect to some parameters, over batches. */
export interface GradientMeasure {
  /** Square root of the mean over batches of |g|². */
  readonly norm: number;
  /**
   * Mean over pairs of batches of g_a · g_b, over the mean of |g|²: 1 where every batch has the same gradient, about 0 where
   * it is noise. Adam divides by the size of a gradient, so that this, not the norm, says what becomes of a parameter.
   * Null for a single batch, or where the gradient is 0.
   */
  readonly agreement: number | null;
}

/** Adds up gradients, one call for each batch. */
export class GradientSums {
  #sum: readonly Float64Array[] = [];
  #squares = 0;
  #batches = 0;

  /** @param gradients of the same parameters in the same order. @throws ShapeError for others. */
  add(gradients: readonly Float32Array[]): void {
    if (this.#batches === 0) this.#sum = gradients.map(({ length }) => new Float64Array(length));
    const isSame = gradients.every(({ length }, i) => this.#sum[i]?.length === length);
    if (!isSame || gradients.length !== this.#sum.length) {
      throw new ShapeError("GradientSums", "needs the same parameters for every batch", {
        lengths: gradients.map(({ length }) => length).join(", "),
      });
    }
    for (const [i, gradient] of gradients.entries()) {
      const sum = this.#sum[i] as Float64Array;
      for (const [place, value] of gradient.entries()) {
        sum[place] = (sum[place] as number) + value;
        this.#squares += value * value;
      }
    }
    this.#batches += 1;
  }

  /** @throws RangeError when nothing was added. */
  measure(): GradientMeasure {
    const n = this.#batches;
    if (n === 0) throw new RangeError("GradientSums: there is no batch");
    const ofSum = this.#sum.reduce(
      (total, part) => part.reduce((sum, value) => sum + value * value, total),
      0,
    );
    const norm = Math.sqrt(this.#squares / n);
    if (n === 1 || this.#squares === 0) return { norm, agreement: null };
    return { norm, agreement: (ofSum - this.#squares) / ((n - 1) * this.#squares) };
  }
}
