/** Two captions for a change, in the manner of FashionIQ: two annotators, each in their own words. */

import { valueSeparator } from "../../catalogue/item-schema.js";
import type { Random } from "../../engine/tensor/random.js";
import type { AttributeTemplates, CaptionTemplates } from "./caption-templates.js";

/** One attribute that changed, with values as the item table has them. */
export interface Change {
  readonly attribute: string;
  readonly from: string;
  readonly to: string;
}

const yes = new Set(["yes", "true", "y", "1"]);
const no = new Set(["no", "false", "n", "0", "none", "without"]);

/** Two annotators rarely write the same; a file with one template leaves no choice. */
const attemptsToDiffer = 5;

/** Writes captions after templates. */
export class CaptionWriter {
  readonly #templates: CaptionTemplates;
  readonly #ofAttribute = new Map<string, AttributeTemplates>();

  constructor(templates: CaptionTemplates) {
    this.#templates = templates;
  }

  /**
   * Two captions that say nothing but `changes`: each says at least one, together they say all. Where an attribute is
   * said for the first time its new value is named; said again, it may be a comparison ("is longer").
   * @throws RangeError when there is no change.
   */
  captions(changes: readonly Change[], random: Random): [string, string] {
    if (changes.length === 0) throw new RangeError("captions: there is no change to say");
    const order = random.shuffled(changes);
    const seen = 1 + random.integer(order.length);
    const again = order.slice(0, seen).filter(() => random.chance(0.5));
    const rest = order.slice(seen);
    const first = this.#sentence(order.slice(0, seen), [], random);
    // With nothing left and nothing said again by chance, the second annotator says everything once more.
    const repeated = rest.length + again.length > 0 ? again : order;
    let second = this.#sentence(rest, repeated, random);
    for (let i = 0; second === first && i < attemptsToDiffer; i += 1) {
      second = this.#sentence(rest, repeated, random);
    }
    return random.chance(0.5) ? [first, second] : [second, first];
  }

  #sentence(named: readonly Change[], repeated: readonly Change[], random: Random): string {
    const phrases = [
      ...named.map((change) => this.#phrase(change, namingPhrases, random)),
      ...repeated.map((change) => this.#phrase(change, allPhrases, random)),
    ];
    return random.pick(this.#templates.openers) + joined(random.shuffled(phrases));
  }

  #phrase(change: Change, choices: typeof namingPhrases, random: Random): string {
    const templates = this.#of(change.attribute);
    return filled(random.pick(choices(change, templates)), change, { templates, random });
  }

  #of(attribute: string): AttributeTemplates {
    const known = this.#ofAttribute.get(attribute) ?? this.#templates.of(attribute);
    this.#ofAttribute.set(attribute, known);
    return known;
  }
}

/** Phrases that leave no doubt about the new value. */
function namingPhrases({ from, to }: Change, templates: AttributeTemplates): readonly string[] {
  const become = templates.become.get(to);
  if (become) return become;
  if (no.has(to)) return templates.absent;
  if (yes.has(to)) return templates.present;
  // "instead of none" is no English.
  const plain = templates.phrases.filter((phrase) => !phrase.includes("{from}"));
  const isPlainNeeded = yes.has(from) || no.has(from) || templates.become.has(from);
  return isPlainNeeded && plain.length > 0 ? plain : templates.phrases;
}

/** The same and, where the values have an order, comparisons. */
function allPhrases(change: Change, templates: AttributeTemplates): readonly string[] {
  const [start, end] = [templates.order.indexOf(change.from), templates.order.indexOf(change.to)];
  const naming = namingPhrases(change, templates);
  if (start < 0 || end < 0) return naming;
  return [...naming, ...(end > start ? templates.more : templates.less)];
}

function filled(
  phrase: string,
  { from, to }: Change,
  { templates, random }: { readonly templates: AttributeTemplates; readonly random: Random },
): string {
  const words = { "{to}": wordsOf(to), "{from}": wordsOf(from), "{attribute}": templates.name };
  function wordsOf(value: string): string {
    const parts = value.split(valueSeparator).map((part) => random.pick(templates.words.get(part) ?? [part]));
    return parts.join(" and ");
  }
  return phrase
    .replace(/\{(?:to|from|attribute)\}/g, (name) => words[name as keyof typeof words])
    .replace(/\ba ([aeio]\w)/g, "an $1")
    .replace(/\ban? (an?) /g, "$1 ")
    .replace(/\bno an? /g, "no ");
}

/** "a", "a and b", "a, b and c". */
function joined(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}
