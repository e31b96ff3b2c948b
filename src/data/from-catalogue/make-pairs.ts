/** Draws pairs of items that differ in few attributes, evenly over attributes and values. */
import type { Random } from "../../engine/tensor/random.js";
import { type ChangedSet, changedSets, type Designs, visitPairs } from "./changed-sets.js";

/** A pair of rows of the item table and the attributes in which they differ. */
export interface ItemPair {
  readonly reference: number;
  readonly target: number;
  readonly changed: ChangedSet;
}

/** What could be drawn from one category of one split. */
export interface PairSupply {
  readonly designs: Designs;
  readonly sets: readonly ChangedSet[];
  /** Pairs of items by set. */
  readonly capacities: readonly number[];
  /** Sum of `capacities`. */
  readonly total: number;
  /** By design: can it be part of a pair? */
  readonly hasPartner: Uint8Array;
}

/** Counts what can be drawn. `onSet` is called after each set and may wait, so that others get a turn. */
export async function pairSupply(
  designs: Designs,
  maxChanges: number,
  onSet: () => Promise<void> | void = () => undefined,
): Promise<PairSupply> {
  const sets = changedSets(designs.attributeCount, Math.min(maxChanges, designs.attributeCount));
  const hasPartner = new Uint8Array(designs.items.length);
  const capacities: number[] = [];
  for (const set of sets) {
    let capacity = 0;
    visitPairs(designs, set, (target, reference) => {
      capacity += designs.items[target]?.length ?? 0;
      hasPartner[target] = 1;
      hasPartner[reference] = 1;
    });
    capacities.push(capacity);
    await onSet();
  }
  return { designs, sets, capacities, total: capacities.reduce((sum, value) => sum + value, 0), hasPartner };
}

/**
 * Draws `count` different pairs (all there are, if fewer). Attributes take part equally often as far as they can, and
 * half of the changes are of one attribute alone where `maxChanges` is 2; within a set every value of the target gets
 * its turn, and every item with that value.
 */
export async function drawPairs(
  supply: PairSupply,
  count: number,
  random: Random,
  onSet: () => Promise<void> | void = () => undefined,
): Promise<readonly ItemPair[]> {
  const quotas = quotasOf(supply, count);
  const { codes, attributeCount } = supply.designs;
  const uses = Array.from({ length: attributeCount }, () => new Map<number, number>());
  const pairs: ItemPair[] = [];
  for (const [index, set] of supply.sets.entries()) {
    const quota = quotas[index] ?? 0;
    if (quota > 0) {
      for (const { target, pair } of drawFromSet(supply.designs, set, { quota, uses, random })) {
        pairs.push(pair);
        for (const a of set) {
          const code = codes[target * attributeCount + a] ?? 0;
          uses[a]?.set(code, (uses[a]?.get(code) ?? 0) + 1);
        }
      }
    }
    await onSet();
  }
  return random.shuffled(pairs);
}

/** Pairs by set: the attribute that was changed least so far is next, in the set it was least often changed by. */
function quotasOf({ sets, capacities, designs }: PairSupply, count: number): readonly number[] {
  const quotas = sets.map(() => 0);
  const left = [...capacities];
  const changes = Array.from({ length: designs.attributeCount }, () => 0);
  const setsOf = changes.map((_, a) => sets.flatMap((set, i) => (set.includes(a) ? [i] : [])));
  // One set of one attribute weighs as much as all sets of two that it is in, together.
  const weights = sets.map(
    ({ length }, i) => setsOf[sets[i]?.[0] ?? 0]?.filter((j) => sets[j]?.length === length).length ?? 1,
  );
  const live = new Set(changes.keys());
  for (let drawn = 0; drawn < count && live.size > 0; ) {
    const attribute = argMin([...live], (a) => changes[a] ?? 0);
    const open = setsOf[attribute]?.filter((i) => (left[i] ?? 0) > 0) ?? [];
    if (open.length === 0) {
      live.delete(attribute);
      continue;
    }
    const set = argMin(open, (i) => (quotas[i] ?? 0) * (weights[i] ?? 1));
    quotas[set] = (quotas[set] ?? 0) + 1;
    left[set] = (left[set] ?? 0) - 1;
    for (const a of sets[set] ?? []) changes[a] = (changes[a] ?? 0) + 1;
    drawn += 1;
  }
  return quotas;
}

/** First of the elements with the smallest value. */
function argMin(elements: readonly number[], scoreOf: (element: number) => number): number {
  let best = elements[0] ?? 0;
  let least = scoreOf(best);
  for (const element of elements) {
    const value = scoreOf(element);
    if (value < least) [best, least] = [element, value];
  }
  return best;
}

/** Pairs of one set that are still to be drawn, for one value of the target. */
interface ValueQueue {
  /** Candidates by index, in random order. */
  open: number[];
  /** Drawn in this round, with items left. */
  again: number[];
}

function* drawFromSet(
  designs: Designs,
  set: ChangedSet,
  {
    quota,
    uses,
    random,
  }: {
    readonly quota: number;
    readonly uses: readonly ReadonlyMap<number, number>[];
    readonly random: Random;
  },
): Generator<{ readonly target: number; readonly pair: ItemPair }> {
  const targets: number[] = [];
  const references: number[] = [];
  visitPairs(designs, set, (target, reference) => {
    targets.push(target);
    references.push(reference);
  });
  const used = new Int32Array(targets.length);
  const shift = random.integer(2 ** 30);
  const turns = set.map((attribute) => {
    const queues = queuesOf(
      targets,
      (design) => designs.codes[design * designs.attributeCount + attribute] ?? 0,
    );
    for (const queue of queues.values()) queue.open = random.shuffled(queue.open);
    const values = random.shuffled([...queues.keys()]);
    values.sort((a, b) => (uses[attribute]?.get(a) ?? 0) - (uses[attribute]?.get(b) ?? 0));
    return { queues: values.flatMap((value) => queues.get(value) ?? []), next: 0 };
  });
  const isLeft = (candidate: number) =>
    (used[candidate] ?? 0) < (designs.items[targets[candidate] ?? 0]?.length ?? 0);
  for (let drawn = 0, turn = 0; drawn < quota; turn += 1) {
    const values = turns[turn % turns.length];
    if (!values || values.queues.length === 0) return;
    const queue = values.queues[values.next % values.queues.length];
    const candidate = queue && take(queue, isLeft);
    if (candidate === undefined) {
      values.queues.splice(values.next % values.queues.length, 1); // the next value moves into its place
      continue;
    }
    values.next = (values.next % values.queues.length) + 1;
    const [target = 0, reference = 0] = [targets[candidate], references[candidate]];
    const use = used[candidate] ?? 0;
    used[candidate] = use + 1;
    const [targetItems = [], referenceItems = []] = [designs.items[target], designs.items[reference]];
    const start = shift + candidate;
    const pair = {
      reference: referenceItems[(start + use) % referenceItems.length] ?? 0,
      target: targetItems[(start + use) % targetItems.length] ?? 0,
      changed: set,
    };
    drawn += 1;
    yield { target, pair };
  }
}

/** The next candidate of a value that has items left; every candidate once before any comes again. */
function take(queue: ValueQueue, isLeft: (candidate: number) => boolean): number | undefined {
  for (;;) {
    const candidate = queue.open.pop();
    if (candidate === undefined) {
      if (queue.again.length === 0) return undefined;
      queue.open = queue.again.reverse();
      queue.again = [];
    } else if (isLeft(candidate)) {
      queue.again.push(candidate);
      return candidate;
    }
  }
}

function queuesOf(targets: readonly number[], codeOf: (design: number) => number): Map<number, ValueQueue> {
  const queues = new Map<number, ValueQueue>();
  for (const [candidate, target] of targets.entries()) {
    const code = codeOf(target);
    const queue = queues.get(code);
    if (queue) queue.open.push(candidate);
    else queues.set(code, { open: [candidate], again: [] });
  }
  return queues;
}
