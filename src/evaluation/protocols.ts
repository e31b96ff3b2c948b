/**
 * The ways in which the field evaluates, by name. They differ by 5 to 20 points on FashionIQ, so a
 * result always carries its protocol and the sizes of its galleries.
 */
import {
  type DatasetSplit,
  type GalleryProtocol,
  galleryProtocols,
  type ReferenceRule,
  type RetrievalDataset,
  usualEvaluation,
} from "../data/triplet.js";
import { joinCaptions } from "../text/vocabulary.js";

/**
 * What a query is ranked against, within its category:
 * - `val-split`: the reference and target images of the split's queries, and what else answers them or is in their subsets
 *   (VAL, CLVC-Net, AMC, SDFN);
 * - `original`: every image that the data set lists for the split (CLIP4Cir, SPRC, ARTEMIS; everyone on Shoes,
 *   Fashion200k, CIRR and CIRCO).
 */
export const protocolNames = galleryProtocols;
export type ProtocolName = GalleryProtocol;

/**
 * What becomes of a query's captions:
 * - `and`: one text, "c1 and c2" (CLVC-Net, AMC);
 * - `swapped`: two queries, "c1 and c2" and "c2 and c1" (CoSMo, ARTEMIS);
 * - `each`: one query per caption (VAL); empty ones ask nothing.
 */
export const captionJoins = ["and", "swapped", "each"] as const;
export type CaptionJoin = (typeof captionJoins)[number];

/** Everything about an evaluation that changes its numbers, the model aside. */
export interface Protocol {
  readonly name: ProtocolName;
  readonly reference: ReferenceRule;
  readonly captions: CaptionJoin;
}

/** The paper's protocol: VAL's galleries, reference removed, captions joined with "and". */
export const defaultProtocol: Protocol = { name: "val-split", reference: "removed", captions: "and" };

/**
 * The protocol that a data set's published results have, where `asked` says nothing else.
 * @example
 * import { openDataset, protocolFor } from "sdfn/training";
 * console.log(protocolFor(openDataset("data/small"), { name: "original" }).reference); // removed
 */
export function protocolFor(
  { evaluation = usualEvaluation }: Pick<RetrievalDataset, "evaluation">,
  asked: { readonly [Field in keyof Protocol]?: Protocol[Field] | undefined } = {},
): Protocol {
  return {
    name: asked.name ?? evaluation.protocol,
    reference: asked.reference ?? evaluation.reference ?? defaultProtocol.reference,
    captions: asked.captions ?? defaultProtocol.captions,
  };
}

/** Images that the split's queries are ranked against, by category, each image once. */
export function galleriesOf(split: DatasetSplit, protocol: Protocol): ReadonlyMap<string, readonly string[]> {
  return galleryRules[protocol.name](split);
}

const galleryRules: Readonly<
  Record<ProtocolName, (split: DatasetSplit) => ReadonlyMap<string, readonly string[]>>
> = {
  "val-split": ({ triplets }) => {
    const galleries = new Map<string, Set<string>>();
    for (const { category, reference, target, hits = [], relevant = [], subset = [] } of triplets) {
      const gallery = galleries.get(category) ?? new Set();
      for (const id of [reference, target, ...hits, ...relevant, ...subset]) gallery.add(id);
      galleries.set(category, gallery);
    }
    return new Map([...galleries].map(([category, ids]) => [category, [...ids]]));
  },
  original: ({ images }) => new Map([...images].map(([category, ids]) => [category, [...new Set(ids)]])),
};

/** The texts that are asked for one triplet; at least one, which is empty when every caption is. */
export function queryTexts(captions: readonly string[], join: CaptionJoin): readonly string[] {
  return captionRules[join](captions);
}

const captionRules: Readonly<Record<CaptionJoin, (captions: readonly string[]) => readonly string[]>> = {
  and: (captions) => [joinCaptions(captions)],
  swapped: (captions) => [joinCaptions(captions), joinCaptions(captions.toReversed())],
  each: (captions) => {
    const texts = captions.map((caption) => caption.trim()).filter((caption) => caption !== "");
    return texts.length > 0 ? texts : [""];
  },
};
