/** What votes in Css-Net: an image compositor and a text compositor on each of two levels. */
import type { Value } from "../../../engine/graph/value.js";
import { multiply } from "../../../engine/ops/arithmetic.js";
import { l2Normalise } from "../../../engine/ops/normalisation.js";
import type { Random } from "../../../engine/tensor/random.js";
import type { ForwardPass } from "../../../nn/forward-pass.js";
import { Linear } from "../../../nn/linear.js";
import { Module } from "../../../nn/module.js";
import type { Parts } from "../../parts.js";
import { TextCompositor, type TextCompositorWidths, type Words } from "./text-compositor.js";

export const levelNames = ["layer4", "layer3"] as const;
export type LevelName = (typeof levelNames)[number];
/** Something of each level. */
export type ByLevel<T> = Readonly<Record<LevelName, T>>;

/** The same of each level. */
export function byLevel<T>(make: (level: LevelName) => T): ByLevel<T> {
  return { layer4: make("layer4"), layer3: make("layer3") };
}

/** What each vote counts in ranking, by its part's name; training has one loss for each. */
export const voteWeights = {
  "image.layer4": 1,
  "image.layer3": 0.5,
  "text.layer4": 0.5,
  "text.layer3": 0.5,
} as const;

export interface VoterWidths extends TextCompositorWidths {
  /** C_K, of each level's map. */
  readonly maps: ByLevel<number>;
  /** Of every part: 4, so that their products are 16 cosines. */
  readonly partLength: number;
}

/**
 * Heads and text compositors of Css-Net, for K of layer4, layer3, all parts of one length:
 *
 *   e_K(m) = 4 · unit(E_K m + b),  e'_K(m) likewise                  m the mean of a map
 *   q.image.K = e_K(composed map),       t.image.K = e_K(target's)
 *   q.text.K = 4 · unit(p_K),            t.text.K = e'_K(target's)   p_K of `TextCompositor`, with r = e'_K(reference's)
 *
 * m [B, C_K] -> parts [B, H]. What the image compositors do with the maps is not here.
 */
export class CssNetVoters extends Module {
  readonly embed_image: ByLevel<Linear>;
  readonly embed_text: ByLevel<Linear>;
  readonly text: ByLevel<TextCompositor>;
  readonly #partLength: number;

  constructor(widths: VoterWidths, random: Random) {
    super();
    const { maps, head, partLength } = widths;
    this.embed_image = byLevel((level) => new Linear(maps[level], head, random));
    this.embed_text = byLevel((level) => new Linear(maps[level], head, random));
    this.text = byLevel(() => new TextCompositor(widths, random));
    this.#partLength = partLength;
  }

  /** Parts of a picture as a target, of the means of its maps. */
  target(means: ByLevel<Value>): Parts {
    return partsOf(
      byLevel((level) => this.#ofLength(this.embed_image[level].forward(means[level]))),
      byLevel((level) => this.#ofLength(this.embed_text[level].forward(means[level]))),
    );
  }

  /** u_K, what the image compositors are told. */
  sentences(text: Words, pass: ForwardPass): ByLevel<Value> {
    return byLevel((level) => this.text[level].sentence(text, pass));
  }

  /** Parts of a query, of the means of its reference's maps as they are and as the image compositors changed them. */
  query(
    means: { readonly reference: ByLevel<Value>; readonly composed: ByLevel<Value> },
    text: Words,
    pass: ForwardPass,
  ): Parts {
    return partsOf(
      byLevel((level) => this.#ofLength(this.embed_image[level].forward(means.composed[level]))),
      byLevel((level) => {
        const picture = this.#ofLength(this.embed_text[level].forward(means.reference[level]));
        return this.#ofLength(this.text[level].forward(text, picture, pass));
      }),
    );
  }

  #ofLength(x: Value): Value {
    return multiply(l2Normalise(x, { axis: 1 }), this.#partLength);
  }
}

function partsOf(image: ByLevel<Value>, text: ByLevel<Value>): Parts {
  return {
    "image.layer4": image.layer4,
    "image.layer3": image.layer3,
    "text.layer4": text.layer4,
    "text.layer3": text.layer3,
  };
}
