/**
 * Fashion200k's training pairs, drawn anew each epoch as TIRG's code does (Vo et al., CVPR 2019):
 *
 *   parents of a caption    the caption without one of its words (every occurrence of its letters, as there)
 *   modifiable image        one whose caption has a parent with two or more child captions
 *   a draw                  a parent of the image's caption, another child of it, an image of that caption
 *   text                    "replace X with Y": the first word of either caption that the other lacks
 */
import type { Random } from "../../engine/tensor/random.js";
import type { DatasetSplit, Triplet } from "../triplet.js";

/** A split without published triplets: captions are what pairs are drawn from. */
export class CaptionPairs implements DatasetSplit {
  readonly name = "train";
  readonly triplets = [];
  readonly untargeted = [];
  readonly images: ReadonlyMap<string, readonly string[]>;
  readonly #captions: ReadonlyMap<string, string>;
  readonly #category: string;
  #families: Families | undefined;

  /** @param captions caption of each image, by id; @param category the one group of all images. */
  constructor(captions: ReadonlyMap<string, string>, category: string) {
    this.#captions = captions;
    this.#category = category;
    this.images = new Map([[category, [...captions.keys()]]]);
  }

  /** As many draws as images; none where no image is modifiable. */
  get epochTripletCount(): number {
    return this.modifiable.length > 0 ? this.#captions.size : 0;
  }

  /** The images that can be a reference, in file order. */
  get modifiable(): readonly string[] {
    return this.#familiesOnce().modifiable;
  }

  /** Every image once as the reference, in random order; one that is not modifiable gives way to a random one that is. */
  drawEpoch(random: Random): readonly Triplet[] {
    const { modifiable, parentsOf, childrenOf, imagesOf } = this.#familiesOnce();
    if (modifiable.length === 0) return [];
    return random.shuffled([...this.#captions.keys()]).map((id): Triplet => {
      const isModifiable = parentsOf.has(this.#captions.get(id) ?? "");
      const reference = isModifiable ? id : random.pick(modifiable);
      const from = this.#captions.get(reference) ?? "";
      let to = from;
      while (to === from) {
        const parent = random.pick(parentsOf.get(from) ?? []);
        to = random.pick(childrenOf.get(parent) ?? []);
      }
      const target = random.pick(imagesOf.get(to) ?? []);
      return { reference, target, captions: [replacementText(from, to)], category: this.#category };
    });
  }

  *trainingTexts(): Iterable<string> {
    for (const caption of this.#captions.values()) yield `replace ${caption} with`;
  }

  /** Parents and modifiable images are found anew among the captions that are left. */
  restrict(isAvailable: (imageId: string) => boolean): CaptionPairs {
    const left = [...this.#captions].filter(([id]) => isAvailable(id));
    return new CaptionPairs(new Map(left), this.#category);
  }

  #familiesOnce(): Families {
    this.#families ??= findFamilies(this.#captions);
    return this.#families;
  }
}

/** "replace X with Y": X the first word of `from` that is not in `to`, Y the converse; where there is none, the last word. */
export function replacementText(from: string, to: string): string {
  const [source, target] = [wordsOf(from), wordsOf(to)];
  const own = (words: readonly string[], others: readonly string[]) =>
    words.find((word) => !others.includes(word)) ?? words.at(-1) ?? "";
  return `replace ${own(source, target)} with ${own(target, source)}`;
}

interface Families {
  readonly modifiable: readonly string[];
  /** Parents with two or more children, by caption; captions without any are absent. */
  readonly parentsOf: ReadonlyMap<string, readonly string[]>;
  readonly childrenOf: ReadonlyMap<string, readonly string[]>;
  readonly imagesOf: ReadonlyMap<string, readonly string[]>;
}

function findFamilies(captions: ReadonlyMap<string, string>): Families {
  const imagesOf = groupBy(captions.keys(), (id) => captions.get(id) ?? "");
  const childrenOf = new Map<string, string[]>();
  for (const caption of imagesOf.keys()) {
    for (const parent of parentsOfCaption(caption)) {
      const children = childrenOf.get(parent);
      if (children) children.push(caption);
      else childrenOf.set(parent, [caption]);
    }
  }
  const parentsOf = new Map<string, string[]>();
  for (const [parent, children] of childrenOf) {
    if (children.length < 2) {
      childrenOf.delete(parent);
      continue;
    }
    for (const caption of children) {
      const parents = parentsOf.get(caption);
      if (parents) parents.push(parent);
      else parentsOf.set(caption, [parent]);
    }
  }
  const modifiable = [...captions].filter(([, caption]) => parentsOf.has(caption)).map(([id]) => id);
  return { modifiable, parentsOf, childrenOf, imagesOf };
}

/**
 * Each parent once. A word's letters are taken out wherever they stand, as in TIRG's code, whose published counts of
 * modifiable images rest on it.
 */
function parentsOfCaption(caption: string): Set<string> {
  return new Set(wordsOf(caption).map((word) => caption.replaceAll(word, "").replaceAll("  ", " ").trim()));
}

function wordsOf(caption: string): string[] {
  return caption.split(/\s+/).filter((word) => word !== "");
}

function groupBy(ids: Iterable<string>, keyOf: (id: string) => string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const id of ids) {
    const key = keyOf(id);
    const group = groups.get(key);
    if (group) group.push(id);
    else groups.set(key, [id]);
  }
  return groups;
}
