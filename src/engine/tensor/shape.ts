/** Shapes: lists of axis lengths, some of them symbols in inference graphs. */
import { ShapeError } from "../../errors.js";

/**
 * Lengths that an inference graph takes any of at run time: examples, places of the longest text, rows of a gallery, and a
 * sequence that a text is part of.
 */
export const dimSymbols = ["batch", "words", "rows", "tokens"] as const;
/** Length of an axis. */
export type Dim = number | (typeof dimSymbols)[number];
export type Shape = readonly Dim[];
/** A shape whose every axis is a number, as in training graphs. */
export type StaticShape = readonly number[];

/** `[2, 3]` as text. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** Is every axis a number? */
export function isStatic(shape: Shape): shape is StaticShape {
  return shape.every((dim) => typeof dim === "number");
}

/** The shape as numbers. @throws ShapeError when an axis is symbolic. */
export function requireStatic(where: string, shape: Shape): StaticShape {
  if (!isStatic(shape))
    throw new ShapeError(where, "needs a shape of numbers", { shape: formatShape(shape) });
  return shape;
}

/** Number of elements. @throws ShapeError when an axis is symbolic. */
export function elementCount(shape: Shape): number {
  return requireStatic("elementCount", shape).reduce((product, dim) => product * dim, 1);
}

/** Same axes, symbol for symbol? */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

/**
 * The shape two operands broadcast to, as NumPy does it: aligned at the last axis, 1 stretches.
 * @throws ShapeError when an axis differs and neither is 1.
 */
export function broadcastShapes(where: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const x = a[axis - rank + a.length] ?? 1;
    const y = b[axis - rank + b.length] ?? 1;
    if (x === y || y === 1) return x;
    if (x === 1) return y;
    throw new ShapeError(where, "shapes do not broadcast", { a: formatShape(a), b: formatShape(b) });
  });
}

/** `axis` counted from the front; negative counts from the back. @throws ShapeError when out of range. */
export function normaliseAxis(where: string, axis: number, rank: number): number {
  const normalised = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normalised < 0 || normalised >= rank) {
    throw new ShapeError(where, `axis must be between ${-rank} and ${rank - 1}`, { axis });
  }
  return normalised;
}
