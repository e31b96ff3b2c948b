/** Which items differ in exactly which attributes, found by hashing what stays the same. */
import { unknownCode } from "./item-table.js";

/** Designs that occur in one category of one split: items alike in every attribute are one design. */
export interface Designs {
  /** A */
  readonly attributeCount: number;
  /** [V, A] codes of each design. */
  readonly codes: Int32Array;
  /** V lists of rows of the item table. */
  readonly items: readonly (readonly number[])[];
}

/** Gathers `rows` of a table with codes [N, A] by design. */
export function designsOf(rows: readonly number[], codes: Int32Array, attributeCount: number): Designs {
  const designOf = new Map<string, number>();
  const items: number[][] = [];
  const designCodes: number[] = [];
  for (const row of rows) {
    const own = codes.subarray(row * attributeCount, (row + 1) * attributeCount);
    const key = own.join();
    const design = designOf.get(key);
    if (design === undefined) {
      designOf.set(key, items.length);
      items.push([row]);
      designCodes.push(...own);
    } else items[design]?.push(row);
  }
  return { attributeCount, codes: Int32Array.from(designCodes), items };
}

/** Attributes that change together, by index, ascending. */
export type ChangedSet = readonly number[];

/** Every set of 1 to `maxChanges` of `attributeCount` attributes, smaller ones first. */
export function changedSets(attributeCount: number, maxChanges: number): readonly ChangedSet[] {
  let sets: ChangedSet[] = [[]];
  const all: ChangedSet[] = [];
  for (let size = 1; size <= maxChanges; size += 1) {
    sets = sets.flatMap((set) => {
      const start = (set.at(-1) ?? -1) + 1;
      return Array.from({ length: attributeCount - start }, (_, i) => [...set, start + i]);
    });
    all.push(...sets);
  }
  return all;
}

/** Most references that lead to one design by one changed set: no target is asked for all the time. */
const referencesPerTarget = 8;
/** Designs looked at for them; bounds the work where most neighbours share a value. */
const probesPerTarget = 64;

/**
 * Calls `visit` for pairs of designs that differ in every attribute of `set`, whose values both are known, and are
 * equal (or both unknown) in all others. Designs are hashed by what must be equal, so the work is linear in their
 * number; equal arguments give equal pairs in equal order.
 */
export function visitPairs(
  designs: Designs,
  set: ChangedSet,
  visit: (target: number, reference: number) => void,
): void {
  const { order, starts } = buckets(designs, set);
  for (let b = 0; b + 1 < starts.length; b += 1) {
    const start = starts[b] ?? 0;
    const size = (starts[b + 1] ?? 0) - start;
    for (let i = 0; i < size; i += 1) {
      const target = order[start + i] ?? 0;
      const offset = Math.imul(target + 1, 0x9e3779b1) >>> 0; // neighbours in the file are not always preferred
      let found = 0;
      for (
        let probe = 0;
        probe < Math.min(size, probesPerTarget) && found < referencesPerTarget;
        probe += 1
      ) {
        const reference = order[start + ((offset + probe) % size)] ?? 0;
        if (reference === target || !differExactly(designs, { target, reference, set })) continue;
        found += 1;
        visit(target, reference);
      }
    }
  }
}

/** Designs with all attributes of `set` known, in runs that agree (up to hash collisions) in the other attributes. */
function buckets(
  { codes, items, attributeCount }: Designs,
  set: ChangedSet,
): { readonly order: Int32Array; readonly starts: readonly number[] } {
  const bucketOf = new Map<number, number>();
  const bucket = new Int32Array(items.length).fill(-1);
  const counts: number[] = [];
  for (let design = 0; design < items.length; design += 1) {
    const at = design * attributeCount;
    if (set.some((a) => codes[at + a] === unknownCode)) continue;
    const key = hashWithout(codes.subarray(at, at + attributeCount), set);
    let index = bucketOf.get(key);
    if (index === undefined) {
      index = counts.length;
      bucketOf.set(key, index);
      counts.push(0);
    }
    bucket[design] = index;
    counts[index] = (counts[index] ?? 0) + 1;
  }
  const starts = [0];
  for (const count of counts) starts.push((starts.at(-1) ?? 0) + count);
  const next = Int32Array.from(starts);
  const order = new Int32Array(starts.at(-1) ?? 0);
  for (let design = 0; design < items.length; design += 1) {
    const index = bucket[design] ?? -1;
    if (index < 0) continue;
    order[next[index] ?? 0] = design;
    next[index] = (next[index] ?? 0) + 1;
  }
  return { order, starts };
}

/** 53 bits of the codes outside `set`. */
function hashWithout(codes: Int32Array, set: ChangedSet): number {
  let high = 0x243f6a88;
  let low = 0x85a308d3;
  for (let a = 0; a < codes.length; a += 1) {
    if (set.includes(a)) continue;
    const code = codes[a] ?? 0;
    high = Math.imul(high ^ code, 0x85ebca6b);
    high ^= high >>> 15;
    low = Math.imul(low + code, 0xc2b2ae35);
    low ^= low >>> 13;
  }
  return (high >>> 6) * 2 ** 27 + (low >>> 5);
}

function differExactly(
  { codes, attributeCount }: Designs,
  {
    target,
    reference,
    set,
  }: { readonly target: number; readonly reference: number; readonly set: ChangedSet },
): boolean {
  for (let a = 0; a < attributeCount; a += 1) {
    const isEqual = codes[target * attributeCount + a] === codes[reference * attributeCount + a];
    if (isEqual === set.includes(a)) return false;
  }
  return true;
}
