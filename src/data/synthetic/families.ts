/** Families: dense grids of designs, which make near misses plentiful, and the queries inside them. */
import type { Random } from "../../engine/tensor/random.js";
import {
  type Attribute,
  allAttributes,
  attributeValues,
  type Category,
  changedAttributes,
  type Design,
  designKey,
  isValid,
  sampleDesign,
  valuesOf,
  withValue,
} from "./attributes.js";

type Grid = Readonly<Record<Attribute, readonly string[]>>;

/** How many values an attribute should have in a large family, relative to the others. */
const gridWeights: Readonly<Record<Attribute, number>> = {
  colour: 1.5,
  pattern: 1.3,
  patternColour: 0.9, // its values include "none"
  sleeves: 1.3,
  neckline: 1.3,
  length: 1.1,
  fit: 0.9,
  buttons: 0.9,
  belt: 0.9,
  pockets: 0.9,
  print: 1.1,
};

/**
 * `count` different designs of one category, none of them in `taken`: a few values of each attribute in (nearly) all
 * combinations. So every member has all its near misses, designs that differ in one attribute, beside it:
 * neither the reference's look nor the text alone says which of them is meant.
 * @throws RangeError when the vocabulary has no `count` designs left.
 */
export function designFamily(
  category: Category,
  count: number,
  taken: ReadonlySet<string>,
  random: Random,
): Design[] {
  const weights = { ...gridWeights };
  const spread = weightSpread(count);
  for (const attribute of allAttributes) weights[attribute] *= spread ** random.between(-1, 1);
  let grid = startGrid(sampleDesign(category, random), random);
  const members = membersOf(category, grid, taken);
  while (members.length < count) {
    const step = nextStep(category, grid, { taken, weights, missing: count - members.length, random });
    if (!step) throw new RangeError(`families: no ${count} different designs of ${category} are left`);
    grid = { ...grid, [step.attribute]: [...grid[step.attribute], step.value] };
    members.push(...step.added);
  }
  return random.shuffled(members).slice(0, count);
}

/**
 * Factor by which families differ in their weights. A small family varies only a few attributes, so these must be
 * other ones in every family: with the large families' weights it would always be colour, pattern and sleeves.
 */
function weightSpread(count: number): number {
  return count < 50 ? 3 : 1.3;
}

/** The grid of one design, and a colour for patterns to come if its own cloth is plain. */
function startGrid(hub: Design, random: Random): Grid {
  const grid: Record<Attribute, readonly string[]> = { ...attributeValues };
  for (const attribute of allAttributes) grid[attribute] = [hub[attribute]];
  const motifs = valuesOf(hub.category, "patternColour").filter((colour) =>
    isValid(withValue(withValue(hub, "pattern", "dots"), "patternColour", colour)),
  );
  grid.patternColour = ["none", hub.pattern === "solid" ? random.pick(motifs) : hub.patternColour];
  return grid;
}

interface Step {
  readonly attribute: Attribute;
  readonly value: string;
  /** The designs that come with this value. */
  readonly added: readonly Design[];
}

interface StepContext {
  readonly taken: ReadonlySet<string>;
  readonly weights: Readonly<Record<Attribute, number>>;
  /** How many designs the family still wants. */
  readonly missing: number;
  readonly random: Random;
}

/**
 * The next value for the grid: the one that adds most designs, on the axis that has fewest values for its weight;
 * or, if one step can complete the family, the step that overshoots least. undefined when no step adds a design.
 */
function nextStep(
  category: Category,
  grid: Grid,
  { taken, weights, missing, random }: StepContext,
): Step | undefined {
  // In random order, so that the first of equally good steps is not always the first attribute's.
  const steps = random.shuffled(allAttributes).flatMap((attribute) => {
    const values = grid[attribute];
    const unused = random.shuffled(valuesOf(category, attribute).filter((value) => !values.includes(value)));
    const grown = unused.map((value) => {
      const added = membersOf(category, { ...grid, [attribute]: [value] }, taken);
      return { attribute, value, added, need: values.length / weights[attribute] };
    });
    const best = grown.sort((a, b) => b.added.length - a.added.length)[0];
    return best && best.added.length > 0 ? [best] : [];
  });
  const reaching = steps
    .filter((step) => step.added.length >= missing)
    .sort((a, b) => a.added.length - b.added.length);
  const neediest = steps.sort((a, b) => a.need - b.need);
  return reaching[0] ?? neediest[0];
}

/** All valid designs of the grid that are not taken. */
function membersOf(category: Category, grid: Grid, taken: ReadonlySet<string>): Design[] {
  const members: Design[] = [];
  const draft: Record<string, string> = { category };
  const fill = (depth: number): void => {
    const attribute = allAttributes[depth];
    if (attribute === undefined) {
      const design = draft as Design;
      if (isValid(design) && !taken.has(designKey(design))) members.push({ ...design });
      return;
    }
    for (const value of grid[attribute]) {
      draft[attribute] = value;
      fill(depth + 1);
    }
  };
  fill(0);
  return members;
}

/**
 * Share of queries that change one, two and three attributes. A single change is easy for the eye alone (ten near
 * misses fill the first ten places), three changes are easy for a reader alone; so most queries have two.
 */
const changeShares = [0.06, 0.86, 0.08] as const;

/** A query by the position of its pictures. */
export interface Pair {
  readonly reference: number;
  readonly target: number;
}

/**
 * `count` pairs among the pictures of one family (given by their designs) that differ in one to three attributes, no
 * ordered pair twice. Every picture occurs in at least one pair, if `count` allows; pairs prefer pictures that have none yet.
 */
export function samplePairs(designs: readonly Design[], count: number, random: Random): Pair[] {
  const unused = new Set(random.shuffled(designs.map((_, i) => i)));
  const seen = new Set<string>();
  const pairs: Pair[] = [];
  for (let attempt = 0; pairs.length < count && attempt < 20 * count; attempt += 1) {
    const [waiting] = unused;
    const first = waiting ?? random.integer(designs.length);
    const second = partnerOf(first, designs, unused, random);
    if (second === undefined) {
      unused.delete(first);
      continue;
    }
    const [reference, target] = random.chance(0.5) ? [first, second] : [second, first];
    if (seen.has(`${reference}>${target}`)) continue;
    seen.add(`${reference}>${target}`);
    unused.delete(first);
    unused.delete(second);
    pairs.push({ reference, target });
  }
  return pairs;
}

/** A picture one to three attributes away, if there is one; the number of changes is drawn from `changeShares`. */
function partnerOf(
  first: number,
  designs: readonly Design[],
  unused: ReadonlySet<number>,
  random: Random,
): number | undefined {
  let choice = random.uniform();
  const drawn = changeShares.findIndex((share) => {
    choice -= share;
    return choice < 0;
  });
  const start = random.integer(designs.length);
  for (const wanted of [drawn + 1, 2, 1, 3]) {
    const partner = pictureAtDistance(wanted, { first, start, designs, unused });
    if (partner !== undefined) return partner;
  }
  return undefined;
}

interface Search {
  readonly first: number;
  /** Where the walk through the family begins. */
  readonly start: number;
  readonly designs: readonly Design[];
  readonly unused: ReadonlySet<number>;
}

/** The first picture from `start` on that differs from `first` in so many attributes; an unused one if there is. */
function pictureAtDistance(changes: number, { first, start, designs, unused }: Search): number | undefined {
  const from = designs[first];
  let found: number | undefined;
  for (let step = 0; step < designs.length; step += 1) {
    const position = (start + step) % designs.length;
    const to = designs[position];
    if (!from || !to || changedAttributes(from, to).length !== changes) continue;
    if (unused.size === 0 || unused.has(position)) return position;
    found ??= position;
  }
  return found;
}
