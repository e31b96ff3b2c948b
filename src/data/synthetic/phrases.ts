/** How one changed attribute is put into words, in the manner of FashionIQ's annotators. */
import { type Attribute, type Category, type Design, valuesOf } from "./attributes.js";

/**
 * Ways to say one change. A predicate follows "it" ("has long sleeves"), a complement follows a noun ("with long
 * sleeves"). Every phrase, given the reference, leaves one possible value only.
 */
export interface Phrases {
  readonly predicates: readonly string[];
  readonly complements: readonly string[];
}

/** All ways to say that `attribute` becomes what it is in `to`. The two designs must differ in it. */
export function phrasesFor(attribute: Attribute, from: Design, to: Design): Phrases {
  return phraseMakers[attribute](from, to);
}

/** What annotators call a garment of that category. */
export const captionNouns: Readonly<Record<Category, readonly string[]>> = {
  dress: ["dress", "gown"],
  shirt: ["shirt"],
  toptee: ["top", "tee", "blouse"],
};

/** Words for a value, the usual one first; a value that is not listed is its own word. */
const valueWords: Readonly<Record<string, readonly string[]>> = {
  grey: ["grey", "gray"],
  teal: ["teal", "turquoise"],
  purple: ["purple", "violet"],
  stripes: ["stripes"],
  dots: ["polka dots", "dots"],
  plaid: ["plaid", "checks"],
  floral: ["flowers", "a floral pattern"],
  sleeveless: ["no sleeves"],
  short: ["short sleeves"],
  "three-quarter": ["three quarter sleeves", "elbow length sleeves"],
  long: ["long sleeves", "full sleeves"],
  round: ["a round neck", "a crew neck", "a scoop neckline"],
  v: ["a v neck", "a v shaped neckline"],
  square: ["a square neck", "a square neckline"],
  collar: ["a collar", "a shirt collar"],
  high: ["a high neck", "a turtleneck"],
  star: ["a star", "a star graphic"],
  heart: ["a heart", "a heart print"],
  lightning: ["a lightning bolt", "a lightning graphic"],
};

/** Every word for a value. */
function words(value: string): readonly string[] {
  return valueWords[value] ?? [value];
}

/** The usual word for a value. */
export function word(value: string): string {
  return words(value)[0] ?? value;
}

/** "has x" and "with x" for every x. */
function having(things: readonly string[]): Phrases {
  return { predicates: things.map((x) => `has ${x}`), complements: things.map((x) => `with ${x}`) };
}

/** "is x" for every x; the complement is the bare quality ("similar but knee length"). */
function being(qualities: readonly string[]): Phrases {
  return { predicates: qualities.map((x) => `is ${x}`), complements: qualities };
}

function both(...parts: readonly Phrases[]): Phrases {
  return {
    predicates: parts.flatMap((part) => part.predicates),
    complements: parts.flatMap((part) => part.complements),
  };
}

/** A part that goes; `things` with their article ("a belt"), if they take one. */
function lacking(things: readonly string[]): Phrases {
  return both(having(things.map((x) => `no ${bare(x)}`)), {
    predicates: things.map((x) => `does not have ${x}`),
    complements: things.map((x) => `without ${x}`),
  });
}

/** Without its article. */
function bare(thing: string): string {
  return thing.replace(/^a /, "");
}

/** Colour of a motif with its noun: "white polka dots", "a white floral pattern". */
function coloured(colour: string, motif: string): string {
  return motif.startsWith("a ") ? `a ${colour} ${motif.slice(2)}` : `${colour} ${motif}`;
}

/**
 * Comparatives on an ordered scale, only where they leave a single value: the next step is "a little more", the
 * end of the scale from the step before it is plainly "more".
 */
function comparative(
  scale: readonly string[],
  from: string,
  to: string,
  more: string,
  less: string,
): string[] {
  const start = scale.indexOf(from);
  const steps = scale.indexOf(to) - start;
  const left = steps > 0 ? scale.length - 1 - start : start;
  const quality = steps > 0 ? more : less;
  if (left === 1) return [quality];
  if (Math.abs(steps) === 1) return [`a little ${quality}`, `slightly ${quality}`];
  return left === 2 ? [`much ${quality}`] : [];
}

const lengthWords: Readonly<Record<Category, Readonly<Record<Design["length"], readonly string[]>>>> = {
  dress: {
    short: ["short", "mini length", "above the knee"],
    regular: ["knee length", "mid length"],
    long: ["long", "floor length", "a maxi"],
  },
  shirt: {
    short: ["cropped"],
    regular: ["regular length", "hip length"],
    long: ["long in the body", "thigh length"],
  },
  toptee: {
    short: ["cropped", "a crop top"],
    regular: ["regular length", "hip length"],
    long: ["long in the body", "tunic length"],
  },
};

const fitWords: Readonly<Record<Category, Readonly<Record<Design["fit"], readonly string[]>>>> = {
  dress: {
    fitted: ["fitted", "tighter", "more form fitting", "straighter"],
    loose: ["loose", "flared", "fuller in the skirt", "more flowy"],
  },
  shirt: {
    fitted: ["fitted", "slimmer", "more form fitting"],
    loose: ["loose", "baggier", "boxier"],
  },
  toptee: {
    fitted: ["fitted", "tighter", "more form fitting"],
    loose: ["loose", "more flowy", "swingy and wide"],
  },
};

const phraseMakers: Readonly<Record<Attribute, (from: Design, to: Design) => Phrases>> = {
  colour(from, to) {
    const names = words(to.colour);
    return both(being(names), {
      predicates: [
        `is ${word(to.colour)} instead of ${word(from.colour)}`,
        `is ${word(to.colour)} not ${word(from.colour)}`,
        `comes in ${word(to.colour)}`,
        `is ${word(to.colour)} in color`,
      ],
      complements: names.flatMap((name) => [`in ${name}`, `in ${name} instead of ${word(from.colour)}`]),
    });
  },
  pattern(from, to) {
    if (to.pattern === "solid") {
      return both(being(["solid", "plain", "a solid color"]), having(["no pattern"]), {
        predicates: [`does not have ${word(from.pattern)}`],
        complements: [`without ${word(from.pattern)}`, "in plain fabric"],
      });
    }
    const motifs = words(to.pattern);
    if (from.pattern === "solid") return having(motifs.map((motif) => coloured(to.patternColour, motif)));
    return both(having(motifs), having([`${word(to.pattern)} instead of ${word(from.pattern)}`]));
  },
  patternColour(from, to) {
    const motif = word(to.pattern);
    const verb = motif === "plaid" ? "is" : "are";
    return {
      predicates: [
        `has ${to.patternColour} ${motif}`,
        `has ${motif} in ${to.patternColour} instead of ${from.patternColour}`,
        `has ${motif} that ${verb} ${to.patternColour}`,
      ],
      complements: [`with ${to.patternColour} ${motif}`, `with ${motif} in ${to.patternColour}`],
    };
  },
  sleeves(from, to) {
    if (to.sleeves === "sleeveless") {
      return both(being(["sleeveless"]), having(["no sleeves"]), {
        predicates: ["shows the arms"],
        complements: ["without sleeves"],
      });
    }
    const bySteps =
      from.sleeves === "sleeveless"
        ? []
        : comparative(["short", "three-quarter", "long"], from.sleeves, to.sleeves, "longer", "shorter");
    const named = having([...words(to.sleeves), ...bySteps.map((quality) => `${quality} sleeves`)]);
    return to.sleeves === "three-quarter" ? named : both(named, being([`${to.sleeves} sleeved`]));
  },
  neckline(from, to) {
    const names = words(to.neckline);
    return both(having(names), having([`${word(to.neckline)} instead of ${word(from.neckline)}`]), {
      predicates: [`is more of a ${bare(word(to.neckline))} style`],
      complements: [`with ${word(to.neckline)} rather than ${word(from.neckline)}`],
    });
  },
  length(from, to) {
    const scale = valuesOf(to.category, "length");
    const bySteps = comparative(scale, from.length, to.length, "longer", "shorter");
    return being([...lengthWords[to.category][to.length], ...bySteps]);
  },
  fit(_, to) {
    return both(
      being(fitWords[to.category][to.fit]),
      having([to.fit === "fitted" ? "a slim fit" : "a loose fit"]),
    );
  },
  buttons(_, to) {
    return to.buttons === "yes"
      ? having(["buttons", "buttons down the front", "a button front"])
      : lacking(["buttons", "a button front"]);
  },
  belt(_, to) {
    return to.belt === "yes"
      ? having(["a belt", "a leather belt at the waist", "a belted waist"])
      : lacking(["a belt"]);
  },
  pockets(_, to) {
    return to.pockets === "yes"
      ? having(["pockets", "front pockets", "two patch pockets"])
      : lacking(["pockets"]);
  },
  print(from, to) {
    if (to.print === "none") return lacking(["a print", "a graphic", word(from.print)]);
    const named = having([...words(to.print), `${word(to.print)} on the chest`]);
    if (from.print === "none") return named;
    return both(named, having([`${word(to.print)} instead of ${word(from.print)}`]));
  },
};
