/** Relative captions: two annotators say, each in their own words, how the target differs from the reference. */
import type { Random } from "../../engine/tensor/random.js";
import { type Attribute, changedAttributes, type Design } from "./attributes.js";
import { captionNouns, phrasesFor, word } from "./phrases.js";

/**
 * Two captions that lead from `reference` to `target`. Each mentions at least one changed attribute, together they
 * mention all of them and nothing else, so the captions joined with the reference give the target's design.
 * @throws RangeError when the designs are equal or of different categories.
 */
export function modificationCaptions(reference: Design, target: Design, random: Random): [string, string] {
  if (reference.category !== target.category) {
    throw new RangeError(
      `captions: designs must share a category; got ${reference.category}, ${target.category}`,
    );
  }
  const changes = random.shuffled(changedAttributes(reference, target));
  if (changes.length === 0) throw new RangeError("captions: the two designs are equal");
  // The first annotator sees the first `seen` changes, the second the others and perhaps some of the first again.
  const seen = 1 + random.integer(changes.length);
  const again = changes.slice(0, seen).filter(() => random.chance(0.5));
  const rest = random.shuffled([...changes.slice(seen), ...again]);
  const first = captionFor(changes.slice(0, seen), reference, target, random);
  const second = captionFor(rest.length > 0 ? rest : changes, reference, target, random);
  return random.chance(0.5) ? [first, second] : [second, first];
}

const openers = [
  "",
  "",
  "",
  "",
  "",
  "it ",
  "it ",
  "this one ",
  "the one i want ",
  "the new one ",
  "i want one that ",
];
const sameAsReference = [
  "the same",
  "same style",
  "similar",
  "the same {noun}",
  "a similar {noun}",
  "same {noun}",
  "like this",
];

/** One annotator's sentence about these changes. */
function captionFor(
  changes: readonly Attribute[],
  reference: Design,
  target: Design,
  random: Random,
): string {
  const noun = random.pick(captionNouns[target.category]);
  const phrases = changes.map((attribute) => ({ attribute, ...phrasesFor(attribute, reference, target) }));
  const predicates = (list: typeof phrases): string =>
    joined(shareVerb(list.map((p) => random.pick(p.predicates))));
  const form = random.uniform();
  if (form < 0.24) {
    const complements = phrases.map((phrase) => random.pick(phrase.complements));
    return `${random.pick(sameAsReference).replace("{noun}", noun)} but ${joined(complements)}`;
  }
  if (form < 0.4 && changes.includes("colour")) {
    const others = phrases.filter(({ attribute }) => attribute !== "colour");
    const start = `is a ${word(target.colour)} ${noun}`.replace("a orange", "an orange");
    return others.length > 0 ? `${start} and ${predicates(others)}` : start;
  }
  return random.pick(openers) + predicates(phrases);
}

/** "is red", "has a belt", "has no print" -> "is red", "has a belt", "no print": a repeated verb is said once. */
function shareVerb(predicates: readonly string[]): string[] {
  return predicates.map((predicate, i) => {
    const verb = predicate.split(" ", 1)[0];
    const isRepeated =
      i > 0 && predicates[i - 1]?.startsWith(`${verb} `) && (verb === "has" || verb === "is");
    return isRepeated ? predicate.slice(`${verb} `.length) : predicate;
  });
}

/** "a", "a and b", "a, b and c". */
function joined(parts: readonly string[]): string {
  if (parts.length < 2) return parts.join("");
  return `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}`;
}
